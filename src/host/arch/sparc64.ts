/**
 * sparc64: psycho/schizo/fire (arch/sparc/kernel/iommu.c) and the sun4v hypervisor's IOMMU (pci_sun4v.c), kernel 4.1.
 *
 * The streaming buffer of the older bridges lies between device and memory; its flushes are recorded as operations of
 * the outer cache on DMA addresses.
 */
import { pagesSpanned } from "../../base/addr.ts";
import { defined } from "../../base/assert.ts";
import type { Arena } from "../../shm/arena.ts";
import { LINEAR_TABLE } from "../../shm/layout.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { DIR } from "../dma/device.ts";
import { sgDmaAddress, sgDmaLength, sgLength, sgPhys } from "../dma/scatterlist.ts";
import { mapAdjacent } from "./adjacent_runs.ts";
import { boundaryEntries, spansBoundary } from "./bitmap.ts";
import { always, NO_CACHE, NO_CACHE_RULE } from "./cache_ops.ts";
import { tableOf } from "./entry.ts";
import {
  addressOf,
  entriesFor,
  entryOf,
  iommuPageOf,
  lockTable,
  tableRecord,
  unlockTable,
  writeEntry,
} from "./linear_iommu.ts";
import { highWord, lowWord, releaseEntries } from "./per_entry.ts";
import { type AllocHandle, initPools, takeFromPools } from "./table_pools.ts";
import type { ArchRequest, ArchRow, ArchUnit } from "./types.ts";
import type { ArchWork } from "./work.ts";

const PAGE = 8192;
const IOPTE_VALID_HI = 0x80000000;
const IOPTE_STREAMING_HI = 0x10000000;
const IOPTE_CACHE = 0x10;
const IOPTE_WRITE = 0x02;
const HV_READ = 1;
const HV_WRITE = 2;
/** Physical pages that one hypervisor call takes. */
const BATCH_PAGES = 1024;
const PAGELESS: ArchRow["pageless"] = {
  before: { outcome: "needs-va", why: "has no kernel virtual address: the physical address is __pa(sg_virt)" },
  after: { outcome: "works", why: "patch 11 takes sg_phys" },
};

/** The bridges with an IOMMU and a streaming buffer. */
export const SPARC64_IOMMU: ArchRow = Object.freeze<ArchRow>({
  name: "sparc64-iommu",
  title: "sparc64 psycho/schizo/fire",
  source: "arch/sparc/kernel/iommu.c:dma_4u_map_sg [4.1]",
  evidence: "read",
  addressRule: "map base + entry * 8 KiB + offset; ranges of a list follow each other while the table allows",
  merging: "page-join",
  granularityBytes: PAGE,
  pageBytes: PAGE,
  cache: {
    by: "phys",
    map: NO_CACHE_RULE,
    unmap: always("flush"),
    syncCpu: always("flush"),
    syncDevice: NO_CACHE_RULE,
  },
  errors: { ret: 0, text: "iommu_alloc failed, iommu IOMMU paddr ADDR npages COUNT" },
  pageless: PAGELESS,
  translation: "linear",
  defaults: { entries: 131072, dmaBase: 0xc0000000, reserved: 0, streaming: true },
  ops: {
    open: openSparc64,
    map: (_row, request, work) => mapList(request, work, iopteHi(request), IOPTE_CACHE + write(request, IOPTE_WRITE)),
    unmap: unmapSun4u,
    sync: (_row, request, work, forCpu) => {
      if (forCpu) syncStreaming(request, work);
    },
  },
});

/** The hypervisor's IOMMU: the same merging, translations by hypervisor call. */
export const SPARC64_SUN4V: ArchRow = Object.freeze<ArchRow>({
  name: "sparc64-sun4v",
  title: "sparc64 sun4v hypervisor IOMMU",
  source: "arch/sparc/kernel/pci_sun4v.c:dma_4v_map_sg [4.1]",
  evidence: "read",
  addressRule: "map base + entry * 8 KiB + offset, written by hypervisor calls of up to 1024 pages",
  merging: "page-join",
  granularityBytes: PAGE,
  pageBytes: PAGE,
  cache: NO_CACHE,
  errors: { ret: 0, text: "iommu_alloc failed, iommu IOMMU paddr ADDR npages COUNT" },
  pageless: PAGELESS,
  translation: "linear",
  defaults: { entries: 131072, dmaBase: 0x80000000, reserved: 0 },
  ops: { open: openSparc64, map: mapSun4v, unmap: unmapSun4v, sync: () => undefined },
});

/** One pool, whose last entry the allocator leaves out. */
export function openSparc64(arena: Arena, unit: ArchUnit): void {
  initPools(arena, defined(unit.table ?? undefined, "the unit's linear table"), 1, false, 1);
}

function iopteHi(request: ArchRequest): number {
  return IOPTE_VALID_HI + (request.unit.options.streaming === true ? IOPTE_STREAMING_HI : 0);
}

function write(request: ArchRequest, bit: number): number {
  return request.dir === DIR.toDevice ? 0 : bit;
}

function mapSun4v(_row: ArchRow, request: ArchRequest, work: ArchWork): number {
  const count = mapList(request, work, 0, HV_READ + write(request, HV_WRITE));
  work.hypercalls += batchesOf(work);
  return count;
}

/** Calls for the entries written so far: a new one where the index jumps, and after every 1024 pages. */
function batchesOf(work: ArchWork): number {
  let calls = 0;
  let inBatch = 0;
  let next = -1;
  for (const { index } of work.tableEntries) {
    if (index !== next || inBatch === BATCH_PAGES) {
      calls += 1;
      inBatch = 0;
    }
    inBatch += 1;
    next = index + 1;
  }
  return calls;
}

/** Merges where ranges are adjacent and the segment stays inside the boundary window. */
function mapList(request: ArchRequest, work: ArchWork, protHi: number, protLo: number): number {
  const handle: AllocHandle = { value: 0 };
  return mapAdjacent(request, work, {
    mapOne: (sg) => mapOne(request, work, sg, handle, protHi, protLo),
    mayExtend: (outAddr, outBytes, startSg, bytes) => !crossesBoundary(request, outAddr, startSg, outBytes + bytes),
  });
}

/** The kernel asks for the segment's window with entry 0 instead of the segment's own (its variable is reset for every entry). */
function crossesBoundary(request: ArchRequest, outAddr: number, startSg: number, bytes: number): boolean {
  const table = tableOf(request);
  const pages = pagesSpanned(sgPhys(request.ctx.arena, startSg), bytes, table.iommuPageBytes);
  const entry = request.ctx.defects === "shipped" ? 0 : entryOf(table, outAddr);
  const shift = Math.floor(table.dmaBase / table.iommuPageBytes);
  return spansBoundary(entry, pages, shift, boundaryEntries(request.device.segBoundaryMask, table.iommuPageBytes));
}

function mapOne(
  request: ArchRequest,
  work: ArchWork,
  sg: number,
  handle: AllocHandle,
  protHi: number,
  protLo: number,
): number {
  const { arena } = request.ctx;
  const table = tableOf(request);
  const phys = sgPhys(arena, sg);
  const count = entriesFor(table, phys, sgLength(arena, sg));
  const first = takeSparc64(request, work, count, handle);
  if (first < 0) {
    work.log(`iommu_alloc failed, iommu ${table.index} paddr ${phys.toString(16)} npages ${count.toString(16)}`);
    return -1;
  }
  const page = iommuPageOf(table, phys);
  for (let i = 0; i < count; i += 1) {
    const at = page + i * table.iommuPageBytes;
    writeEntry(arena, table, first + i, lowWord(at) + protLo, highWord(at) + protHi, work);
  }
  return addressOf(table, first) + (phys - page);
}

/** One pool, next-fit; where the search went back to the start, everything is flushed before the range is used. */
export function takeSparc64(request: ArchRequest, work: ArchWork, count: number, handle: AllocHandle | null): number {
  const { arena } = request.ctx;
  const table = tableOf(request);
  const hint = tableRecord(table) + LINEAR_TABLE.poolHint;
  lockTable(request.ctx, table);
  const before = arena.u32[hint] as number;
  const { first, restarted } = takeFromPools(arena, table, {
    count,
    handle,
    pools: 1,
    pool: 0,
    hasLargePool: false,
    blockEntries: 1,
    lastPage: Number.MAX_SAFE_INTEGER,
    segBoundaryMask: request.device.segBoundaryMask,
    alignMask: 0,
  });
  unlockTable(request.ctx, table);
  if (first >= 0 && (restarted || first < before)) work.flushTlb();
  return first;
}

function unmapSun4u(_row: ArchRow, request: ArchRequest, work: ArchWork): void {
  if (request.unit.options.streaming === true) flushStreaming(request, work);
  releaseEntries(request, work, request.nents);
}

function unmapSun4v(_row: ArchRow, request: ArchRequest, work: ArchWork): void {
  releaseEntries(request, work, request.nents, () => {
    work.hypercalls += 1;
  });
}

/** Each DMA entry's pages leave the buffer; only transfers to memory are waited for. */
function flushStreaming(request: ArchRequest, work: ArchWork): void {
  const { arena } = request.ctx;
  for (let i = 0, sg = request.sg; i < request.nents && sg !== 0; i += 1, sg = sgNext(arena, sg)) {
    const bytes = sgDmaLength(arena, sg);
    if (bytes === 0) return;
    const table = tableOf(request);
    const start = iommuPageOf(table, sgDmaAddress(arena, sg));
    work.cacheOp("flush", i, start, entriesFor(table, sgDmaAddress(arena, sg), bytes) * PAGE, "outer");
  }
}

/** One flush from the first DMA entry to the end of the last. */
function syncStreaming(request: ArchRequest, work: ArchWork): void {
  const { arena } = request.ctx;
  if (request.unit.options.streaming !== true) return;
  const start = iommuPageOf(tableOf(request), sgDmaAddress(arena, request.sg));
  let end = start;
  for (let i = 0, sg = request.sg; i < request.nents && sg !== 0; i += 1, sg = sgNext(arena, sg)) {
    if (sgDmaLength(arena, sg) === 0) break;
    end = sgDmaAddress(arena, sg) + sgDmaLength(arena, sg);
  }
  work.cacheOp("flush", -1, start, Math.ceil((end - start) / PAGE) * PAGE, "outer");
}
