/**
 * ARM (arch/arm/mm/dma-mapping.c, kernel 4.1): the map_page loop without an IOMMU, and the IOMMU ops.
 *
 * Every entry reaches its cache work through its struct page: high memory has no permanent mapping and is mapped page by
 * page for the flush. That is why the series of 2015 left ARM out; a map_pfn beside map_page was proposed.
 */
import { alignUp, type DmaAddr, type Phys } from "../../base/addr.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { DIR } from "../dma/device.ts";
import { sgDmaAddress, sgDmaLength, sgHasPage, sgLength, sgOffset, sgPhys, sgSetDma } from "../dma/scatterlist.ts";
import { findClearArea, setBits } from "./bitmap.ts";
import { BY_DIRECTION, eachKmap, opFor } from "./cache_ops.ts";
import { eachEntry, kvaOf, NO_VA, offsetExceedsPage, tableOf, translatedPage } from "./entry.ts";
import { addressOf, lockTable, unlockTable, writeEntry } from "./linear_iommu.ts";
import { seamOf } from "./merge.ts";
import { maskedTo32Bits } from "./page_mask.ts";
import { highWord, lowWord, releaseRange } from "./per_entry.ts";
import type { ArchRequest, ArchRow, CacheRule, CacheRules } from "./types.ts";
import type { ArchWork } from "./work.ts";

const PAGE = 4096;
const ORDER_MAX_DEFAULT = 8;
const READ = 1;
const WRITE = 2;
const DMA_ERROR = 0xffffffff;
const PAGE_MASK_32 = 0xfffff000;

const AFTER_DMA: CacheRule = { toDevice: "none", fromDevice: "invalidate", bidirectional: "invalidate" };
/** Inner cache, before the transfer: both directions of a bidirectional one are cleaned only. */
const BEFORE_DMA: CacheRule = { ...BY_DIRECTION, bidirectional: "writeback" };
const CACHE: CacheRules = { by: "va", map: BEFORE_DMA, unmap: AFTER_DMA, syncCpu: AFTER_DMA, syncDevice: BEFORE_DMA };

const PAGELESS: ArchRow["pageless"] = {
  before: { outcome: "needs-map-pfn", why: "has no struct page: ops->map_page takes one" },
  after: { outcome: "needs-map-pfn", why: "has no struct page: the map_page loop is not converted" },
  conversion: "a map_pfn beside map_page, without cache work",
};

/** ARM's default ops: the map_page loop that the series left out. */
export const ARM_MAP_PAGE: ArchRow = Object.freeze<ArchRow>({
  name: "arm",
  title: "ARM, no IOMMU",
  source: "arch/arm/mm/dma-mapping.c:arm_dma_map_sg [4.1]",
  evidence: "read",
  addressRule: "the bus address of page and offset, entry by entry through map_page",
  merging: "none",
  granularityBytes: 0,
  pageBytes: PAGE,
  cache: CACHE,
  errors: { ret: 0, text: "" },
  pageless: PAGELESS,
  translation: "none",
  defaults: { lineBytes: 32, vivt: false },
  ops: {
    map: (row, request, work) => {
      eachEntry(request, (sg, entry) => {
        maintain(request, work, sg, entry, row.cache.map, false);
        sgSetDma(request.ctx.arena, sg, sgPhys(request.ctx.arena, sg), sgLength(request.ctx.arena, sg));
      });
      return request.nents;
    },
    unmap: (row, request, work) => maintainAll(request, work, row.cache.unmap, true),
    sync: syncList,
  },
});

/** ARM's IOMMU ops: page-joined runs, one IOVA range each. */
export const ARM_IOMMU: ArchRow = Object.freeze<ArchRow>({
  name: "arm-iommu",
  title: "ARM with an IOMMU",
  source: "arch/arm/mm/dma-mapping.c:arm_iommu_map_sg [4.1]",
  evidence: "compiled",
  addressRule: "one IOVA range for each run of page-joined entries, first-fit, aligned to its size",
  merging: "page-join",
  granularityBytes: PAGE,
  pageBytes: PAGE,
  cache: CACHE,
  errors: { ret: 0, text: "" },
  pageless: PAGELESS,
  translation: "linear",
  defaults: { entries: 262144, dmaBase: 0x80000000, reserved: 0, lineBytes: 32, alignOrderMax: ORDER_MAX_DEFAULT },
  ops: { map: mapIommu, unmap: unmapIommu, sync: syncList },
});

function mapIommu(row: ArchRow, request: ArchRequest, work: ArchWork): number {
  const { arena } = request.ctx;
  let out = request.sg;
  let count = 0;
  let start = request.sg;
  let startEntry = 0;
  let offset = sgOffset(arena, start);
  let bytes = offset + sgLength(arena, start);
  for (let i = 1, sg = sgNext(arena, start); i < request.nents && sg !== 0; i += 1, sg = sgNext(arena, sg)) {
    sgSetDma(arena, sg, DMA_ERROR, 0);
    const within = sgOffset(arena, sg);
    const joined = within === 0 && seamOf("page-join", bytes, 0, PAGE) !== "none";
    if (!joined || bytes + sgLength(arena, sg) > request.device.maxSegBytes) {
      if (!mapChunk(row, request, work, start, startEntry, bytes, offset, out)) return undo(request, work, count);
      out = sgNext(arena, out);
      count += 1;
      start = sg;
      startEntry = i;
      offset = within;
      bytes = within;
    }
    bytes += sgLength(arena, sg);
  }
  if (!mapChunk(row, request, work, start, startEntry, bytes, offset, out)) return undo(request, work, count);
  return count + 1;
}

/** Allocates one range and fills it entry by entry, each from the page it names; false when there is no room. */
function mapChunk(
  row: ArchRow,
  request: ArchRequest,
  work: ArchWork,
  start: number,
  startEntry: number,
  bytes: number,
  offset: number,
  out: number,
): boolean {
  const { arena } = request.ctx;
  const pages = Math.ceil(bytes / PAGE);
  const iova = takeRange(request, pages);
  if (iova < 0) return false;
  let done = 0;
  for (let sg = start, entry = startEntry; done < pages && sg !== 0; sg = sgNext(arena, sg), entry += 1) {
    maintain(request, work, sg, entry, row.cache.map, false);
    const span = alignUp(sgOffset(arena, sg) + sgLength(arena, sg), PAGE) / PAGE;
    writeRange(request, work, iova + done * PAGE, chunkPage(request, work, sg), span);
    done += span;
  }
  sgSetDma(arena, out, iova + offset, bytes - offset);
  return true;
}

/** Page to translate: the second rewrite rule of the series moves it for large offsets, and its 32-bit mask truncates it. */
function chunkPage(request: ArchRequest, work: ArchWork, sg: number): Phys {
  const page = translatedPage(request, sg);
  if (request.series === "before") return page;
  if (offsetExceedsPage(request, sg)) {
    work.hazard("sg_phys & PAGE_MASK names a later page than page_to_phys(sg_page): the device reaches the wrong one");
  }
  if (page < 2 ** 32 || request.ctx.defects === "corrected") return page;
  work.hazard("a 32-bit PAGE_MASK drops the upper bits of the physical address");
  return maskedTo32Bits(page, PAGE_MASK_32);
}

function writeRange(request: ArchRequest, work: ArchWork, iova: DmaAddr, phys: Phys, pages: number): void {
  const table = tableOf(request);
  const prot = (request.dir === DIR.fromDevice ? 0 : READ) + (request.dir === DIR.toDevice ? 0 : WRITE);
  const first = (iova - table.dmaBase) / PAGE;
  for (let i = 0; i < pages; i += 1) {
    const at = phys + i * PAGE;
    writeEntry(request.ctx.arena, table, first + i, lowWord(at) + prot, highWord(at), work);
  }
}

/** First-fit from the start of the window, aligned to the power of two of the size up to 1 MiB; -1 = no room. */
function takeRange(request: ArchRequest, pages: number): DmaAddr {
  const { arena } = request.ctx;
  const table = tableOf(request);
  let align = 1;
  const alignMax = 2 ** (request.unit.options.alignOrderMax ?? ORDER_MAX_DEFAULT);
  while (align < pages && align < alignMax) align *= 2;
  lockTable(request.ctx, table);
  const first = findClearArea(arena, table.entryBase, table.entries, 0, pages, align - 1);
  if (first >= 0) setBits(arena, table.entryBase, first, pages);
  unlockTable(request.ctx, table);
  return first < 0 ? -1 : addressOf(table, first);
}

function undo(request: ArchRequest, work: ArchWork, count: number): number {
  const { arena } = request.ctx;
  eachEntry(request, (sg, i) => {
    if (i < count) releaseRange(request, work, sgDmaAddress(arena, sg), sgDmaLength(arena, sg));
  });
  return 0;
}

function unmapIommu(row: ArchRow, request: ArchRequest, work: ArchWork): void {
  const { arena } = request.ctx;
  eachEntry(request, (sg, entry) => {
    const bytes = sgDmaLength(arena, sg);
    if (bytes > 0) {
      releaseRange(request, work, sgDmaAddress(arena, sg), bytes);
      work.flushTlb();
    }
    maintain(request, work, sg, entry, row.cache.unmap, true);
  });
}

function syncList(row: ArchRow, request: ArchRequest, work: ArchWork, forCpu: boolean): void {
  maintainAll(request, work, forCpu ? row.cache.syncCpu : row.cache.syncDevice, forCpu);
}

function maintainAll(request: ArchRequest, work: ArchWork, rule: CacheRule, outerFirst: boolean): void {
  eachEntry(request, (sg, entry) => maintain(request, work, sg, entry, rule, outerFirst));
}

/** Inner cache by virtual address, outer cache by physical; after a transfer the outer one comes first. */
function maintain(
  request: ArchRequest,
  work: ArchWork,
  sg: number,
  entry: number,
  rule: CacheRule,
  outerFirst: boolean,
): void {
  const { arena } = request.ctx;
  const op = opFor(rule, request.dir);
  if (request.device.coherent || op === "none") return;
  if (!sgHasPage(arena, sg)) {
    work.skippedFlushes += 1;
    return;
  }
  const phys = sgPhys(arena, sg);
  const bytes = sgLength(arena, sg);
  if (outerFirst) work.cacheOp(op, entry, phys, bytes, "outer");
  const kva = kvaOf(request, entry, sg);
  if (kva !== NO_VA) work.cacheOp(op, entry, kva, bytes);
  else if (request.unit.options.vivt !== true)
    eachKmap(request, phys, bytes, (at, part) => work.cacheOp(op, entry, at, part));
  if (!outerFirst) work.cacheOp(op, entry, phys, bytes, "outer");
}
