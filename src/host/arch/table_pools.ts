/**
 * Pools of a linear table: the allocator that powerpc uses (arch/powerpc/kernel/iommu.c) and sparc64 borrowed
 * (lib/iommu-common.c), kernel 4.1.
 *
 * ```
 * | pool 0 | pool 1 | pool 2 | pool 3 | large pool: the last quarter |
 * ```
 * A CPU's small requests come from its pool, next-fit from a hint; a `handle` keeps the entries of one list adjacent.
 */
import type { Arena } from "../../shm/arena.ts";
import { LINEAR_TABLE } from "../../shm/layout.ts";
import { boundaryEntries, takeArea } from "./bitmap.ts";
import { type LinearTable, tableRecord } from "./linear_iommu.ts";

/** Requests of more entries come from the large pool. */
const SMALL_MAX = 15;
const LARGE_POOL = 4;

/** Where the next range of a list would be adjacent; 0 = anywhere. */
export interface AllocHandle {
  value: number;
}

/** One allocation from a pooled table; counts and pages are table entries. */
export interface PoolRequest {
  readonly count: number;
  readonly handle: AllocHandle | null;
  /** Small pools, a power of two, and the one to begin with. */
  readonly pools: number;
  readonly pool: number;
  readonly hasLargePool: boolean;
  /** Small allocations move the hint on to a multiple of this; 1 = behind the range. */
  readonly blockEntries: number;
  /** Last page of DMA space that the device reaches. */
  readonly lastPage: number;
  readonly segBoundaryMask: number;
  readonly alignMask: number;
}

/** What {@link takeFromPools} found. */
export interface PoolTake {
  /** First entry, -1 = no pool has room. */
  readonly first: number;
  /** True when a search began again at a pool's start: translations freed meanwhile need a flush. */
  readonly restarted: boolean;
}

/** Divides the table: `pools` equal small pools, with the last quarter kept for large requests. */
export function initPools(
  arena: Arena,
  table: LinearTable,
  pools: number,
  hasLargePool: boolean,
  endGap: number,
): void {
  const share = hasLargePool ? Math.floor((table.entries * 3) / 4) : table.entries;
  const size = Math.floor(share / pools);
  for (let i = 0; i < pools; i += 1) setPool(arena, table, i, i * size, (i + 1) * size - endGap);
  if (hasLargePool) setPool(arena, table, LARGE_POOL, pools * size, table.entries);
}

/** Takes a range: at the handle, at the pool's hint, from its start, then from the other small pools. */
export function takeFromPools(arena: Arena, table: LinearTable, request: PoolRequest): PoolTake {
  const record = tableRecord(table);
  const large = request.hasLargePool && request.count > SMALL_MAX;
  let pool = large ? LARGE_POOL : request.pool & (request.pools - 1);
  let number = request.pool & (request.pools - 1);
  let restarted = false;
  for (let pass = 0; pass <= request.pools + 1; pass += 1) {
    const at = placeToSearch(arena, table, request, pool, pass);
    const first = searchPool(arena, table, request, at.from, at.limit);
    if (first >= 0) {
      moveHint(arena, record, at.pool, first + request.count, large ? 1 : request.blockEntries);
      if (request.handle !== null) request.handle.value = first + request.count;
      return { first, restarted };
    }
    restarted = true;
    if (pass > 0) {
      number = (number + 1) & (request.pools - 1);
      pool = number;
    } else pool = at.pool;
    arena.u32[record + LINEAR_TABLE.poolHint + pool] = arena.u32[record + LINEAR_TABLE.poolStart + pool] as number;
  }
  return { first: -1, restarted: true };
}

interface Place {
  readonly pool: number;
  readonly from: number;
  readonly limit: number;
}

/** Start and limit of one pass; a device that does not reach the pool's end searches what it reaches, then pool 0. */
function placeToSearch(arena: Arena, table: LinearTable, request: PoolRequest, pool: number, pass: number): Place {
  const record = tableRecord(table);
  const start = arena.u32[record + LINEAR_TABLE.poolStart + pool] as number;
  const end = arena.u32[record + LINEAR_TABLE.poolEnd + pool] as number;
  const handle = request.handle?.value ?? 0;
  const adjacent = pass === 0 && handle > 0 && handle >= start && handle < end;
  let from = adjacent ? handle : (arena.u32[record + LINEAR_TABLE.poolHint + pool] as number);
  if (from >= end) from = start;
  const offset = Math.floor(table.dmaBase / table.iommuPageBytes);
  if (end + offset <= request.lastPage) return { pool, from, limit: end };
  const limit = request.lastPage - offset + 1;
  const masked = from - Math.floor(from / (request.lastPage + 1)) * (request.lastPage + 1);
  if (masked < limit && pass === 0) return { pool, from: masked, limit };
  return { pool: 0, from: arena.u32[record + LINEAR_TABLE.poolStart] as number, limit };
}

function searchPool(arena: Arena, table: LinearTable, request: PoolRequest, from: number, limit: number): number {
  const boundary = boundaryEntries(request.segBoundaryMask, table.iommuPageBytes);
  const shift = Math.floor(table.dmaBase / table.iommuPageBytes);
  const end = Math.min(limit, table.entries);
  return takeArea(arena, table.entryBase, end, from, request.count, shift, boundary, request.alignMask);
}

function moveHint(arena: Arena, record: number, pool: number, end: number, block: number): void {
  arena.u32[record + LINEAR_TABLE.poolHint + pool] = Math.ceil(end / block) * block;
}

function setPool(arena: Arena, table: LinearTable, pool: number, start: number, end: number): void {
  const record = tableRecord(table);
  arena.u32[record + LINEAR_TABLE.poolStart + pool] = start;
  arena.u32[record + LINEAR_TABLE.poolHint + pool] = start;
  arena.u32[record + LINEAR_TABLE.poolEnd + pool] = end;
}
