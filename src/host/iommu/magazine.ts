/**
 * Per-CPU caches of freed IOVA ranges of 1 to 32 pages (iova_rcache_get, iova_rcache_insert in drivers/iommu/iova.c).
 *
 * Words:      CPU_RCACHE and the magazines it names (holder of its lock; normally the CPU itself, others only flush).
 * States:     each CPU and order has a loaded and a previous magazine of up to 127 pfns.
 * Invariants: a cached range stays in the list of `iova.ts` as allocated; a magazine holds ranges of one order.
 * Ordering:   magazine lock (rank 20), inside it depot (21) or tree (22).
 * Progress:   a hit takes one uncontended lock; misses go to the depot, then to the tree.
 * Forbidden:  the same pfn in two magazines.
 * Proof:      test/property/iova.test.ts, test/litmus/allocators.test.ts, test/proof
 *
 * Kernel 4.1 has no such caches: there every call goes to the tree.
 */
import { COST_LOCK } from "../../base/cost.ts";
import type { Arena } from "../../shm/arena.ts";
import { CPUS_MAX, IOVA_ORDERS, MAGAZINE_PFNS } from "../../shm/capacities.ts";
import { CPU_RCACHE, MAGAZINE, REGIONS } from "../../shm/layout.ts";
import { lock, unlock } from "../../shm/mutex.ts";
import type { HostContext } from "../context.ts";
import type { DmaDomain } from "../dma/device.ts";
import { emptyMagazine, exchangeEmpty, exchangeFull, firstMagazine, flushDepot } from "./depot.ts";
import { allocIovaTree, freeIovaTree } from "./iova.ts";

const RCACHES_WORD = REGIONS.cpuRcaches.word;
const RCACHE_STRIDE = REGIONS.cpuRcaches.stride;

/** Largest range that the caches hold, in granules (iova_rcache_range). */
export const RCACHE_PAGES_MAX = 2 ** (IOVA_ORDERS - 1);

/**
 * Allocates `pages` granules with last pfn <= `limitPfn` (alloc_iova_fast). Sizes below 32 are rounded up to a power of two.
 * When the tree is full and `flushRcache` is set, all caches are flushed into it and it is asked once more.
 * First pfn or -1.
 */
export function allocIovaFast(
  ctx: HostContext,
  domain: DmaDomain,
  pages: number,
  limitPfn: number,
  flushRcache: boolean,
): number {
  if (pages > RCACHE_PAGES_MAX || ctx.era === "4.1") return allocSlow(ctx, domain, pages, limitPfn, flushRcache);
  const order = orderOf(pages);
  const size = 1 << order;
  const cached = rcacheGet(ctx, domain, order, limitPfn + 1 - size);
  return cached !== 0 ? cached : allocSlow(ctx, domain, size, limitPfn, flushRcache);
}

/** Gives a range back: to this CPU's magazines if its size is cached, else to the tree (free_iova_fast). `pages` as requested. */
export function freeIovaFast(ctx: HostContext, domain: DmaDomain, pfn: number, pages: number): void {
  if (pages <= RCACHE_PAGES_MAX && ctx.era !== "4.1" && rcacheInsert(ctx, domain, orderOf(pages), pfn)) return;
  freeIovaTree(ctx, domain, pfn);
}

/** Frees the contents of all magazines of all CPUs and of the depots into the tree. */
export function flushCpuRcaches(ctx: HostContext, domain: DmaDomain): void {
  for (let cpu = 0; cpu < domain.cpus; cpu += 1) {
    for (let order = 0; order < IOVA_ORDERS; order += 1) flushRcacheOf(ctx, domain, cpu, order);
  }
  for (let order = 0; order < IOVA_ORDERS; order += 1) flushDepot(ctx, domain, order);
}

/** Word index of the caches of `order` (log2 pages) on `cpu`. */
export function rcacheWord(domain: number, cpu: number, order: number): number {
  return RCACHES_WORD + rcacheIndex(domain, cpu, order) * RCACHE_STRIDE;
}

function rcacheIndex(domain: number, cpu: number, order: number): number {
  return (domain * CPUS_MAX + cpu) * IOVA_ORDERS + order;
}

/** Ceiling of log2, as order_base_2. */
function orderOf(pages: number): number {
  return 32 - Math.clz32(pages - 1);
}

function allocSlow(ctx: HostContext, domain: DmaDomain, pages: number, limitPfn: number, flushRcache: boolean): number {
  const pfn = allocIovaTree(ctx, domain, pages, limitPfn);
  if (pfn >= 0 || !flushRcache || ctx.era === "4.1") return pfn;
  flushCpuRcaches(ctx, domain);
  return allocIovaTree(ctx, domain, pages, limitPfn);
}

/** A cached pfn <= `maxPfn`, 0 when the magazine in use holds none. */
function rcacheGet(ctx: HostContext, domain: DmaDomain, order: number, maxPfn: number): number {
  const index = rcacheIndex(domain.index, ctx.cpu, order);
  const rcache = RCACHES_WORD + index * RCACHE_STRIDE;
  const words = ctx.arena.i32;
  ctx.cost.addLock(COST_LOCK.magazine, index, 1);
  lock(words, rcache + CPU_RCACHE.lock, ctx.lockOwner);
  let magazine = words[rcache + CPU_RCACHE.loaded] as number;
  if (pfnsHeld(ctx.arena, magazine) === 0) magazine = loadForGet(ctx, domain, order, rcache);
  const pfn = magazine === 0 ? 0 : popPfn(ctx.arena, magazine, maxPfn);
  unlock(words, rcache + CPU_RCACHE.lock, ctx.lockOwner);
  if (pfn !== 0) ctx.cost.magazineHits += 1;
  return pfn;
}

/** The loaded magazine is empty: swaps in the previous one, else one of the depot; 0 when all are empty. */
function loadForGet(ctx: HostContext, domain: DmaDomain, order: number, rcache: number): number {
  const words = ctx.arena.i32;
  const loaded = words[rcache + CPU_RCACHE.loaded] as number;
  const prev = words[rcache + CPU_RCACHE.prev] as number;
  if (pfnsHeld(ctx.arena, prev) > 0) {
    words[rcache + CPU_RCACHE.prev] = loaded;
    words[rcache + CPU_RCACHE.loaded] = prev;
    return prev;
  }
  const full = exchangeEmpty(ctx, domain, order, loaded);
  if (full !== 0) words[rcache + CPU_RCACHE.loaded] = full;
  return full;
}

/** False when no magazine takes the pfn. */
function rcacheInsert(ctx: HostContext, domain: DmaDomain, order: number, pfn: number): boolean {
  const index = rcacheIndex(domain.index, ctx.cpu, order);
  const rcache = RCACHES_WORD + index * RCACHE_STRIDE;
  const words = ctx.arena.i32;
  ctx.cost.addLock(COST_LOCK.magazine, index, 1);
  lock(words, rcache + CPU_RCACHE.lock, ctx.lockOwner);
  let magazine = words[rcache + CPU_RCACHE.loaded] as number;
  if (!hasRoom(ctx.arena, magazine)) magazine = loadForInsert(ctx, domain, order, rcache);
  if (magazine !== 0) pushPfn(ctx.arena, magazine, pfn);
  unlock(words, rcache + CPU_RCACHE.lock, ctx.lockOwner);
  return magazine !== 0;
}

/** The loaded magazine is full or missing: swaps in the previous one, else leaves it to the depot for an empty one. */
function loadForInsert(ctx: HostContext, domain: DmaDomain, order: number, rcache: number): number {
  const words = ctx.arena.i32;
  const loaded = words[rcache + CPU_RCACHE.loaded] as number;
  let prev = words[rcache + CPU_RCACHE.prev] as number;
  if (loaded !== 0 && prev === 0) prev = firstMagazine(ctx, domain.index, order);
  if (loaded !== 0 && hasRoom(ctx.arena, prev)) {
    words[rcache + CPU_RCACHE.prev] = loaded;
    words[rcache + CPU_RCACHE.loaded] = prev;
    return prev;
  }
  const empty = loaded === 0 ? firstMagazine(ctx, domain.index, order) : exchangeFull(ctx, domain, order, loaded);
  if (empty !== 0) words[rcache + CPU_RCACHE.loaded] = empty;
  return empty;
}

function flushRcacheOf(ctx: HostContext, domain: DmaDomain, cpu: number, order: number): void {
  const rcache = rcacheWord(domain.index, cpu, order);
  const words = ctx.arena.i32;
  lock(words, rcache + CPU_RCACHE.lock, ctx.lockOwner);
  const loaded = words[rcache + CPU_RCACHE.loaded] as number;
  const prev = words[rcache + CPU_RCACHE.prev] as number;
  if (loaded !== 0) emptyMagazine(ctx, domain, loaded);
  if (prev !== 0) emptyMagazine(ctx, domain, prev);
  unlock(words, rcache + CPU_RCACHE.lock, ctx.lockOwner);
}

function pfnsHeld(arena: Arena, magazine: number): number {
  return magazine === 0 ? 0 : (arena.i32[magazine + MAGAZINE.size] as number);
}

function hasRoom(arena: Arena, magazine: number): boolean {
  return magazine !== 0 && (arena.i32[magazine + MAGAZINE.size] as number) < MAGAZINE_PFNS;
}

function pushPfn(arena: Arena, magazine: number, pfn: number): void {
  const held = arena.i32[magazine + MAGAZINE.size] as number;
  arena.f64[((magazine + MAGAZINE.pfns) >>> 1) + held] = pfn;
  arena.i32[magazine + MAGAZINE.size] = held + 1;
}

/** Last in first out, skipping pfns above `maxPfn`; the last pfn moves into the hole (iova_magazine_pop). */
function popPfn(arena: Arena, magazine: number, maxPfn: number): number {
  const last = (arena.i32[magazine + MAGAZINE.size] as number) - 1;
  const first = (magazine + MAGAZINE.pfns) >>> 1;
  let at = last;
  while (at >= 0 && (arena.f64[first + at] as number) > maxPfn) at -= 1;
  if (at < 0) return 0;
  const pfn = arena.f64[first + at] as number;
  arena.f64[first + at] = arena.f64[first + last] as number;
  arena.i32[magazine + MAGAZINE.size] = last;
  return pfn;
}
