/**
 * s390 PCI (arch/s390/pci/pci_dma.c, kernel 4.1): one range an entry from a bitmap over the function's DMA window.
 *
 * ```
 * DMA address   region index 11 bits | segment index 11 bits | page index 8 bits | offset 12 bits
 * ```
 * A page entry holds the address with invalid (0x400) clear; protected (0x200) forbids device writes. The unit keeps the
 * page entries as one linear table; the two levels above only lead there.
 */
import { LINEAR_TABLE } from "../../shm/layout.ts";
import { DIR } from "../dma/device.ts";
import { NO_CACHE } from "./cache_ops.ts";
import { tableOf } from "./entry.ts";
import { tableRecord, takeNextFit } from "./linear_iommu.ts";
import { highWord, lowWord, mapEachEntry, releaseEntries } from "./per_entry.ts";
import type { ArchRequest, ArchRow } from "./types.ts";
import type { ArchWork } from "./work.ts";

const PAGE = 4096;
const PROTECTED = 0x200;
const REGION_SHIFT_BYTES = 2 ** 31;
const SEGMENT_BYTES = 2 ** 20;
const TABLE_ENTRIES = 2048;
const PAGE_ENTRIES = 256;

/** s390: nothing is refreshed at unmap; `fullFlush` stands for strict mode. */
export const S390_PCI: ArchRow = Object.freeze<ArchRow>({
  name: "s390-pci",
  title: "s390 PCI",
  source: "arch/s390/pci/pci_dma.c:s390_dma_map_sg [4.1]",
  evidence: "read",
  addressRule: "one range an entry, next-fit in the function's DMA window; three levels of tables",
  merging: "none",
  granularityBytes: PAGE,
  pageBytes: PAGE,
  cache: NO_CACHE,
  errors: { ret: 0, text: "map error" },
  pageless: {
    before: { outcome: "needs-page", why: "has no struct page: map_pages takes one" },
    after: { outcome: "works", why: "patch 16 splits map_pages into map_phys and a wrapper" },
  },
  translation: "linear",
  defaults: { entries: 65536, dmaBase: 0x100000000, reserved: 0, fullFlush: false },
  ops: { map: mapS390, unmap: unmapS390, sync: () => undefined },
});

/** Indices of a DMA address at the three levels. */
export function s390Indices(dmaAddr: number): { region: number; segment: number; page: number } {
  const wrap = (value: number, size: number): number => value - Math.floor(value / size) * size;
  return {
    region: wrap(Math.floor(dmaAddr / REGION_SHIFT_BYTES), TABLE_ENTRIES),
    segment: wrap(Math.floor(dmaAddr / SEGMENT_BYTES), TABLE_ENTRIES),
    page: wrap(Math.floor(dmaAddr / PAGE), PAGE_ENTRIES),
  };
}

function mapS390(_row: ArchRow, request: ArchRequest, work: ArchWork): number {
  const failed = mapEachEntry(request, work, takePages, {
    lo: (phys, dir) => lowWord(phys) + (dir === DIR.toDevice || dir === DIR.none ? PROTECTED : 0),
    hi: highWord,
  });
  if (failed < 0) {
    if (request.unit.options.fullFlush === true) work.flushTlb();
    return request.nents;
  }
  work.log("map error");
  releaseEntries(request, work, failed);
  return 0;
}

/** Lazy: nothing is refreshed at unmap; when the search starts over everything is. */
function takePages(request: ArchRequest, work: ArchWork, count: number): number {
  const { arena } = request.ctx;
  const table = tableOf(request);
  const record = tableRecord(table);
  const first = takeNextFit(arena, table, count, 0, request.device.segBoundaryMask);
  if (first < 0) return first;
  if (first + count >= table.entries) arena.u32[record + LINEAR_TABLE.cursor] = 0;
  if (arena.u32[record + LINEAR_TABLE.wrapped] === 1 && request.unit.options.fullFlush !== true) work.flushTlb();
  return first;
}

function unmapS390(_row: ArchRow, request: ArchRequest, work: ArchWork): void {
  const strict = request.unit.options.fullFlush === true;
  releaseEntries(request, work, request.nents, () => {
    if (strict) work.flushTlb();
  });
}
