/**
 * sparc32: the SBus IOMMU (arch/sparc/mm/iommu.c) and sun4d's IO-UNIT (io-unit.c), kernel 4.1. Both panic when full.
 */
import { alignDown, lowBits, pagesSpanned } from "../../base/addr.ts";
import { defined } from "../../base/assert.ts";
import type { Arena } from "../../shm/arena.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { sgDmaAddress, sgLength, sgOffset, sgPfn, sgPhys, sgSetDma } from "../dma/scatterlist.ts";
import { clearBits } from "./bitmap.ts";
import { always, NO_CACHE, NO_CACHE_RULE } from "./cache_ops.ts";
import { eachEntry, kvaOf, NO_VA, tableOf } from "./entry.ts";
import { addressOf, clearEntries, entryOf, lockTable, unlockTable, writeEntry } from "./linear_iommu.ts";
import { skipsCacheWork } from "./pageless.ts";
import { freeColoured, initIoUnit, takeColoured, takeIoUnit } from "./sparc32_area.ts";
import type { ArchRequest, ArchRow, ArchUnit } from "./types.ts";
import type { ArchWork } from "./work.ts";

const PAGE = 4096;
/** Cacheable, writable, valid: both chips' permission bits. */
const IOPERM = 0x86;
const IOPTE_PAGE_MASK = 0x07ffff00;
const IOUPTE_PAGE_MASK = 0xffffff00;
/** What unmap_sg leaves in the DMA address. */
const POISON = 0x21212121;

/** SBus IOMMU; `globalFlush` selects the gflush ops. */
export const SPARC32_IOMMU: ArchRow = Object.freeze<ArchRow>({
  name: "sparc32-iommu",
  title: "sparc32 SBus IOMMU",
  source: "arch/sparc/mm/iommu.c:iommu_get_scsi_sgl_pflush, _gflush [4.1]",
  evidence: "read",
  addressRule: "0xF0000000 + entry * 4 KiB + offset; the entry has the colour of the page",
  merging: "none",
  granularityBytes: PAGE,
  pageBytes: PAGE,
  cache: { by: "va", map: always("flush"), unmap: NO_CACHE_RULE, syncCpu: NO_CACHE_RULE, syncDevice: NO_CACHE_RULE },
  errors: { ret: 0, text: "iommu out (panic)" },
  pageless: {
    before: { outcome: "needs-page", why: "has no struct page for page_to_pfn(sg_page)" },
    after: { outcome: "skips-flush", why: "patch 15 flushes a page only if there is one" },
  },
  translation: "linear",
  defaults: { entries: 65536, dmaBase: 0xf0000000, reserved: 0, colours: 1, globalFlush: false },
  ops: { map: mapSbus, unmap: unmapSbus, sync: () => undefined },
});

/** sun4d: three areas by size of the request. */
export const SPARC32_IO_UNIT: ArchRow = Object.freeze<ArchRow>({
  name: "sparc32-io-unit",
  title: "sparc32 sun4d IO-UNIT",
  source: "arch/sparc/mm/io-unit.c:iounit_get_scsi_sgl [4.1]",
  evidence: "read",
  addressRule: "0xFC000000 + entry * 4 KiB + offset, from one of three areas by size",
  merging: "none",
  granularityBytes: PAGE,
  pageBytes: PAGE,
  cache: NO_CACHE,
  errors: { ret: 0, text: "iounit_get_area: Couldn't find free iopte slots for (ADDR,BYTES) (panic)" },
  pageless: {
    before: { outcome: "needs-va", why: "has no kernel virtual address for the area allocator" },
    after: { outcome: "works", why: "patch 14 gives the allocator the physical address" },
  },
  translation: "linear",
  defaults: { entries: 16384, dmaBase: 0xfc000000, reserved: 0 },
  ops: { open: openIoUnit, map: mapIoUnit, unmap: unmapIoUnit, sync: () => undefined },
});

/** Pages of an entry, counted from the page it names: an offset beyond a page counts the pages before the data too. */
function sbusPages(request: ArchRequest, sg: number): number {
  return Math.ceil((sgOffset(request.ctx.arena, sg) + sgLength(request.ctx.arena, sg)) / PAGE);
}

function mapSbus(row: ArchRow, request: ArchRequest, work: ArchWork): number {
  const { arena } = request.ctx;
  const table = tableOf(request);
  flushList(row, request, work);
  for (let i = 0, sg = request.sg; i < request.nents && sg !== 0; i += 1, sg = sgNext(arena, sg)) {
    const pages = sbusPages(request, sg);
    const pfn = sgPfn(arena, sg);
    lockTable(request.ctx, table);
    const first = takeColoured(arena, table, pages, pfn, request.unit.options.colours ?? 1);
    unlockTable(request.ctx, table);
    if (first < 0) {
      work.panic("iommu out");
      return 0;
    }
    for (let k = 0; k < pages; k += 1) {
      writeEntry(arena, table, first + k, (((pfn + k) * 256) & IOPTE_PAGE_MASK) | IOPERM, 0, work);
      work.flushTlb();
    }
    sgSetDma(arena, sg, addressOf(table, first) + sgOffset(arena, sg), sgLength(arena, sg));
  }
  return request.nents;
}

/** Either one flush of everything, or every page of the list that was not the last one flushed; unmapped high memory is not cached. */
function flushList(row: ArchRow, request: ArchRequest, work: ArchWork): void {
  if (request.unit.options.globalFlush === true) {
    work.cacheOp("flush", -1, 0, 0, "whole");
    return;
  }
  let last = -1;
  eachEntry(request, (sg, entry) => {
    if (skipsCacheWork(row, request, work, sg) || kvaOf(request, entry, sg) === NO_VA) return;
    const start = alignDown(kvaOf(request, entry, sg) - sgOffset(request.ctx.arena, sg), PAGE);
    for (let k = 0; k < sbusPages(request, sg); k += 1) {
      if (start + k * PAGE !== last) work.cacheOp("flush", entry, start + k * PAGE, PAGE);
      last = start + k * PAGE;
    }
  });
}

function unmapSbus(_row: ArchRow, request: ArchRequest, work: ArchWork): void {
  const { arena } = request.ctx;
  const table = tableOf(request);
  lockTable(request.ctx, table);
  eachEntry(request, (sg) => {
    const first = entryOf(table, sgDmaAddress(arena, sg) - sgOffset(arena, sg));
    const pages = sbusPages(request, sg);
    clearEntries(arena, table, first, pages, work);
    for (let k = 0; k < pages; k += 1) work.flushTlb();
    freeColoured(arena, table, first, pages);
    sgSetDma(arena, sg, POISON, sgLength(arena, sg));
  });
  unlockTable(request.ctx, table);
}

function openIoUnit(arena: Arena, unit: ArchUnit): void {
  initIoUnit(arena, defined(unit.table ?? undefined, "the unit's linear table"));
}

function mapIoUnit(_row: ArchRow, request: ArchRequest, work: ArchWork): number {
  const { arena } = request.ctx;
  const table = tableOf(request);
  for (let i = 0, sg = request.sg; i < request.nents && sg !== 0; i += 1, sg = sgNext(arena, sg)) {
    const phys = sgPhys(arena, sg);
    const bytes = sgLength(arena, sg);
    const pages = pagesSpanned(phys, bytes, PAGE);
    lockTable(request.ctx, table);
    const first = takeIoUnit(arena, table, pages);
    unlockTable(request.ctx, table);
    if (first < 0) {
      const at = phys.toString(16).padStart(8, "0");
      work.panic(`iounit_get_area: Couldn't find free iopte slots for (${at},${bytes})`);
      return 0;
    }
    for (let k = 0; k < pages; k += 1) {
      const page = (phys - lowBits(phys, PAGE)) / PAGE + k;
      writeEntry(arena, table, first + k, (((page * 256) & IOUPTE_PAGE_MASK) | IOPERM) >>> 0, 0, work);
    }
    sgSetDma(arena, sg, addressOf(table, first) + lowBits(phys, PAGE), bytes);
  }
  return request.nents;
}

function unmapIoUnit(_row: ArchRow, request: ArchRequest): void {
  const { arena } = request.ctx;
  const table = tableOf(request);
  lockTable(request.ctx, table);
  eachEntry(request, (sg) => {
    const dmaAddr = sgDmaAddress(arena, sg);
    clearBits(arena, table.entryBase, entryOf(table, dmaAddr), pagesSpanned(dmaAddr, sgLength(arena, sg), PAGE));
  });
  unlockTable(request.ctx, table);
}
