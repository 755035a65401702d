/**
 * IOVA ranges of a domain: node pool, sorted list and hash.
 *
 * Words:      IOVA_NODE records, DOMAIN.nodeFree, iovaBuckets (all: holder of the domain's treeLock);
 *             HEADER.iovaNodeNext hands out never-used nodes by fetch-add.
 * States:     free (used 0, on the domain's free list), allocated (1), reserved or anchor (2).
 * Invariants: the list is strictly sorted and disjoint; the anchor lies above everything; a node other
 *             than the anchor is in exactly one hash chain, of its own domain's part of the buckets, so that one
 *             lock guards both; freed nodes stay with their domain.
 * Ordering:   everything is plain under treeLock.
 * Progress:   link and unlink are O(1), lookup by first pfn is a short chain.
 * Forbidden:  a node of one domain in a chain or list of another.
 * Proof:      test/property/iova.test.ts
 *
 * Linux keeps a red-black tree (drivers/iommu/iova.c). Its allocation only walks to lower neighbours from a
 * cached node and inserts where it stopped, so a doubly linked list gives the same ranges.
 */
import { lowBits } from "../../base/addr.ts";
import type { Arena } from "../../shm/arena.ts";
import { fetchAdd } from "../../shm/atomics.ts";
import { DOMAINS_MAX } from "../../shm/capacities.ts";
import { DOMAIN, HEADER, IOVA_NODE, REGIONS } from "../../shm/layout.ts";

/** Value of IOVA_NODE.used. */
export const NODE_STATE = Object.freeze({ free: 0, allocated: 1, fixed: 2 });

/** First and last pfn of the anchor: above every pfn that a mask can name. */
export const ANCHOR_PFN = Number.MAX_SAFE_INTEGER;

const NODES = REGIONS.iovaNodes;
const NODE_NEXT = REGIONS.header.word + HEADER.iovaNodeNext;
const BUCKETS_WORD = REGIONS.iovaBuckets.word;
const BUCKETS_PER_DOMAIN = REGIONS.iovaBuckets.count / DOMAINS_MAX;
const HASH_SHIFT = Math.clz32(BUCKETS_PER_DOMAIN) + 1;
const PFN_LOW = 2 ** 31;

/** First pfn of the range. */
export function nodeLo(arena: Arena, node: number): number {
  return arena.f64[(node + IOVA_NODE.lo) >>> 1] as number;
}

/** Last pfn of the range, inclusive. */
export function nodeHi(arena: Arena, node: number): number {
  return arena.f64[(node + IOVA_NODE.hi) >>> 1] as number;
}

/** Next lower node, 0 = none. */
export function nodeBelow(arena: Arena, node: number): number {
  return arena.i32[node + IOVA_NODE.prev] as number;
}

/** Next higher node; 0 only for the anchor. */
export function nodeAbove(arena: Arena, node: number): number {
  return arena.i32[node + IOVA_NODE.next] as number;
}

/** A node for [lo, hi] in state `used`, in no list yet; 0 when the pool is empty. `base` is the DOMAIN record. */
export function takeNode(arena: Arena, base: number, lo: number, hi: number, used: number): number {
  const words = arena.i32;
  let node = words[base + DOMAIN.nodeFree] as number;
  if (node !== 0) words[base + DOMAIN.nodeFree] = words[node + IOVA_NODE.hashNext] as number;
  else node = freshNode(arena);
  if (node === 0) return 0;
  arena.f64[(node + IOVA_NODE.lo) >>> 1] = lo;
  arena.f64[(node + IOVA_NODE.hi) >>> 1] = hi;
  words[node + IOVA_NODE.used] = used;
  return node;
}

/** Puts an unlinked node on the domain's free list. */
export function giveNode(arena: Arena, base: number, node: number): void {
  const words = arena.i32;
  words[node + IOVA_NODE.used] = NODE_STATE.free;
  words[node + IOVA_NODE.hashNext] = words[base + DOMAIN.nodeFree] as number;
  words[base + DOMAIN.nodeFree] = node;
}

/** Inserts `node` directly below `above`. */
export function linkBelow(arena: Arena, node: number, above: number): void {
  const words = arena.i32;
  const below = words[above + IOVA_NODE.prev] as number;
  words[node + IOVA_NODE.prev] = below;
  words[node + IOVA_NODE.next] = above;
  words[above + IOVA_NODE.prev] = node;
  if (below !== 0) words[below + IOVA_NODE.next] = node;
}

/** Takes `node` out of the list. The anchor is never unlinked, so there is always a node above. */
export function unlinkNode(arena: Arena, node: number): void {
  const words = arena.i32;
  const below = words[node + IOVA_NODE.prev] as number;
  const above = words[node + IOVA_NODE.next] as number;
  words[above + IOVA_NODE.prev] = below;
  if (below !== 0) words[below + IOVA_NODE.next] = above;
}

/** Enters `node` under its first pfn. */
export function hashInsert(arena: Arena, domain: number, node: number): void {
  const words = arena.i32;
  const bucket = bucketWord(domain, nodeLo(arena, node));
  words[node + IOVA_NODE.hashNext] = words[bucket] as number;
  words[bucket] = node;
}

/** Removes and returns the node whose first pfn is `lo`; 0 when there is none. */
export function hashRemove(arena: Arena, domain: number, lo: number): number {
  const words = arena.i32;
  let link = bucketWord(domain, lo);
  for (;;) {
    const node = words[link] as number;
    if (node === 0) return 0;
    if (nodeLo(arena, node) === lo) {
      words[link] = words[node + IOVA_NODE.hashNext] as number;
      return node;
    }
    link = node + IOVA_NODE.hashNext;
  }
}

function freshNode(arena: Arena): number {
  const index = fetchAdd(arena.i32, NODE_NEXT, 1);
  if (index < NODES.count) return NODES.word + index * NODES.stride;
  fetchAdd(arena.i32, NODE_NEXT, -1);
  return 0;
}

/** Aligned pfns differ in their high bits only, so the hash takes the top bits of a product. */
function bucketWord(domain: number, pfn: number): number {
  const low = lowBits(pfn, PFN_LOW);
  const high = Math.floor(pfn / PFN_LOW);
  const hash = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1) >>> HASH_SHIFT;
  return BUCKETS_WORD + domain * BUCKETS_PER_DOMAIN + hash;
}
