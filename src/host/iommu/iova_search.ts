/**
 * Where the next IOVA range goes: cached search starts and the walk downwards (drivers/iommu/iova.c).
 *
 * All functions run under the domain's treeLock. `limit` is exclusive (one above the last pfn the
 * device reaches), as in the kernel's __alloc_and_insert_iova_range.
 */
import { alignDown, alignDownWide } from "../../base/addr.ts";
import type { Arena } from "../../shm/arena.ts";
import { DOMAIN } from "../../shm/layout.ts";
import type { HostContext } from "../context.ts";
import { nodeAbove, nodeBelow, nodeHi, nodeLo } from "./iova_node.ts";

const ALIGN_NARROW_MAX = 2 ** 31;

/** Node directly below which `pages` fit under `limit`, aligned to `align`; 0 when there is no room. */
export function findSpace(ctx: HostContext, base: number, pages: number, align: number, limit: number): number {
  if (ctx.era === "4.1") return findSpace2015(ctx, base, pages, align, limit);
  const { arena } = ctx;
  const dma32 = dma32Pfn(arena, base);
  const below4GiB = limit <= dma32;
  if (below4GiB && pages >= (arena.u32[base + DOMAIN.max32AllocSize] as number)) return 0;
  const cursor = arena.i32[base + (below4GiB ? DOMAIN.cached32Node : DOMAIN.cachedNode)] as number;
  const found = walkDown(ctx, cursor, pages, align, limit, startPfn(arena, base));
  if (found !== 0) return found;
  const retry = retryAbove(ctx, base, cursor, pages, align, limit);
  if (retry === 0) noteFailure(ctx, base, pages, limit, dma32);
  return retry;
}

/** First pfn of `pages` pages placed as high as possible below node `above` and `limit`. */
export function placePfn(arena: Arena, above: number, pages: number, align: number, limit: number): number {
  const top = Math.min(nodeLo(arena, above), limit) - pages;
  return align <= ALIGN_NARROW_MAX ? alignDown(top, align) : alignDownWide(top, align);
}

/** Moves the search start to the range just inserted (__cached_rbnode_insert_update). */
export function cursorAfterInsert(ctx: HostContext, base: number, node: number, limit: number): void {
  const { arena } = ctx;
  const dma32 = dma32Pfn(arena, base);
  if (ctx.era === "4.1") {
    if (limit === dma32) arena.i32[base + DOMAIN.cached32Node] = node;
    return;
  }
  const below4GiB = nodeHi(arena, node) < dma32;
  arena.i32[base + (below4GiB ? DOMAIN.cached32Node : DOMAIN.cachedNode)] = node;
}

/** Moves the search starts up when `node`, still linked, lies at or above them (__cached_rbnode_delete_update). */
export function cursorAfterFree(ctx: HostContext, base: number, node: number): void {
  if (ctx.era === "4.1") {
    cursorAfterFree2015(ctx.arena, base, node);
    return;
  }
  const { arena } = ctx;
  const words = arena.i32;
  const dma32 = dma32Pfn(arena, base);
  const lo = nodeLo(arena, node);
  const cursor32 = words[base + DOMAIN.cached32Node] as number;
  if (node === cursor32 || (nodeHi(arena, node) < dma32 && lo >= nodeLo(arena, cursor32))) {
    words[base + DOMAIN.cached32Node] = nodeAbove(arena, node);
  }
  if (lo < dma32) arena.u32[base + DOMAIN.max32AllocSize] = dma32;
  if (lo >= nodeLo(arena, words[base + DOMAIN.cachedNode] as number)) {
    words[base + DOMAIN.cachedNode] = nodeAbove(arena, node);
  }
}

/** Nodes a descent of the kernel's balanced tree looks at; what finding a range by its pfn costs there. */
export function treeDepth(arena: Arena, base: number): number {
  return 32 - Math.clz32(arena.i32[base + DOMAIN.nodesUsed] as number);
}

/** Walks from `from` to lower nodes until the range fits between a node and the next lower one; 0 = fell below `low`. */
function walkDown(ctx: HostContext, from: number, pages: number, align: number, limit: number, low: number): number {
  const { arena } = ctx;
  let node = from;
  let steps = 1;
  let found = 0;
  for (;;) {
    const pfn = placePfn(arena, node, pages, align, limit);
    if (pfn < low) break;
    const below = nodeBelow(arena, node);
    if (below === 0 || pfn > nodeHi(arena, below)) {
      found = node;
      break;
    }
    node = below;
    steps += 1;
  }
  ctx.cost.treeSteps += steps;
  return found;
}

/** Second try of a failed walk: what lies between the limit and where the cursor began. */
function retryAbove(
  ctx: HostContext,
  base: number,
  cursor: number,
  pages: number,
  align: number,
  limit: number,
): number {
  const { arena } = ctx;
  const cursorHi = nodeHi(arena, cursor);
  if (cursorHi >= limit) return 0;
  let from = arena.i32[base + DOMAIN.anchor] as number;
  if (limit <= dma32Pfn(arena, base)) {
    // The tree finds this node by descent (iova_find_limit); the list climbs to it from the cursor.
    from = cursor;
    while (nodeLo(arena, from) < limit) from = nodeAbove(arena, from);
    ctx.cost.treeSteps += treeDepth(arena, base);
  }
  return walkDown(ctx, from, pages, align, limit, cursorHi + 1);
}

/**
 * Remembers the size as hopeless below 4 GiB. The kernel does so whatever the limit was, so that one
 * request under a narrow mask blocks requests under wider ones; `corrected` remembers only what a
 * walk of the whole space below 4 GiB has shown.
 */
function noteFailure(ctx: HostContext, base: number, pages: number, limit: number, dma32: number): void {
  if (ctx.defects === "corrected" && limit < dma32) return;
  ctx.arena.u32[base + DOMAIN.max32AllocSize] = Math.min(pages, dma32);
}

/** 4.1: the cursor serves requests for exactly 4 GiB, nothing is tried twice, and start_pfn itself is never given out. */
function findSpace2015(ctx: HostContext, base: number, pages: number, align: number, limit: number): number {
  const { arena } = ctx;
  const cached = limit === dma32Pfn(arena, base);
  const from = arena.i32[base + (cached ? DOMAIN.cached32Node : DOMAIN.anchor)] as number;
  return walkDown(ctx, from, pages, align, limit, startPfn(arena, base) + 1);
}

function cursorAfterFree2015(arena: Arena, base: number, node: number): void {
  const cursor = arena.i32[base + DOMAIN.cached32Node] as number;
  if (nodeLo(arena, node) < nodeLo(arena, cursor)) return;
  const above = nodeAbove(arena, node);
  const below4GiB = nodeLo(arena, above) < dma32Pfn(arena, base);
  arena.i32[base + DOMAIN.cached32Node] = below4GiB ? above : (arena.i32[base + DOMAIN.anchor] as number);
}

function dma32Pfn(arena: Arena, base: number): number {
  return arena.f64[(base + DOMAIN.dma32Pfn) >>> 1] as number;
}

function startPfn(arena: Arena, base: number): number {
  return arena.f64[(base + DOMAIN.startPfn) >>> 1] as number;
}
