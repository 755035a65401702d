/**
 * The IOVA allocator of a domain without its caches (drivers/iommu/iova.c): what Linux keeps in a red-black tree.
 *
 * A sorted doubly linked list stands for the tree: allocation only walks to lower neighbours from a cached node and
 * inserts where it stopped, so the list gives the same ranges; a hash by first pfn serves frees.
 * Search, cursors and eras are in `iova_search.ts`, nodes in `iova_node.ts`, per-CPU caches in `magazine.ts`.
 *
 * Words:      DOMAIN from treeLock to dma32Pfn, IOVA_NODE, the domain's iovaBuckets (holder of treeLock).
 * Invariants: ranges in the list are disjoint; cursors point at the anchor or at linked nodes.
 * Ordering:   treeLock (rank 22) is the innermost IOVA lock; callers may hold magazine and depot locks.
 * Proof:      test/property/iova.test.ts, test/litmus/allocators.test.ts
 */
import { roundUpPow2 } from "../../base/addr.ts";
import { assert, defined } from "../../base/assert.ts";
import { COST_LOCK } from "../../base/cost.ts";
import type { Arena } from "../../shm/arena.ts";
import { load } from "../../shm/atomics.ts";
import { domainWord } from "../../shm/domain_record.ts";
import { DOMAIN, IOVA_NODE } from "../../shm/layout.ts";
import { lock, unlock } from "../../shm/mutex.ts";
import type { HostContext } from "../context.ts";
import type { DmaDomain } from "../dma/device.ts";
import {
  ANCHOR_PFN,
  giveNode,
  hashInsert,
  hashRemove,
  linkBelow,
  NODE_STATE,
  nodeAbove,
  nodeBelow,
  nodeHi,
  nodeLo,
  takeNode,
  unlinkNode,
} from "./iova_node.ts";
import { cursorAfterFree, cursorAfterInsert, findSpace, placePfn, treeDepth } from "./iova_search.ts";

/** Prepares an empty IOVA space, once per domain and arena (init_iova_domain). Pfn 0 is never allocated. */
export function initDomainIova(arena: Arena, domain: DmaDomain, startPfn: number): void {
  const base = domainWord(domain.index);
  assert(arena.i32[base + DOMAIN.anchor] === 0, `IOVA space of domain ${domain.index} is prepared once`);
  const granuleShift = defined(domain.pageShifts[0], "the granule of the domain");
  const dma32 = 2 ** (32 - granuleShift);
  const anchor = takeNode(arena, base, ANCHOR_PFN, ANCHOR_PFN, NODE_STATE.fixed);
  assert(anchor !== 0, "a domain finds a node for its anchor");
  arena.f64[(base + DOMAIN.startPfn) >>> 1] = Math.max(1, startPfn);
  arena.f64[(base + DOMAIN.dma32Pfn) >>> 1] = dma32;
  arena.u32[base + DOMAIN.max32AllocSize] = dma32;
  arena.i32[base + DOMAIN.cachedNode] = anchor;
  arena.i32[base + DOMAIN.cached32Node] = anchor;
  arena.i32[base + DOMAIN.anchor] = anchor;
}

/**
 * Allocates `pages` granules with last pfn <= `limitPfn`, aligned to the next power of two (alloc_iova, size aligned).
 * First pfn, or -1 when there is no room or no node left. 4.1 rounds the size itself up to a power of two.
 */
export function allocIovaTree(ctx: HostContext, domain: DmaDomain, pages: number, limitPfn: number): number {
  const base = domainWord(domain.index);
  const { arena, cost } = ctx;
  const align = roundUpPow2(pages);
  const size = ctx.era === "4.1" ? align : pages;
  const stepsBefore = cost.treeSteps;
  lock(arena.i32, base + DOMAIN.treeLock, ctx.lockOwner);
  const above = findSpace(ctx, base, size, align, limitPfn + 1);
  const pfn = above === 0 ? -1 : insertBelow(ctx, domain.index, above, size, align, limitPfn + 1);
  unlock(arena.i32, base + DOMAIN.treeLock, ctx.lockOwner);
  cost.treeOps += 1;
  cost.addLock(COST_LOCK.iovaTree, domain.index, cost.treeSteps - stepsBefore);
  return pfn;
}

/** Frees the range that begins at `pfn`; like the kernel's free_iova it ignores a pfn that begins no range. */
export function freeIovaTree(ctx: HostContext, domain: DmaDomain, pfn: number): void {
  const base = domainWord(domain.index);
  lock(ctx.arena.i32, base + DOMAIN.treeLock, ctx.lockOwner);
  const steps = freeLocked(ctx, domain.index, base, pfn);
  unlock(ctx.arena.i32, base + DOMAIN.treeLock, ctx.lockOwner);
  ctx.cost.addLock(COST_LOCK.iovaTree, domain.index, steps);
}

/** Frees `count` ranges under one lock; their first pfns stand in the arena from f64 index `first` on (iova_magazine_free_pfns). */
export function freeIovaBatch(ctx: HostContext, domain: DmaDomain, first: number, count: number): void {
  const base = domainWord(domain.index);
  let steps = 0;
  lock(ctx.arena.i32, base + DOMAIN.treeLock, ctx.lockOwner);
  for (let i = 0; i < count; i += 1) {
    steps += freeLocked(ctx, domain.index, base, ctx.arena.f64[first + i] as number);
  }
  unlock(ctx.arena.i32, base + DOMAIN.treeLock, ctx.lockOwner);
  ctx.cost.addLock(COST_LOCK.iovaTree, domain.index, steps);
}

/**
 * Keeps [loPfn, hiPfn] (inclusive) from being allocated (reserve_iova): host-bridge windows, MSI window, RMRRs.
 * Overlapping ranges are widened downwards, the rest above them becomes a range of its own. Setup only.
 */
export function reserveIova(ctx: HostContext, domain: DmaDomain, loPfn: number, hiPfn: number): void {
  const base = domainWord(domain.index);
  lock(ctx.arena.i32, base + DOMAIN.treeLock, ctx.lockOwner);
  reserveLocked(ctx.arena, domain.index, base, loPfn, hiPfn);
  unlock(ctx.arena.i32, base + DOMAIN.treeLock, ctx.lockOwner);
}

/** Allocated ranges that were not freed into the list; those waiting in magazines or flush queues count, reserved ones do not. */
export function countIovas(arena: Arena, domain: DmaDomain): number {
  return load(arena.i32, domainWord(domain.index) + DOMAIN.nodesUsed);
}

function insertBelow(
  ctx: HostContext,
  domain: number,
  above: number,
  pages: number,
  align: number,
  limit: number,
): number {
  const { arena } = ctx;
  const base = domainWord(domain);
  const pfn = placePfn(arena, above, pages, align, limit);
  const node = takeNode(arena, base, pfn, pfn + pages - 1, NODE_STATE.allocated);
  if (node === 0) return -1;
  linkBelow(arena, node, above);
  hashInsert(arena, domain, node);
  cursorAfterInsert(ctx, base, node, limit);
  arena.i32[base + DOMAIN.nodesUsed] = (arena.i32[base + DOMAIN.nodesUsed] as number) + 1;
  return pfn;
}

/** Returns the steps of the lookup. */
function freeLocked(ctx: HostContext, domain: number, base: number, pfn: number): number {
  const { arena, cost } = ctx;
  const steps = treeDepth(arena, base);
  cost.treeOps += 1;
  cost.treeSteps += steps;
  const node = hashRemove(arena, domain, pfn);
  if (node === 0) return steps;
  if (arena.i32[node + IOVA_NODE.used] === NODE_STATE.allocated) {
    arena.i32[base + DOMAIN.nodesUsed] = (arena.i32[base + DOMAIN.nodesUsed] as number) - 1;
  }
  cursorAfterFree(ctx, base, node);
  unlinkNode(arena, node);
  giveNode(arena, base, node);
  return steps;
}

function reserveLocked(arena: Arena, domain: number, base: number, loPfn: number, hiPfn: number): void {
  let node = arena.i32[base + DOMAIN.anchor] as number;
  for (
    let below = nodeBelow(arena, node);
    below !== 0 && nodeHi(arena, below) >= loPfn;
    below = nodeBelow(arena, node)
  ) {
    node = below;
  }
  let lo = loPfn;
  for (; nodeLo(arena, node) <= hiPfn; node = nodeAbove(arena, node)) {
    if (lo < nodeLo(arena, node)) widenDown(arena, domain, node, lo);
    if (hiPfn <= nodeHi(arena, node)) return;
    lo = nodeHi(arena, node) + 1;
  }
  const fresh = takeNode(arena, base, lo, hiPfn, NODE_STATE.fixed);
  assert(fresh !== 0, "a reserved range finds a node");
  linkBelow(arena, fresh, node);
  hashInsert(arena, domain, fresh);
}

/** The hash key is the first pfn, so the node leaves its chain and enters another. */
function widenDown(arena: Arena, domain: number, node: number, lo: number): void {
  hashRemove(arena, domain, nodeLo(arena, node));
  arena.f64[(node + IOVA_NODE.lo) >>> 1] = lo;
  hashInsert(arena, domain, node);
}
