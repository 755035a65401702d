/**
 * Moving bytes between physical addresses, on the calling thread.
 *
 * Every function cuts at chunk ends, does not allocate, and reads uncommitted memory as zero.
 */
import type { Phys } from "../base/addr.ts";
import type { Arena } from "../shm/arena.ts";
import { commit, lookup, toChunkEnd } from "./backing.ts";

/** Copies; false when a destination chunk could not be committed. */
export function copyPhys(arena: Arena, dst: Phys, src: Phys, bytes: number): boolean {
  let done = 0;
  while (done < bytes) {
    const piece = Math.min(bytes - done, toChunkEnd(dst + done), toChunkEnd(src + done));
    const to = commit(arena, dst + done);
    if (to < 0) return false;
    const from = lookup(arena, src + done);
    if (from < 0) arena.ops.fill(to, 0, piece);
    else arena.ops.copy(to, from, piece);
    done += piece;
  }
  return true;
}

/** Sets every byte; false when a chunk could not be committed. */
export function fillPhys(arena: Arena, dst: Phys, byte: number, bytes: number): boolean {
  let done = 0;
  while (done < bytes) {
    const piece = Math.min(bytes - done, toChunkEnd(dst + done));
    const to = commit(arena, dst + done);
    if (to < 0) return false;
    arena.ops.fill(to, byte, piece);
    done += piece;
  }
  return true;
}

/** Offset of the first byte that is not `byte`, -1 when all are. */
export function findOtherPhys(arena: Arena, at: Phys, byte: number, bytes: number): number {
  let done = 0;
  while (done < bytes) {
    const piece = Math.min(bytes - done, toChunkEnd(at + done));
    const from = lookup(arena, at + done);
    const found = from < 0 ? (byte === 0 ? -1 : 0) : arena.ops.findOther(from, byte, piece);
    if (found >= 0) return done + found;
    done += piece;
  }
  return -1;
}

/** Offset of the first byte in which two ranges differ, -1 when equal. */
export function findDifference(arena: Arena, a: Phys, b: Phys, bytes: number): number {
  let done = 0;
  while (done < bytes) {
    const piece = Math.min(bytes - done, toChunkEnd(a + done), toChunkEnd(b + done));
    const first = lookup(arena, a + done);
    const second = lookup(arena, b + done);
    const found =
      first < 0 || second < 0
        ? differenceFromZero(arena, first < 0 ? second : first, piece)
        : arena.ops.compare(first, second, piece);
    if (found >= 0) return done + found;
    done += piece;
  }
  return -1;
}

/** `byte` is an arena byte, or below 0 when neither side was ever touched. */
function differenceFromZero(arena: Arena, byte: number, bytes: number): number {
  return byte < 0 ? -1 : arena.ops.findOther(byte, 0, bytes);
}

/** One byte; zero when never touched. */
export function readByte(arena: Arena, at: Phys): number {
  const from = lookup(arena, at);
  return from < 0 ? 0 : (arena.u8[from] as number);
}

/** Stores one byte (tests and fault hooks). */
export function writeByte(arena: Arena, at: Phys, value: number): void {
  const to = commit(arena, at);
  if (to >= 0) arena.u8[to] = value;
}
