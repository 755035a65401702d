/**
 * Pool of page-table frames (4 KiB each) in the arena.
 *
 * Words:      frameLock; frameNext, frameFree, frameUsed (holder of the lock); a free frame's first word links the next.
 * Invariants: a frame is in a tree, in the free list, or never used; what `allocFrame` returns is zero.
 * Ordering:   the frame is zeroed before it is published by the compare-exchange that installs it.
 * Progress:   one short lock, taken per table and never per page.
 * Forbidden:  freeing a frame that a walk can still reach and trust (tables.ts bumps tableGeneration first).
 * Proof:      test/litmus/iotlb.test.ts (table reuse)
 *
 * A table entry holds the "physical address" of the next table. Frames are not in the simulated physical memory, so
 * they have addresses of their own at {@link TABLE_BASE}, above any memory that a machine can have; the
 * encoded words then look as the hardware's do.
 */
import type { Phys } from "../base/addr.ts";
import type { Arena } from "../shm/arena.ts";
import { load } from "../shm/atomics.ts";
import { HEADER, REGIONS } from "../shm/layout.ts";
import { lock, unlock } from "../shm/mutex.ts";
import { TABLE_BYTES } from "./format.ts";

/** Address of frame 0. A multiple of 4 GiB, so that the low half of an entry alone names the frame. */
export const TABLE_BASE: Phys = 2 ** 51;

const LOCK = REGIONS.header.word + HEADER.frameLock;
const NEXT = REGIONS.header.word + HEADER.frameNext;
const FREE = REGIONS.header.word + HEADER.frameFree;
const USED = REGIONS.header.word + HEADER.frameUsed;
const POOL_BYTE = REGIONS.frames.byte;
const FRAME_COUNT = REGIONS.frames.count;

/** A zeroed frame for the caller's tree, -1 when all are in use. `owner` is the thread's lock owner id. */
export function allocFrame(arena: Arena, owner: number): number {
  const words = arena.i32;
  lock(words, LOCK, owner);
  const frame = takeFree(words);
  const recycled = frame >= 0;
  const taken = recycled ? frame : takeNew(words);
  if (taken >= 0) words[USED] = (words[USED] as number) + 1;
  unlock(words, LOCK, owner);
  // A frame that was never used is still zero; a recycled one is cleared outside the lock, as nobody else knows it.
  if (recycled) arena.ops.fill(frameByte(taken), 0, TABLE_BYTES);
  return taken;
}

/** Gives a frame back. The caller has taken it out of its tree. */
export function freeFrame(arena: Arena, owner: number, frame: number): void {
  const words = arena.i32;
  lock(words, LOCK, owner);
  words[frameByte(frame) / 4] = words[FREE] as number;
  words[FREE] = frame + 1;
  words[USED] = (words[USED] as number) - 1;
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

function takeFree(words: Int32Array): number {
  const frame = (words[FREE] as number) - 1;
  if (frame >= 0) words[FREE] = words[frameByte(frame) / 4] as number;
  return frame;
}

function takeNew(words: Int32Array): number {
  const frame = words[NEXT] as number;
  if (frame >= FRAME_COUNT) return -1;
  words[NEXT] = frame + 1;
  return frame;
}
