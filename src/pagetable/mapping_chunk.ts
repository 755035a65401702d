/**
 * One chunk of a mapping list: a frame with up to 127 mappings in rising order of IOVA. mapping_list.ts has the protocol.
 *
 * ```
 * | next, count | start bytes phys prot | start bytes phys prot | ...      32 bytes each
 * ```
 * A chunk's handle is its frame + 1, 0 = none. Reads stay inside the chunk whatever a torn frame holds.
 */
import type { Iova } from "../base/addr.ts";
import type { Arena } from "../shm/arena.ts";
import { TABLE_BYTES } from "./format.ts";
import { allocFrame, frameByte, freeFrame } from "./frames.ts";

/** Numbers of a mapping. */
export const MAPPING = Object.freeze({ start: 0, bytes: 1, phys: 2, prot: 3 });

const HEAD_BYTES = 32;
const RECORD_BYTES = 32;
const RECORD_F64 = RECORD_BYTES / 8;
/** Mappings of one chunk. */
export const CHUNK_MAPPINGS = (TABLE_BYTES - HEAD_BYTES) / RECORD_BYTES;
const NEXT_WORD = 0;
const COUNT_WORD = 1;

/** An empty chunk; 0 when out of frames. */
export function newChunk(arena: Arena, owner: number): number {
  return allocFrame(arena, owner) + 1;
}

/** Gives the frame back. */
export function freeChunk(arena: Arena, owner: number, chunk: number): void {
  freeFrame(arena, owner, chunk - 1);
}

/** Moves the upper half of a full chunk to a new one behind it; false when out of frames. */
export function splitChunk(arena: Arena, owner: number, chunk: number): boolean {
  const fresh = newChunk(arena, owner);
  if (fresh === 0) return false;
  const keep = CHUNK_MAPPINGS >>> 1;
  move(arena, fresh, 0, chunk, keep, CHUNK_MAPPINGS - keep);
  setCount(arena, fresh, CHUNK_MAPPINGS - keep);
  setCount(arena, chunk, keep);
  setNextChunk(arena, fresh, nextChunk(arena, chunk));
  setNextChunk(arena, chunk, fresh);
  return true;
}

/** Puts a mapping before the one at index `at`; the chunk has room. */
export function insertAt(
  arena: Arena,
  chunk: number,
  at: number,
  start: Iova,
  bytes: number,
  phys: number,
  prot: number,
): void {
  const count = mappingCount(arena, chunk);
  move(arena, chunk, at + 1, chunk, at, count - at);
  const f64 = recordF64(chunk, at);
  arena.f64[f64 + MAPPING.start] = start;
  arena.f64[f64 + MAPPING.bytes] = bytes;
  arena.f64[f64 + MAPPING.phys] = phys;
  arena.f64[f64 + MAPPING.prot] = prot;
  setCount(arena, chunk, count + 1);
}

/** Removes the mappings at indexes [from, to). */
export function removeBetween(arena: Arena, chunk: number, from: number, to: number): void {
  const count = mappingCount(arena, chunk);
  move(arena, chunk, from, chunk, to, count - to);
  setCount(arena, chunk, count - (to - from));
}

/** Index of the first mapping that starts at or above `iova`; the count when there is none. */
export function positionOf(arena: Arena, chunk: number, iova: Iova): number {
  let low = 0;
  let high = mappingCount(arena, chunk);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (mappingField(arena, chunk, middle, MAPPING.start) < iova) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A number (MAPPING) of the mapping at index `at`. */
export function mappingField(arena: Arena, chunk: number, at: number, name: number): number {
  return arena.f64[recordF64(chunk, at) + name] as number;
}

/** Mappings in the chunk. */
export function mappingCount(arena: Arena, chunk: number): number {
  return Math.min(arena.u32[headWord(chunk) + COUNT_WORD] as number, CHUNK_MAPPINGS);
}

/** Chunk behind, 0 = none. */
export function nextChunk(arena: Arena, chunk: number): number {
  return arena.i32[headWord(chunk) + NEXT_WORD] as number;
}

/** Links the chunk behind. */
export function setNextChunk(arena: Arena, chunk: number, next: number): void {
  arena.i32[headWord(chunk) + NEXT_WORD] = next;
}

function setCount(arena: Arena, chunk: number, count: number): void {
  arena.i32[headWord(chunk) + COUNT_WORD] = count;
}

function move(arena: Arena, to: number, toAt: number, from: number, fromAt: number, count: number): void {
  arena.ops.copy(recordF64(to, toAt) * 8, recordF64(from, fromAt) * 8, count * RECORD_BYTES);
}

function headWord(chunk: number): number {
  return frameByte(chunk - 1) / 4;
}

function recordF64(chunk: number, at: number): number {
  return (frameByte(chunk - 1) + HEAD_BYTES) / 8 + at * RECORD_F64;
}
