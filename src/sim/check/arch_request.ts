/** Requests to the ops tables of older architectures: the IOMMU instance, the device and the list that a case describes. */

import { FIRST_SLOT, openArch } from "../../host/arch/open.ts";
import { listOfEntries, type PlainEntry } from "../../host/arch/plain_list.ts";
import { ARCHITECTURES, archNamed } from "../../host/arch/table.ts";
import type { ArchOptions, ArchRequest, ArchRow, ArchUnit, Series } from "../../host/arch/types.ts";
import { DIR } from "../../host/dma/device.ts";
import { dirOf } from "./attributes.ts";
import { type Given, UnreadableCase, Unsupported } from "./given.ts";
import type { CaseState, CheckContext } from "./state.ts";

/** Page of the CPU and of the IOMMU in cases that name none. */
const PAGE_BYTES = 4096;
/** Alpha's direct window where a case needs one. */
const DIRECT_BYTES = 2 ** 31;
const MASK_32_BIT = 0xffffffff;

const BASE_FIELDS = ["dma_base", "ibase", "iova_base", "aperture_base", "window_base", "arena_base"];
const ENTRY_COUNT_FIELDS = ["table_entries", "aperture_pages", "iova_pages", "window_pages"];
const IOMMU_PAGE_FIELDS = ["iommu_page_size", "iovp_size", "tce_size", "io_page_size"];

/** The row that a case calls by its name, by a shorter one, or with the size of its pages behind (`powerpc-iommu-4k`). */
export function rowOf(name: string): ArchRow {
  const plain = name.replace(/-\d+k$/i, "");
  const row =
    ARCHITECTURES.find((each) => each.name === plain) ??
    ARCHITECTURES.find((each) => each.name.startsWith(`${plain}-`));
  if (row === undefined) throw new Unsupported(`implementation ${name}`);
  return archNamed(row.name);
}

/** An empty instance with the settings that the case gives. */
export function unitOf(given: Given, state: CaseState, ctx: CheckContext, row: ArchRow): ArchUnit {
  const slot = row.translation === "domain" ? { ...FIRST_SLOT, domain: state.domain() } : FIRST_SLOT;
  const options = optionsOf(given, row);
  const { entries = 0, reserved = 0 } = { ...row.defaults, ...options };
  if (reserved < 0 || reserved > entries) throw new UnreadableCase(`${reserved} reserved entries of ${entries}`);
  return openArch(ctx, row, slot, options);
}

function optionsOf(given: Given, row: ArchRow): ArchOptions {
  const options: Record<string, unknown> = { pageBytes: given.number("page_size", PAGE_BYTES) };
  const put = (option: keyof ArchOptions, names: readonly string[], read: (name: string) => unknown) => {
    const name = names.find((each) => given.has(each) && !Array.isArray(given.raw(each)));
    if (name !== undefined) options[option] = read(name);
  };
  const number = (name: string) => given.number(name);
  const flag = (name: string) => given.flag(name);
  if (row.granularityBytes > 0) options.iommuPageBytes = iommuPageOf(given);
  put("iommuPageBytes", IOMMU_PAGE_FIELDS, number);
  put("dmaBase", BASE_FIELDS, number);
  put("entries", ENTRY_COUNT_FIELDS, (name) => given.count(name));
  put("reserved", ["reserved", "first_free_entry"], (name) => given.count(name));
  put("force", ["force", "iommu_force"], flag);
  put("merge", ["merge"], flag);
  put("fullFlush", ["fullflush", "full_flush"], flag);
  put("hasTlbHook", ["tlb_hook", "iommu_present"], flag);
  put("directBase", ["direct_base"], number);
  // Without scatter-gather hardware a list can only go through the direct window.
  if (options.hasTlbHook === false) options.directBytes = DIRECT_BYTES;
  put("directBytes", ["direct_size"], number);
  put("dacOffset", ["dac_offset"], number);
  put("lineBytes", ["line_size", "cache_line"], number);
  return options;
}

/** Page of the IOMMU: the case's, the one in the implementation's name, or 4 KiB. */
function iommuPageOf(given: Given): number {
  const size = /-(\d+)k$/i.exec(given.text("implementation", ""))?.[1];
  return size === undefined ? given.number("page_size", PAGE_BYTES) : Number(size) * 1024;
}

/** A request for a list; `series` says whether the page-less patches of 2015 are in. */
export function requestOf(
  given: Given,
  state: CaseState,
  row: ArchRow,
  entries: readonly PlainEntry[],
  series: Series,
): ArchRequest {
  const ctx = state.context();
  const list = listOfEntries(ctx, entries);
  if (list.sg < 0) throw new UnreadableCase(`no scatterlist of ${entries.length} entries`);
  const device = state.device({
    dmaMask: given.address("dma_mask", MASK_32_BIT),
    maxSegBytes: given.number("max_seg", 65536),
    segBoundaryMask: given.address("seg_boundary", 0xffffffff),
    coherent: false,
  });
  return {
    ctx,
    unit: unitOf(given, state, ctx, row),
    device,
    sg: list.sg,
    nents: list.nents,
    dir: dirOf(given, DIR.bidirectional),
    series,
    entryKva: list.entryKva,
    converted: given.flag("converted"),
  };
}

/** Entries as `[page, offset, length]`. */
export function tupleEntries(given: Given): PlainEntry[] {
  return given.tuples("entries_page_offset_len").map(([pagePhys = 0, offset = 0, length = 0]) => ({
    pagePhys,
    offset,
    length,
  }));
}

/** Entries as `{phys, length, has_page?, kva?}`. */
export function recordEntries(given: Given): PlainEntry[] {
  return given.records("entries").map((entry) => ({
    phys: entry.number("phys"),
    offset: entry.number("offset", 0),
    length: entry.number("length"),
    hasPage: entry.flag("has_page", true),
    ...(entry.has("kva") ? { kva: entry.number("kva") } : {}),
  }));
}
