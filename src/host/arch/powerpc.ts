/**
 * powerpc: translation control entries from pooled tables (arch/powerpc/kernel/iommu.c), and the machines whose DMA does
 * not snoop (arch/powerpc/kernel/dma.c with mm/dma-noncoherent.c), kernel 4.1.
 */
import { lowBits } from "../../base/addr.ts";
import { defined } from "../../base/assert.ts";
import type { Arena } from "../../shm/arena.ts";
import { DIR } from "../dma/device.ts";
import { sgLength, sgPhys } from "../dma/scatterlist.ts";
import { mapAdjacent } from "./adjacent_runs.ts";
import { BY_DIRECTION, NO_CACHE, NO_CACHE_RULE, noncoherentOps } from "./cache_ops.ts";
import { tableOf } from "./entry.ts";
import { addressOf, entriesFor, iommuPageOf, lockTable, unlockTable, writeEntry } from "./linear_iommu.ts";
import { highWord, lowWord, releaseEntries } from "./per_entry.ts";
import { type AllocHandle, initPools, takeFromPools } from "./table_pools.ts";
import type { ArchRequest, ArchRow, ArchUnit } from "./types.ts";
import type { ArchWork } from "./work.ts";

const TCE_READ = 1;
const TCE_WRITE = 2;
/** Tables of at least this much DMA space are divided into four small pools; smaller ones have one. */
const SPLIT_BYTES = 2 ** 30;
const POOLS = 4;

/** TCE tables; `iommuPageBytes` may be 4 KiB, 64 KiB or 16 MiB. */
export const POWERPC_IOMMU: ArchRow = Object.freeze<ArchRow>({
  name: "powerpc-iommu",
  title: "powerpc TCE tables",
  source: "arch/powerpc/kernel/iommu.c:ppc_iommu_map_sg [4.1]",
  evidence: "compiled",
  addressRule: "table entry * I/O page + offset; ranges of a list follow each other while the pool allows",
  merging: "page-join",
  granularityBytes: 4096,
  pageBytes: 4096,
  cache: NO_CACHE,
  errors: { ret: 0, text: "iommu_alloc failed, tbl TABLE vaddr ADDR npages COUNT" },
  pageless: {
    before: { outcome: "needs-va", why: "has no kernel virtual address: pages are counted and mapped from sg_virt" },
    after: {
      outcome: "works",
      why: "patch 10 passes the physical address; the callback's __pa only masks the top nibble",
    },
  },
  translation: "linear",
  defaults: { entries: 262144, dmaBase: 0, reserved: 1, merge: true, pool: 0, blockEntries: 16 },
  ops: { open: openPpc, map: mapPpc, unmap: unmapPpc, sync: () => undefined },
});

/** Embedded powerpc: partial lines of an invalidate are flushed. */
export const POWERPC_NONCOHERENT: ArchRow = Object.freeze<ArchRow>({
  name: "powerpc-noncoherent",
  title: "powerpc without snooping DMA",
  source: "arch/powerpc/kernel/dma.c:dma_direct_map_sg, mm/dma-noncoherent.c:__dma_sync_page [4.1]",
  evidence: "read",
  addressRule: "the physical address plus the bus offset (0 here), entry by entry",
  merging: "none",
  granularityBytes: 0,
  pageBytes: 4096,
  cache: { by: "va", map: BY_DIRECTION, unmap: NO_CACHE_RULE, syncCpu: BY_DIRECTION, syncDevice: BY_DIRECTION },
  errors: { ret: 0, text: "" },
  pageless: {
    before: { outcome: "needs-page", why: "has no struct page for __dma_sync_page" },
    after: { outcome: "skips-flush", why: "patch 28 gates the flush on has page" },
  },
  translation: "none",
  defaults: { lineBytes: 32 },
  ops: noncoherentOps({ kmaps: true, flushesPartialLines: true }),
});

/** Small pools of a table with this much DMA space. */
export function ppcPools(request: { readonly entries: number; readonly iommuPageBytes: number }): number {
  return request.entries * request.iommuPageBytes >= SPLIT_BYTES ? POOLS : 1;
}

function openPpc(arena: Arena, unit: ArchUnit): void {
  const table = defined(unit.table ?? undefined, "the unit's linear table");
  initPools(arena, table, unit.options.pools ?? ppcPools(table), true, 0);
}

function mapPpc(_row: ArchRow, request: ArchRequest, work: ArchWork): number {
  const handle: AllocHandle = { value: 0 };
  const merges = request.unit.options.merge !== false;
  return mapAdjacent(request, work, {
    mapOne: (sg) => mapOne(request, work, sg, handle),
    mayExtend: () => merges,
  });
}

function mapOne(request: ArchRequest, work: ArchWork, sg: number, handle: AllocHandle): number {
  const { arena } = request.ctx;
  const table = tableOf(request);
  const phys = sgPhys(arena, sg);
  const count = entriesFor(table, phys, sgLength(arena, sg));
  lockTable(request.ctx, table);
  const first = takeEntries(request, sg, count, handle);
  unlockTable(request.ctx, table);
  if (first < 0) {
    work.log(`iommu_alloc failed, tbl ${table.index} vaddr ${phys.toString(16)} npages ${count}`);
    return -1;
  }
  const page = iommuPageOf(table, phys);
  const prot = TCE_READ + (request.dir === DIR.toDevice ? 0 : TCE_WRITE);
  for (let i = 0; i < count; i += 1) {
    const at = page + i * table.iommuPageBytes;
    writeEntry(arena, table, first + i, lowWord(at) + prot, highWord(at), work);
  }
  return addressOf(table, first) + (phys - page);
}

/** Page-aligned buffers of at least a CPU page keep that alignment in a table of smaller pages. */
function takeEntries(request: ArchRequest, sg: number, count: number, handle: AllocHandle): number {
  const { arena } = request.ctx;
  const table = tableOf(request);
  const { options, pageBytes } = request.unit;
  const phys = sgPhys(arena, sg);
  const aligned = sgLength(arena, sg) >= pageBytes && lowBits(phys, pageBytes) === 0;
  return takeFromPools(arena, table, {
    count,
    handle,
    pools: options.pools ?? ppcPools(table),
    pool: options.pool ?? 0,
    hasLargePool: true,
    blockEntries: options.blockEntries ?? 16,
    lastPage: Math.floor(request.device.dmaMask / table.iommuPageBytes),
    segBoundaryMask: request.device.segBoundaryMask,
    alignMask: aligned && table.iommuPageBytes < pageBytes ? pageBytes / table.iommuPageBytes - 1 : 0,
  }).first;
}

function unmapPpc(_row: ArchRow, request: ArchRequest, work: ArchWork): void {
  releaseEntries(request, work, request.nents);
}
