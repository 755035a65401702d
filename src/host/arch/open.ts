/**
 * Opening an IOMMU instance: a row's defaults under the caller's settings, an empty table or domain in the arena.
 */
import { DmasimError } from "../../base/errors.ts";
import { LINEAR_ENTRIES_MAX } from "../../shm/capacities.ts";
import type { HostContext } from "../context.ts";
import type { DmaDomain } from "../dma/device.ts";
import { setBits } from "./bitmap.ts";
import { initLinearTable, type LinearTable } from "./linear_iommu.ts";
import type { ArchOptions, ArchRow, ArchUnit } from "./types.ts";

/** Where an instance lies in the arena. */
export interface ArchSlot {
  /** Index of its LINEAR_TABLE record. */
  readonly index: number;
  /** First LINEAR_ENTRY, a multiple of 64; tables of one arena take disjoint slices. */
  readonly entryBase: number;
  /** For rows with IOVAs: a prepared domain (initDomainIova). */
  readonly domain?: DmaDomain;
}

/** The first slot, for an arena with one instance. */
export const FIRST_SLOT: ArchSlot = Object.freeze({ index: 0, entryBase: 0 });

/** An empty instance of the row's IOMMU, or of its platform when it has none. What the slot held before is forgotten. */
export function openArch(
  ctx: HostContext,
  row: ArchRow,
  slot: ArchSlot = FIRST_SLOT,
  options: ArchOptions = {},
): ArchUnit {
  const settings: ArchOptions = { ...row.defaults, ...options };
  const iommuPageBytes = settings.iommuPageBytes ?? row.granularityBytes;
  const unit: ArchUnit = {
    row: row.name,
    options: settings,
    pageBytes: settings.pageBytes ?? row.pageBytes,
    iommuPageBytes,
    table: row.translation === "linear" ? tableFor(row, slot, settings, iommuPageBytes) : null,
    domain: slot.domain ?? null,
  };
  if (row.translation === "domain" && unit.domain === null) {
    throw new DmasimError({
      code: "DMASIM_ARCH_DOMAIN",
      what: `${row.name} translates through a domain and none was given`,
      remedy: "prepare one and pass it with the slot",
    });
  }
  if (unit.table !== null) {
    initLinearTable(ctx.arena, unit.table, settings.reserved ?? 0);
    const end = settings.reservedEnd ?? 0;
    setBits(ctx.arena, unit.table.entryBase, unit.table.entries - end, end);
    row.ops.open?.(ctx.arena, unit);
  }
  return unit;
}

function tableFor(row: ArchRow, slot: ArchSlot, settings: ArchOptions, iommuPageBytes: number): LinearTable {
  const entries = settings.entries ?? 0;
  if (entries <= 0 || slot.entryBase + entries > LINEAR_ENTRIES_MAX) {
    throw new DmasimError({
      code: "DMASIM_ARCH_TABLE",
      what: `the table of ${row.name} does not fit`,
      value: entries,
      limit: `1 to ${LINEAR_ENTRIES_MAX - slot.entryBase} entries`,
      remedy: "make the I/O window smaller",
    });
  }
  return {
    index: slot.index,
    entryBase: slot.entryBase,
    entries,
    iommuPageBytes,
    dmaBase: settings.dmaBase ?? 0,
  };
}
