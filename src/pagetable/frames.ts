/**
 * Pool of page-table frames (4 KiB each) in the arena, handed out as tables of 2^order contiguous, aligned frames.
 *
 * Words:      frameLock; frameNext, frameFree, frameUsed (holder of the lock); a free table's first word links the next.
 * Invariants: a table is in a tree, in the free list of its order, or never used; what `allocFrame` returns is zero.
 * Ordering:   the table is zeroed before it is published by the compare-exchange that installs it.
 * Progress:   one short lock, taken per table and never per page.
 * Forbidden:  freeing a table that a walk can still reach and trust (tables.ts bumps tableGeneration first).
 * Proof:      test/litmus/iotlb.test.ts (table reuse)
 *
 * Free tables are neither split nor joined: all tables of a machine but those of a linear window have one order.
 *
 * A table entry holds the "physical address" of the next table. Frames are not in the simulated physical memory, so
 * they have addresses of their own at {@link TABLE_BASE}, above any memory that a machine is likely to have; the
 * encoded words then look as the hardware's do.
 */
import type { Phys } from "../base/addr.ts";
import type { Arena } from "../shm/arena.ts";
import { load } from "../shm/atomics.ts";
import { HEADER, REGIONS } from "../shm/layout.ts";
import { lock, unlock } from "../shm/mutex.ts";
import { TABLE_BYTES } from "./format.ts";

/** Address of frame 0. A multiple of 4 GiB, so that the low half of an entry alone names the frame; every format can hold it. */
export const TABLE_BASE: Phys = 2 ** 47;

const LOCK = REGIONS.header.word + HEADER.frameLock;
const NEXT = REGIONS.header.word + HEADER.frameNext;
const FREE = REGIONS.header.word + HEADER.frameFree;
const USED = REGIONS.header.word + HEADER.frameUsed;
const POOL_BYTE = REGIONS.frames.byte;
const FRAME_COUNT = REGIONS.frames.count;

/** First frame of a zeroed table of 2^order frames for the caller's tree, -1 when none is left. `owner` is the thread's lock owner id. */
export function allocFrame(arena: Arena, owner: number, order = 0): number {
  const words = arena.i32;
  lock(words, LOCK, owner);
  const frame = takeFree(words, order);
  const recycled = frame >= 0;
  const taken = recycled ? frame : takeNew(words, order);
  if (taken >= 0) words[USED] = (words[USED] as number) + (1 << order);
  unlock(words, LOCK, owner);
  // A frame that was never used is still zero; a recycled one is cleared outside the lock, as nobody else knows it.
  if (recycled) arena.ops.fill(frameByte(taken), 0, TABLE_BYTES << order);
  return taken;
}

/** Gives a table back. The caller has taken it out of its tree. */
export function freeFrame(arena: Arena, owner: number, frame: number, order = 0): void {
  const words = arena.i32;
  lock(words, LOCK, owner);
  putFree(words, frame, order);
  words[USED] = (words[USED] as number) - (1 << order);
  unlock(words, LOCK, owner);
}

/** What {@link withholdFrames} took away. */
export interface WithheldFrames {
  readonly next: number;
  readonly free: number;
}

/** Fault injection: from now on there is no memory for single frames, until {@link returnFrames}. Calls may nest. */
export function withholdFrames(arena: Arena, owner: number): WithheldFrames {
  const words = arena.i32;
  lock(words, LOCK, owner);
  const withheld = { next: words[NEXT] as number, free: words[FREE] as number };
  words[NEXT] = FRAME_COUNT;
  words[FREE] = 0;
  unlock(words, LOCK, owner);
  return withheld;
}

/** Gives back what {@link withholdFrames} took; frames that others freed meanwhile stay free. */
export function returnFrames(arena: Arena, owner: number, withheld: WithheldFrames): void {
  const words = arena.i32;
  lock(words, LOCK, owner);
  words[NEXT] = Math.min(words[NEXT] as number, withheld.next);
  let at = FREE;
  for (let frame = words[at] as number; frame !== 0; frame = words[at] as number) at = frameByte(frame - 1) / 4;
  words[at] = withheld.free;
  unlock(words, LOCK, owner);
}

/** Frames in use by all domains. */
export function framesUsed(arena: Arena): number {
  return load(arena.i32, USED);
}

/** Arena byte of the first entry. */
export function frameByte(frame: number): number {
  return POOL_BYTE + frame * TABLE_BYTES;
}

/** Physical address that entries hold for the frame. */
export function frameAddress(frame: number): Phys {
  return TABLE_BASE + frame * TABLE_BYTES;
}

/** Frame that a table entry with this low half points to. */
export function frameOfEntry(lo: number): number {
  return lo >>> 12;
}

function takeFree(words: Int32Array, order: number): number {
  const frame = (words[FREE + order] as number) - 1;
  if (frame >= 0) words[FREE + order] = words[frameByte(frame) / 4] as number;
  return frame;
}

function putFree(words: Int32Array, frame: number, order: number): void {
  words[frameByte(frame) / 4] = words[FREE + order] as number;
  words[FREE + order] = frame + 1;
}

/** Frames skipped for alignment become free single frames, which are zeroed when taken. */
function takeNew(words: Int32Array, order: number): number {
  const count = 1 << order;
  const next = words[NEXT] as number;
  const frame = (next + count - 1) & -count;
  if (frame + count > FRAME_COUNT) return -1;
  for (let skipped = next; skipped < frame; skipped += 1) putFree(words, skipped, 0);
  words[NEXT] = frame + count;
  return frame;
}
