/**
 * The AMD IOMMU before iommu-dma (drivers/iommu/amd_iommu.c, kernel 4.1): apertures of 128 MiB searched next-fit.
 *
 * The apertures' page tables are arrays one behind the other, so the unit keeps them as one linear table; `grown` says
 * how many entries exist so far.
 */
import { LINEAR_TABLE } from "../../shm/layout.ts";
import { DIR } from "../dma/device.ts";
import { boundaryEntries, takeArea } from "./bitmap.ts";
import { NO_CACHE } from "./cache_ops.ts";
import { tableOf } from "./entry.ts";
import { flushFreed, type LinearTable, tableRecord } from "./linear_iommu.ts";
import { highWord, lowWord, mapEachEntry, releaseEntries } from "./per_entry.ts";
import type { ArchRequest, ArchRow } from "./types.ts";
import type { ArchWork } from "./work.ts";

const PAGE = 4096;
/** Pages of one aperture: 128 MiB. */
export const AMD_APERTURE_PAGES = 32768;
const PTE_PRESENT = 1;
const PTE_FC_HI = 1 << 28;
const PTE_READ_HI = 1 << 29;
const PTE_WRITE_HI = 1 << 30;

/** The AMD driver's own allocator, before iommu-dma (5.5). */
export const AMD_IOMMU: ArchRow = Object.freeze<ArchRow>({
  name: "amd-iommu",
  title: "AMD IOMMU, kernel 4.1",
  source: "drivers/iommu/amd_iommu.c:map_sg [4.1]",
  evidence: "read",
  addressRule: "one range an entry from 128 MiB apertures, grown on demand up to 4 GiB",
  merging: "none",
  granularityBytes: PAGE,
  pageBytes: PAGE,
  cache: NO_CACHE,
  errors: { ret: 0, text: "" },
  pageless: {
    before: { outcome: "works", why: "uses sg_phys already" },
    after: { outcome: "works", why: "uses sg_phys already" },
  },
  translation: "linear",
  defaults: { entries: 32 * AMD_APERTURE_PAGES, dmaBase: 0, reserved: 1, fullFlush: false },
  ops: { map: mapAmd, unmap: unmapAmd, sync: () => undefined },
});

/** Low and high half of a 4 KiB entry: present, forced coherent, and the directions allowed. */
function hiOf(phys: number, dir: number): number {
  const read = dir === DIR.fromDevice ? 0 : PTE_READ_HI;
  const write = dir === DIR.toDevice ? 0 : PTE_WRITE_HI;
  return highWord(phys) + PTE_FC_HI + read + write;
}

function mapAmd(_row: ArchRow, request: ArchRequest, work: ArchWork): number {
  const failed = mapEachEntry(request, work, takePages, { lo: (phys) => lowWord(phys) + PTE_PRESENT, hi: hiOf });
  if (failed < 0) return request.nents;
  releaseEntries(request, work, failed, noteFreed(request));
  flushFreed(request.ctx.arena, tableOf(request), work);
  return 0;
}

function unmapAmd(_row: ArchRow, request: ArchRequest, work: ArchWork): void {
  releaseEntries(request, work, request.nents, (table, first, entries) => {
    noteFreed(request)(table, first, entries);
    flushFreed(request.ctx.arena, tableOf(request), work);
  });
}

/** Searches from the cursor, from 0, then in a new aperture; starting over leaves a flush pending. */
function takePages(request: ArchRequest, work: ArchWork, count: number): number {
  const { arena } = request.ctx;
  const table = tableOf(request);
  const record = tableRecord(table);
  ensureFirstAperture(request, table);
  for (;;) {
    let first = searchApertures(request, table, count, arena.u32[record + LINEAR_TABLE.cursor] as number);
    if (first < 0) {
      first = searchApertures(request, table, count, 0);
      arena.u32[record + LINEAR_TABLE.needFlush] = 1;
    }
    if (first >= 0) {
      arena.u32[record + LINEAR_TABLE.cursor] = first + count;
      if (request.unit.options.fullFlush !== true) flushFreed(request.ctx.arena, tableOf(request), work);
      return first;
    }
    const grown = arena.u32[record + LINEAR_TABLE.grown] as number;
    arena.u32[record + LINEAR_TABLE.cursor] = grown;
    if (grown + AMD_APERTURE_PAGES > table.entries || count > AMD_APERTURE_PAGES) return -1;
    arena.u32[record + LINEAR_TABLE.grown] = grown + AMD_APERTURE_PAGES;
  }
}

/** A new table begins with one aperture. */
function ensureFirstAperture(request: ArchRequest, table: LinearTable): void {
  const { arena } = request.ctx;
  const record = tableRecord(table);
  const word = record + LINEAR_TABLE.firstFree;
  if (arena.u32[word] !== 0) return;
  arena.u32[word] = 1;
  arena.u32[record + LINEAR_TABLE.grown] = Math.min(AMD_APERTURE_PAGES, table.entries);
}

/** No range crosses two apertures, and none begins at or behind the device's mask. */
function searchApertures(request: ArchRequest, table: LinearTable, count: number, from: number): number {
  const { arena } = request.ctx;
  const grown = arena.u32[tableRecord(table) + LINEAR_TABLE.grown] as number;
  const reach = Math.floor(request.device.dmaMask / PAGE);
  const boundary = boundaryEntries(request.device.segBoundaryMask, PAGE);
  let start = from - Math.floor(from / AMD_APERTURE_PAGES) * AMD_APERTURE_PAGES;
  for (let base = from - start; base < grown; base += AMD_APERTURE_PAGES) {
    if (base * PAGE >= request.device.dmaMask) break;
    const limit = AMD_APERTURE_PAGES + base > reach ? reach - base + 1 : AMD_APERTURE_PAGES;
    const end = Math.min(limit, grown - base);
    const first = takeArea(arena, table.entryBase + base, end, start, count, 0, boundary, 0);
    if (first >= 0) return base + first;
    start = 0;
  }
  return -1;
}

/** Freed pages at or above the cursor may be taken before the next wrap, so they need a flush first. */
function noteFreed(request: ArchRequest): (table: LinearTable, first: number, entries: number) => void {
  const { arena } = request.ctx;
  return (table, first) => {
    const record = tableRecord(table);
    const above = first >= (arena.u32[record + LINEAR_TABLE.cursor] as number);
    if (above || request.unit.options.fullFlush === true) arena.u32[record + LINEAR_TABLE.needFlush] = 1;
  };
}
