/**
 * Sparse backing of the physical address space by 64 KiB chunks of the arena.
 *
 * Words:      chunkL1 (physical / 4 GiB -> table + 1), chunkL2 (chunk of the table -> chunk + 1), chunkPhys;
 *             chunkNext and l2Next hand out chunks and tables by fetch-add.
 * Invariants: a directory word changes once, from 0 to its final value, by compare-exchange; the loser
 *             of a race gives its chunk to nobody (it stays zero and unused).
 * Ordering:   chunkPhys is written before the directory word is published.
 * Progress:   wait-free; running out is the status -1, never a throw, on the hot path.
 * Proof:      test/litmus/chunk.test.ts, test/proof
 * Untouched memory reads as zero and costs nothing. Chunks that follow each other in physical space
 * do not follow each other in the arena, so every run is cut at 64 KiB.
 */

import type { Phys } from "../base/addr.ts";
import { hex } from "../base/addr.ts";
import { DmasimError } from "../base/errors.ts";
import type { Arena } from "../shm/arena.ts";
import { compareExchange, fetchAdd, load } from "../shm/atomics.ts";
import { CHUNK_BYTES, CHUNK_COUNT, CONTROL_BYTES } from "../shm/capacities.ts";
import { HEADER, REGIONS } from "../shm/layout.ts";

const FOUR_GIB = 2 ** 32;
const CHUNK_NEXT = REGIONS.header.word + HEADER.chunkNext;
const L2_NEXT = REGIONS.header.word + HEADER.l2Next;
const L1_WORD = REGIONS.chunkL1.word;
const L2_WORD = REGIONS.chunkL2.word;
const L2_STRIDE = REGIONS.chunkL2.stride;
const L2_COUNT = REGIONS.chunkL2.count;

/** Arena byte of `phys` when its chunk is committed, else -1. Does not allocate. */
export function lookup(arena: Arena, phys: Phys): number {
  const high = Math.floor(phys / FOUR_GIB);
  const table = load(arena.i32, L1_WORD + high);
  if (table === 0) return -1;
  const low = phys - high * FOUR_GIB;
  const chunk = load(arena.i32, L2_WORD + (table - 1) * L2_STRIDE + (low >>> 16));
  if (chunk === 0) return -1;
  return CONTROL_BYTES + (chunk - 1) * CHUNK_BYTES + (low & 0xffff);
}

/** Arena byte of `phys`, committing its chunk; -1 when the arena has no chunk left. */
export function commit(arena: Arena, phys: Phys): number {
  const found = lookup(arena, phys);
  return found >= 0 ? found : commitSlow(arena, phys);
}

/** Commits every chunk of [phys, phys + bytes); a usage error when the arena is full. */
export function commitRange(arena: Arena, phys: Phys, bytes: number): void {
  const end = phys + bytes;
  for (let at = phys - (phys & (CHUNK_BYTES - 1)); at < end; at += CHUNK_BYTES) {
    if (commit(arena, at) < 0) throw outOfBacking(at);
  }
}

/** Number of bytes from `phys` to the end of its chunk. */
export function toChunkEnd(phys: Phys): number {
  return CHUNK_BYTES - (phys & (CHUNK_BYTES - 1));
}

/** Chunks handed out so far. */
export function chunksUsed(arena: Arena): number {
  return Math.min(load(arena.i32, CHUNK_NEXT), CHUNK_COUNT);
}

/** Physical address of data chunk `index` (0 .. chunksUsed), NaN for a chunk that lost its race. */
export function chunkPhys(arena: Arena, index: number): Phys {
  return arena.f64[(REGIONS.chunkPhys.word >>> 1) + index] as number;
}

function commitSlow(arena: Arena, phys: Phys): number {
  const words = arena.i32;
  const high = Math.floor(phys / FOUR_GIB);
  const table = commitTable(arena, high);
  if (table < 0) return -1;
  const low = phys - high * FOUR_GIB;
  const word = L2_WORD + table * L2_STRIDE + (low >>> 16);
  const index = fetchAdd(words, CHUNK_NEXT, 1);
  if (index >= CHUNK_COUNT) {
    fetchAdd(words, CHUNK_NEXT, -1);
    return lookup(arena, phys);
  }
  const physWord = (REGIONS.chunkPhys.word >>> 1) + index;
  arena.f64[physWord] = phys - (phys & (CHUNK_BYTES - 1));
  if (!compareExchange(words, word, 0, index + 1)) arena.f64[physWord] = Number.NaN;
  return lookup(arena, phys);
}

function commitTable(arena: Arena, high: number): number {
  const words = arena.i32;
  const seen = load(words, L1_WORD + high);
  if (seen !== 0) return seen - 1;
  const fresh = fetchAdd(words, L2_NEXT, 1);
  if (fresh >= L2_COUNT) return -1;
  compareExchange(words, L1_WORD + high, 0, fresh + 1);
  return load(words, L1_WORD + high) - 1;
}

function outOfBacking(phys: Phys): DmasimError {
  return new DmasimError({
    code: "DMASIM_OUT_OF_BACKING",
    what: "the simulated memory that this run touches does not fit the arena",
    value: hex(phys),
    limit: `${CHUNK_COUNT} chunks of ${CHUNK_BYTES} bytes (3 GiB) for touched memory`,
    remedy: "lower iodepth, numjobs or bs, so that fewer buffers exist at a time",
  });
}
