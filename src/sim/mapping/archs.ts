/**
 * The same list on the dma_map_sg of every architecture of kernel 4.1, before and after the page-less series of
 * August 2015.
 */

import { FIRST_SLOT, openArch } from "../../host/arch/open.ts";
import type { CacheOpName } from "../../host/arch/operations.ts";
import { mapOnArch, unmapOnArch } from "../../host/arch/table.ts";
import type { ArchRequest, ArchResult, ArchRow, ArchUnit, Series } from "../../host/arch/types.ts";
import type { HostContext } from "../../host/context.ts";
import type { DmaDevice, DmaDomain } from "../../host/dma/device.ts";
import { freeSg } from "../../host/dma/sg_table.ts";
import { initDomainIova } from "../../host/iommu/iova.ts";
import type { Arena } from "../../shm/arena.ts";
import { buildList, MappingLab } from "./lab.ts";
import type { MapRequest } from "./request.ts";

/** Operations of one kind that a call made. */
export interface CacheWork {
  readonly op: CacheOpName;
  readonly count: number;
  readonly bytes: number;
}

/** What one row did with the list in one kernel. */
export interface ArchRun {
  /** The kernel's return value: segments, 0 when it refused. */
  readonly ret: number;
  readonly segments: readonly { readonly dmaAddr: number; readonly bytes: number }[];
  readonly cacheAtMap: readonly CacheWork[];
  readonly cacheAtUnmap: readonly CacheWork[];
  readonly skippedFlushes: number;
  /** Translations written. */
  readonly tableEntries: number;
  readonly tlbFlushes: number;
  /** Lines that snoops for page-less entries hit instead of theirs. */
  readonly repeatedFlushes: number;
  /** Where the code cannot go on; null when the list was mapped, or refused without a site of its own. */
  readonly refusal: { readonly site: string; readonly entry: number; readonly text: string } | null;
  /** Kernel log. */
  readonly message: string;
  readonly hazards: readonly string[];
}

/** One architecture. */
export interface ArchView {
  readonly name: string;
  readonly title: string;
  readonly source: string;
  readonly evidence: string;
  readonly addressRule: string;
  readonly merging: string;
  /** What becomes of entries without a struct page, and why. */
  readonly pageless: Readonly<Record<Series, { readonly outcome: string; readonly why: string }>>;
  readonly runs: Readonly<Record<Series, ArchRun>>;
}

/** Maps and unmaps the request's list on each row, in both kernels, for a device that does not snoop. */
export function previewArchs(request: MapRequest, rows: readonly ArchRow[]): readonly ArchView[] {
  const { device } = request;
  const lab = new MappingLab(
    request.system,
    { ...device, ...plainBus(device), domain: null, untrusted: false, coherent: false },
    request.entries,
  );
  let domains = 0;
  const runOf = (row: ArchRow, series: Series): ArchRun => {
    const domain = row.translation === "domain" ? makeDomain(lab.arena, domains++) : null;
    return runOn(request, lab, row, series, domain);
  };
  return rows.map((row) => ({
    name: row.name,
    title: row.title,
    source: row.source,
    evidence: row.evidence,
    addressRule: row.addressRule,
    merging: row.merging,
    pageless: row.pageless,
    runs: { before: runOf(row, "before"), after: runOf(row, "after") },
  }));
}

/** Linux 4.1 knows no ranges; a bus limit that comes with them counts in other addresses. */
function plainBus({ dmaRanges, busDmaLimit }: DmaDevice): Pick<DmaDevice, "busDmaLimit" | "dmaRanges"> {
  return { dmaRanges: null, busDmaLimit: dmaRanges === null ? busDmaLimit : 0 };
}

/** A list is built for every run: a row that leaves an entry alone must not show the row before. */
function runOn(request: MapRequest, lab: MappingLab, row: ArchRow, series: Series, domain: DmaDomain | null): ArchRun {
  const ctx: HostContext = { ...lab.ctx, era: "4.1" };
  const unit = openArch(ctx, row, domain === null ? FIRST_SLOT : { ...FIRST_SLOT, domain });
  const sg = buildList(lab.arena, request.entries);
  const asked = archRequest(ctx, unit, { ...lab.device, domain }, sg, request, series);
  const mapped = mapOnArch(row, asked);
  const unmapped = mapped.ret > 0 ? unmapOnArch(row, asked) : null;
  freeSg(lab.arena, ctx.lockOwner, sg);
  return describe(mapped, unmapped);
}

function archRequest(
  ctx: HostContext,
  unit: ArchUnit,
  device: DmaDevice,
  sg: number,
  { entries, dir, pagelessPolicy }: MapRequest,
  series: Series,
): ArchRequest {
  const asked = { ctx, unit, device, sg, nents: entries.length, dir, series, pagelessPolicy };
  const unresolved = entries.findIndex(({ privatePage }) => (privatePage?.failure ?? 0) !== 0);
  return unresolved < 0 ? asked : { ...asked, unresolved };
}

function describe(mapped: ArchResult, unmapped: ArchResult | null): ArchRun {
  const { ret, refusal } = mapped;
  return {
    ret,
    segments: mapped.segments.map(({ dmaAddr, length }) => ({ dmaAddr, bytes: length })),
    cacheAtMap: summed(mapped),
    cacheAtUnmap: unmapped === null ? [] : summed(unmapped),
    skippedFlushes: mapped.skippedFlushes,
    tableEntries: mapped.tableEntries.length,
    tlbFlushes: mapped.tlbFlushes + (unmapped?.tlbFlushes ?? 0),
    repeatedFlushes: mapped.repeatedFlushes,
    refusal: refusal === null ? null : { site: refusal.site, entry: refusal.entry, text: refusal.text },
    message: mapped.message,
    hazards: mapped.hazards,
  };
}

function summed({ cacheOps }: ArchResult): readonly CacheWork[] {
  const names = [...new Set(cacheOps.map(({ op }) => op))];
  return names.map((op) => {
    const own = cacheOps.filter((each) => each.op === op);
    return { op, count: own.length, bytes: own.reduce((sum, { bytes }) => sum + bytes, 0) };
  });
}

/** VT-d with four levels, as the Intel driver of 4.1 has it. */
function makeDomain(arena: Arena, index: number): DmaDomain {
  const domain: DmaDomain = {
    index,
    mode: "strict",
    unit: 0,
    addressBits: 48,
    pageShifts: [12, 21, 30],
    forcedac: false,
    cpus: 1,
  };
  initDomainIova(arena, domain, 1);
  return domain;
}
