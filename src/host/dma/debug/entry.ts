/**
 * Shadow of live mappings in the arena (kernel/dma/debug.c: struct dma_debug_entry, its hash and its pool).
 *
 * Words:      DEBUG, debugBuckets, debugLines, DEBUG_ENTRY (holder of DEBUG.lock).
 * States:     an entry is never used, free (linked from DEBUG.entryFree), or live (linked from its bucket, and from its
 *             cache line's bucket when the line is tracked).
 * Invariants: an entry's bucket follows from its device address, its line from its physical address.
 * Ordering:   every function here is called with the lock held.
 * Progress:   a checker, not a model: one lock, no fast path.
 * Forbidden:  keeping an entry's word after its unmap.
 * Proof:      test/unit/host/dma/debug.test.ts
 */
import type { DmaAddr, Phys } from "../../../base/addr.ts";
import { lowBits } from "../../../base/addr.ts";
import type { Arena } from "../../../shm/arena.ts";
import { DEBUG, DEBUG_ENTRY, REGIONS } from "../../../shm/layout.ts";

/** What kind of call made a mapping: each has its own unmap. */
export const DEBUG_KIND = Object.freeze({ single: 0, sg: 1, coherent: 2, noncoherent: 3, phys: 4 });
/** Names of kinds in reports. */
export const DEBUG_KIND_NAMES = ["single", "scatter-gather", "coherent", "noncoherent", "phys"] as const;

/** DEBUG_ENTRY.checked: coherent memory and lists need no dma_mapping_error. */
export const MAP_CHECK = Object.freeze({ notNeeded: 0, missing: 1, done: 2 });

/** Entries that exist from the start, and by which the pool's growth is reported (PREALLOC_DMA_DEBUG_ENTRIES). */
export const DEBUG_ENTRIES_FIRST = 65536;
/** Entries added when none is free: what a page holds. */
const ENTRIES_ADDED = Math.floor(4096 / DEBUG_ENTRY.BYTES);
const BUCKET_BYTES = 2 ** 13;
const BUCKETS = REGIONS.debugBuckets.count;
const LINE_BYTES = 64;

/** A mapping, or what an unmap or a sync says of one. */
export interface DebugMapping {
  readonly dmaAddr: DmaAddr;
  readonly bytes: number;
  readonly phys: Phys;
  readonly device: number;
  /** DEBUG_KIND. */
  readonly kind: number;
  /** DIR. */
  readonly dir: number;
  /** Entries of the caller's list, 0 = no list. */
  readonly nents: number;
  readonly mappedNents: number;
  readonly attrs: number;
  readonly job: number;
  readonly io: number;
}

/** Word index of the DEBUG record. */
export const DEBUG_WORD = REGIONS.dmaDebug.word;

/** A free entry, 0 when the arena has none left. */
export function takeEntry(arena: Arena): number {
  const words = arena.i32;
  if (words[DEBUG_WORD + DEBUG.entriesFree] === 0 && !growPool(arena)) return 0;
  const free = words[DEBUG_WORD + DEBUG.entryFree] as number;
  let entry = 0;
  if (free !== 0) {
    entry = entryWord(free - 1);
    words[DEBUG_WORD + DEBUG.entryFree] = words[entry + DEBUG_ENTRY.next] as number;
  } else {
    const next = words[DEBUG_WORD + DEBUG.entryNext] as number;
    words[DEBUG_WORD + DEBUG.entryNext] = next + 1;
    entry = entryWord(next);
  }
  const left = (words[DEBUG_WORD + DEBUG.entriesFree] as number) - 1;
  words[DEBUG_WORD + DEBUG.entriesFree] = left;
  words[DEBUG_WORD + DEBUG.entriesFreeMin] = Math.min(left, words[DEBUG_WORD + DEBUG.entriesFreeMin] as number);
  return entry;
}

/** Gives an entry back that is in no bucket any more. */
export function giveEntry(arena: Arena, entry: number): void {
  const words = arena.i32;
  words[entry + DEBUG_ENTRY.next] = words[DEBUG_WORD + DEBUG.entryFree] as number;
  words[DEBUG_WORD + DEBUG.entryFree] = entryNumber(entry);
  words[DEBUG_WORD + DEBUG.entriesFree] = (words[DEBUG_WORD + DEBUG.entriesFree] as number) + 1;
}

/** Fills an entry. */
export function writeEntry(arena: Arena, entry: number, mapping: DebugMapping, checked: number): void {
  const { i32, f64 } = arena;
  f64[(entry + DEBUG_ENTRY.dmaAddr) >>> 1] = mapping.dmaAddr;
  f64[(entry + DEBUG_ENTRY.bytes) >>> 1] = mapping.bytes;
  f64[(entry + DEBUG_ENTRY.phys) >>> 1] = mapping.phys;
  f64[(entry + DEBUG_ENTRY.io) >>> 1] = mapping.io;
  i32[entry + DEBUG_ENTRY.device] = mapping.device;
  i32[entry + DEBUG_ENTRY.kind] = mapping.kind;
  i32[entry + DEBUG_ENTRY.dir] = mapping.dir;
  i32[entry + DEBUG_ENTRY.nents] = mapping.nents;
  i32[entry + DEBUG_ENTRY.mappedNents] = mapping.mappedNents;
  i32[entry + DEBUG_ENTRY.checked] = checked;
  i32[entry + DEBUG_ENTRY.job] = mapping.job;
  i32[entry + DEBUG_ENTRY.attrs] = mapping.attrs;
}

/** The mapping that an entry describes. */
export function readEntry(arena: Arena, entry: number): DebugMapping {
  const { i32, f64 } = arena;
  return {
    dmaAddr: f64[(entry + DEBUG_ENTRY.dmaAddr) >>> 1] as number,
    bytes: f64[(entry + DEBUG_ENTRY.bytes) >>> 1] as number,
    phys: f64[(entry + DEBUG_ENTRY.phys) >>> 1] as number,
    io: f64[(entry + DEBUG_ENTRY.io) >>> 1] as number,
    device: i32[entry + DEBUG_ENTRY.device] as number,
    kind: i32[entry + DEBUG_ENTRY.kind] as number,
    dir: i32[entry + DEBUG_ENTRY.dir] as number,
    nents: i32[entry + DEBUG_ENTRY.nents] as number,
    mappedNents: i32[entry + DEBUG_ENTRY.mappedNents] as number,
    job: i32[entry + DEBUG_ENTRY.job] as number,
    attrs: i32[entry + DEBUG_ENTRY.attrs] as number,
  };
}

/** Word of the bucket that holds mappings at `dmaAddr`. */
export function bucketOf(dmaAddr: DmaAddr): number {
  return REGIONS.debugBuckets.word + lowBits(Math.floor(dmaAddr / BUCKET_BYTES), BUCKETS);
}

/** Word of the bucket of the cache line that holds `phys`. */
export function lineBucketOf(phys: Phys): number {
  return REGIONS.debugLines.word + lowBits(lineOf(phys), REGIONS.debugLines.count);
}

/** Number of the cache line that holds `phys`. */
export function lineOf(phys: Phys): number {
  return Math.floor(phys / LINE_BYTES);
}

/** Puts an entry at the end of the chain of `bucket`; `link` is the field that chains it. */
export function linkEntry(arena: Arena, bucket: number, link: number, entry: number): void {
  arena.i32[entry + link] = 0;
  let at = bucket;
  for (let next = firstOf(arena, at); next !== 0; next = firstOf(arena, at)) at = next + link;
  arena.i32[at] = entryNumber(entry);
}

/** Takes an entry out of the chain of `bucket`; false when it is not in it. */
export function unlinkEntry(arena: Arena, bucket: number, link: number, entry: number): boolean {
  let at = bucket;
  for (let next = firstOf(arena, at); next !== 0; next = firstOf(arena, at)) {
    if (next === entry) {
      arena.i32[at] = arena.i32[entry + link] as number;
      return true;
    }
    at = next + link;
  }
  return false;
}

/** Entry that a link word points to, 0 = none. */
export function firstOf(arena: Arena, word: number): number {
  const number = arena.i32[word] as number;
  return number === 0 ? 0 : entryWord(number - 1);
}

/** Calls `visit` for every live entry, bucket by bucket. */
export function eachEntry(arena: Arena, visit: (entry: number) => void): void {
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    for (
      let at = firstOf(arena, REGIONS.debugBuckets.word + bucket);
      at !== 0;
      at = firstOf(arena, at + DEBUG_ENTRY.next)
    ) {
      visit(at);
    }
  }
}

/** Bytes of device addresses that one bucket stands for. */
export function bucketBytes(): number {
  return BUCKET_BYTES;
}

/** A page's worth of entries more, as far as the arena reaches. */
function growPool(arena: Arena): boolean {
  const words = arena.i32;
  const total = words[DEBUG_WORD + DEBUG.entriesTotal] as number;
  const added = Math.min(ENTRIES_ADDED, REGIONS.debugEntries.count - total);
  words[DEBUG_WORD + DEBUG.entriesTotal] = total + added;
  words[DEBUG_WORD + DEBUG.entriesFree] = (words[DEBUG_WORD + DEBUG.entriesFree] as number) + added;
  return added > 0;
}

function entryWord(index: number): number {
  return REGIONS.debugEntries.word + index * REGIONS.debugEntries.stride;
}

function entryNumber(entry: number): number {
  return (entry - REGIONS.debugEntries.word) / REGIONS.debugEntries.stride + 1;
}
