/**
 * The AMD GART as an IOMMU (arch/x86/kernel/amd_gart_64.c, kernel 4.1): memory that the device reaches is left alone, the
 * rest goes through an aperture of 4 KiB translations with 32-bit entries.
 *
 * Pure functions over the request; the state (next_bit, need_flush, bitmap, entries) is the unit's linear table.
 */
import { type Phys, pagesSpanned } from "../../base/addr.ts";
import { SG } from "../../shm/layout.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { dmaCapable } from "../dma/limits.ts";
import { sgDmaAddress, sgDmaLength, sgLength, sgOffset, sgPhys, sgSetDma } from "../dma/scatterlist.ts";
import { NO_CACHE } from "./cache_ops.ts";
import { eachEntry, offsetExceedsPage, tableOf } from "./entry.ts";
import { EMERGENCY_PAGES, gpteEncode, releaseArea, reportFull, takeSlots } from "./gart_aperture.ts";
import { addressOf, flushFreed, writeEntry } from "./linear_iommu.ts";
import { seamOf } from "./merge.ts";
import type { ArchRequest, ArchRow } from "./types.ts";
import type { ArchWork } from "./work.ts";

const PAGE = 4096;
/** First address that an entry cannot name: 1 TiB. */
const PHYS_LIMIT = 2 ** 40;

/** AMD's AGP aperture as an IOMMU; default options are those of `iommu=merge` without force. */
export const X86_GART: ArchRow = Object.freeze<ArchRow>({
  name: "x86-gart",
  title: "AMD GART",
  source: "arch/x86/kernel/amd_gart_64.c:gart_map_sg [4.1]",
  evidence: "compiled",
  addressRule:
    "the physical address if the device reaches it and nothing is forced, else aperture + slot * 4 KiB + offset",
  merging: "page-join",
  granularityBytes: PAGE,
  pageBytes: PAGE,
  cache: NO_CACHE,
  errors: { ret: 0, text: "PCI-DMA: Out of IOMMU space for BYTES bytes" },
  pageless: {
    before: { outcome: "works", why: "uses sg_phys already" },
    after: { outcome: "works", why: "uses sg_phys already" },
  },
  translation: "linear",
  defaults: {
    entries: 16384,
    dmaBase: 0xd8000000,
    reserved: EMERGENCY_PAGES,
    force: false,
    merge: true,
    fullFlush: true,
    panicOnOverflow: false,
  },
  ops: { map: mapGart, unmap: unmapGart, sync: () => undefined },
});

/** A run of entries that becomes one DMA entry. */
interface Run {
  start: number;
  count: number;
  pages: number;
  bytes: number;
  needsIommu: boolean;
}

function mapGart(_row: ArchRow, request: ArchRequest, work: ArchWork): number {
  const { arena } = request.ctx;
  const run: Run = { start: request.sg, count: 0, pages: 0, bytes: 0, needsIommu: false };
  let out = request.sg;
  let count = 0;
  let previous = 0;
  let sg = request.sg;
  for (let i = 0; i < request.nents && sg !== 0; i += 1, sg = sgNext(arena, sg)) {
    const bytes = sgLength(arena, sg);
    const phys = sgPhys(arena, sg);
    arena.f64[(sg + SG.dmaAddress) >>> 1] = phys;
    const needs = request.unit.options.force === true || !dmaCapable(request.device, phys, bytes);
    if (run.count > 0 && !(needs && joins(request, run, previous, sg))) {
      if (!mapRun(request, work, run, out)) return fail(request, work, count, run.pages);
      count += 1;
      out = sgNext(arena, out);
      Object.assign(run, { start: sg, count: 0, pages: 0, bytes: 0 });
    }
    run.count += 1;
    run.bytes += bytes;
    run.pages += pagesSpanned(sgOffset(arena, sg), bytes, PAGE);
    run.needsIommu = needs;
    previous = sg;
  }
  if (!mapRun(request, work, run, out)) return fail(request, work, count, run.pages);
  flushFreed(request.ctx.arena, tableOf(request), work);
  const next = sgNext(arena, out);
  if (count + 1 < request.nents && next !== 0) arena.u32[next + SG.dmaLength] = 0;
  return count + 1;
}

/** Merging needs both entries behind the IOMMU, the last one ending on a page, the next one without an offset. */
function joins(request: ArchRequest, run: Run, previous: number, sg: number): boolean {
  const { arena } = request.ctx;
  if (request.unit.options.merge === false || !run.needsIommu || sgOffset(arena, sg) !== 0) return false;
  if (sgLength(arena, sg) + run.bytes > request.device.maxSegBytes) return false;
  return seamOf("page-join", sgOffset(arena, previous) + sgLength(arena, previous), 0, PAGE) !== "none";
}

/** Writes the DMA side of `out`; false when the aperture is full. */
function mapRun(request: ArchRequest, work: ArchWork, run: Run, out: number): boolean {
  const { arena } = request.ctx;
  if (!run.needsIommu) {
    sgSetDma(arena, out, sgPhys(arena, run.start), sgLength(arena, run.start));
    return true;
  }
  const table = tableOf(request);
  const first = takeSlots(request, run.pages);
  if (first < 0) return false;
  if (offsetExceedsPage(request, run.start))
    work.hazard("the DMA address adds an offset beyond a page to the wrong slot");
  const dmaAddr = addressOf(table, first) + sgOffset(arena, run.start);
  let index = first;
  let sg = run.start;
  for (let i = 0; i < run.count; i += 1, sg = sgNext(arena, sg)) {
    const phys = sgPhys(arena, sg);
    const pages = pagesSpanned(sgOffset(arena, sg), sgLength(arena, sg), PAGE);
    for (let page = 0; page < pages; page += 1, index += 1) {
      writeEntry(arena, table, index, gpteEncode(phys + page * PAGE), 0, work);
    }
  }
  sgSetDma(arena, out, dmaAddr, run.bytes);
  return true;
}

/** Undo, then once more without merging; when that fails too every address becomes the emergency area's. */
function fail(request: ArchRequest, work: ArchWork, mapped: number, pages: number): number {
  const { arena } = request.ctx;
  flushFreed(request.ctx.arena, tableOf(request), work);
  releaseFirst(request, work, mapped);
  if (request.unit.options.force === true || request.unit.options.merge !== false) {
    const count = mapDumb(request, work);
    if (count > 0 || work.refusal !== null) return count;
  }
  if (request.unit.options.panicOnOverflow === true) {
    work.panic(`dma_map_sg: overflow on ${pages} pages`);
    return 0;
  }
  reportFull(request, work, pages * PAGE);
  eachEntry(request, (sg) => {
    arena.f64[(sg + SG.dmaAddress) >>> 1] = tableOf(request).dmaBase;
  });
  return 0;
}

/** One range an entry, and only where the device does not reach the memory. */
function mapDumb(request: ArchRequest, work: ArchWork): number {
  const { ctx, device } = request;
  const { arena } = ctx;
  let sg = request.sg;
  for (let i = 0; i < request.nents && sg !== 0; i += 1, sg = sgNext(arena, sg)) {
    const phys = sgPhys(arena, sg);
    const bytes = sgLength(arena, sg);
    const dmaAddr = dmaCapable(device, phys, bytes) ? phys : mapArea(request, work, phys, bytes);
    if (dmaAddr < 0) {
      releaseFirst(request, work, i);
      arena.u32[request.sg + SG.dmaLength] = 0;
      flushFreed(request.ctx.arena, tableOf(request), work);
      return 0;
    }
    sgSetDma(arena, sg, dmaAddr, bytes);
  }
  flushFreed(request.ctx.arena, tableOf(request), work);
  return request.nents;
}

/** One contiguous area; -1 = the bad address. */
function mapArea(request: ArchRequest, work: ArchWork, phys: Phys, bytes: number): number {
  if (phys + bytes > PHYS_LIMIT) return -1;
  const table = tableOf(request);
  const pages = pagesSpanned(phys, bytes, PAGE);
  const first = takeSlots(request, pages);
  if (first < 0) {
    if (request.unit.options.panicOnOverflow === true) work.panic(`dma_map_area overflow ${bytes} bytes`);
    else reportFull(request, work, bytes);
    return -1;
  }
  const { arena } = request.ctx;
  for (let i = 0; i < pages; i += 1) writeEntry(arena, table, first + i, gpteEncode(phys + i * PAGE), 0, work);
  return addressOf(table, first) + (phys & (PAGE - 1));
}

function unmapGart(_row: ArchRow, request: ArchRequest, work: ArchWork): void {
  releaseFirst(request, work, request.nents);
}

/** Ends at the first entry without a DMA length; addresses outside the aperture need nothing. */
function releaseFirst(request: ArchRequest, work: ArchWork, count: number): void {
  const { arena } = request.ctx;
  let sg = request.sg;
  for (let i = 0; i < count && sg !== 0; i += 1, sg = sgNext(arena, sg)) {
    const bytes = sgDmaLength(arena, sg);
    if (bytes === 0 || sgLength(arena, sg) === 0) return;
    releaseArea(request, work, sgDmaAddress(arena, sg), bytes);
  }
}
