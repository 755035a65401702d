/**
 * Scatterlist arrays from the arena pool, and lists chained from them (lib/scatterlist.c:__sg_alloc_table).
 *
 * Words:      HEADER.sgLock guards sgNext, sgFree[5] and sgUsed; the entries of an allocated array belong to its holder.
 * Invariants: an array has 8, 16, 32, 64 or 128 slots; its size class and the slots asked for stand in the
 *             first entry's SG_ARRAY_BITS while it is allocated; a free array's first SG.length word is
 *             the next free one.
 * Ordering:   free lists change under the lock only.
 * Progress:   a mutex of rank sgPool, held for a few words.
 * Forbidden:  freeing the handle of anything but a list's first entry.
 * Proof:      test/unit/host/dma/sg_table.test.ts, test/property/scatterlist.test.ts
 */
import { assert } from "../../base/assert.ts";
import type { Arena } from "../../shm/arena.ts";
import { HEADER, REGIONS, SG } from "../../shm/layout.ts";
import { lock, unlock } from "../../shm/mutex.ts";
import { SG_FLAG } from "../../shm/sg_entry.ts";
import { MAP_FAILURES } from "../status.ts";
import { SG_ARRAY_BITS, SG_WORDS, sgChain, sgIsChain, sgMarkEnd } from "./scatterlist.ts";

/** Slots of the largest array: a 4 KiB page of 32-byte entries (SG_MAX_SINGLE_ALLOC). */
export const SG_MAX_SINGLE_ALLOC = 128;
/** Longest list that block drivers build with chaining (SG_MAX_SEGMENTS). */
export const SG_MAX_SEGMENTS = 2048;

const CLASS_SHIFT = 8;
const SLOTS_SHIFT = 12;
const SMALLEST_SLOTS = 8;
const LOCK = REGIONS.header.word + HEADER.sgLock;
const NEXT = REGIONS.header.word + HEADER.sgNext;
const FREE = REGIONS.header.word + HEADER.sgFree;
const USED = REGIONS.header.word + HEADER.sgUsed;

/** Slots of one chunk when `left` data entries remain: a full array keeps its last slot for the link. */
export function chunkSlots(left: number, slotsMax: number): number {
  return Math.min(left, slotsMax);
}

/** Slots of every chunk of a list of `nents`; `firstSlots` is a preallocated first chunk (0 = none). */
export function planChunks(nents: number, slotsMax: number, firstSlots = 0): number[] {
  const slots: number[] = [];
  let left = nents;
  while (left > 0) {
    const max = slots.length === 0 && firstSlots > 0 ? firstSlots : slotsMax;
    const take = chunkSlots(left, max);
    slots.push(take);
    left -= left > max ? take - 1 : take;
  }
  return slots;
}

/** One array of 1 to 128 zeroed slots without an end mark; -(failure code) when the pool is exhausted. */
export function allocSgArray(arena: Arena, owner: number, slots: number): number {
  const sizeClass = classOf(slots);
  lock(arena.i32, LOCK, owner);
  const sg = takeArray(arena, sizeClass);
  if (sg > 0) arena.i32[USED] = (arena.i32[USED] as number) + slots;
  unlock(arena.i32, LOCK, owner);
  if (sg <= 0) return -MAP_FAILURES.noScatterlist.code;
  arena.ops.fill(sg * 4, 0, slots * SG.BYTES);
  arena.i32[sg + SG.flags] = ((sizeClass + 1) << CLASS_SHIFT) | ((slots - 1) << SLOTS_SHIFT);
  return sg;
}

/** A list of `nents` zeroed entries with its end mark; -(failure code): none asked for, or pool exhausted. */
export function allocSg(arena: Arena, owner: number, nents: number): number {
  if (nents <= 0) return -MAP_FAILURES.invalid.code;
  let head = 0;
  let link = 0;
  let left = nents;
  while (left > 0) {
    const slots = chunkSlots(left, SG_MAX_SINGLE_ALLOC);
    const array = allocSgArray(arena, owner, slots);
    if (array < 0) return abandon(arena, owner, head, link, array);
    if (head === 0) head = array;
    else sgChain(arena, link, array);
    link = array + (slots - 1) * SG_WORDS;
    left -= left > slots ? slots - 1 : slots;
  }
  sgMarkEnd(arena, link);
  return head;
}

/** Gives every array of a list back. */
export function freeSg(arena: Arena, owner: number, sg: number): void {
  let array = sg;
  while (array !== 0) {
    const last = lastSlot(arena, array);
    const next = sgIsChain(arena, last) ? (arena.f64[(last + SG.pfn) >>> 1] as number) : 0;
    freeArray(arena, owner, array);
    array = next;
  }
}

/** Entries in use, for leak reports. */
export function sgEntriesUsed(arena: Arena): number {
  return arena.i32[USED] as number;
}

/** Slots of every array of the list, in order. */
export function sgArraySlots(arena: Arena, sg: number): number[] {
  const slots: number[] = [];
  let array = sg;
  while (array !== 0) {
    const last = lastSlot(arena, array);
    slots.push((last - array) / SG_WORDS + 1);
    array = sgIsChain(arena, last) ? (arena.f64[(last + SG.pfn) >>> 1] as number) : 0;
  }
  return slots;
}

function abandon(arena: Arena, owner: number, head: number, link: number, status: number): number {
  if (head === 0) return status;
  sgMarkEnd(arena, link);
  freeSg(arena, owner, head);
  return status;
}

function lastSlot(arena: Arena, array: number): number {
  const bits = (arena.i32[array + SG.flags] as number) & SG_ARRAY_BITS;
  assert(bits !== 0, "a scatterlist is freed by the handle of its first entry, once");
  return array + (bits >>> SLOTS_SHIFT) * SG_WORDS;
}

function freeArray(arena: Arena, owner: number, array: number): void {
  const bits = arena.i32[array + SG.flags] as number;
  const free = FREE + ((bits >>> CLASS_SHIFT) & 0xf) - 1;
  const slots = ((bits >>> SLOTS_SHIFT) & 0xff) + 1;
  lock(arena.i32, LOCK, owner);
  arena.i32[array + SG.flags] = SG_FLAG.end;
  arena.i32[array + SG.length] = arena.i32[free] as number;
  arena.i32[free] = array;
  arena.i32[USED] = (arena.i32[USED] as number) - slots;
  unlock(arena.i32, LOCK, owner);
}

function takeArray(arena: Arena, sizeClass: number): number {
  const free = arena.i32[FREE + sizeClass] as number;
  if (free !== 0) {
    arena.i32[FREE + sizeClass] = arena.i32[free + SG.length] as number;
    return free;
  }
  const slots = SMALLEST_SLOTS << sizeClass;
  const next = arena.i32[NEXT] as number;
  if (next + slots > REGIONS.scatterlists.count) return 0;
  arena.i32[NEXT] = next + slots;
  return REGIONS.scatterlists.word + next * REGIONS.scatterlists.stride;
}

function classOf(slots: number): number {
  assert(slots >= 1 && slots <= SG_MAX_SINGLE_ALLOC, "an array has 1 to 128 slots");
  return slots <= SMALLEST_SLOTS ? 0 : 29 - Math.clz32(slots - 1);
}
