/**
 * Failed comparisons: written where the data are checked (any thread), read by the report.
 */
import { lowBits, type Phys } from "../base/addr.ts";
import { readByte } from "../memory/copy.ts";
import { POISON, UNIT_BYTES } from "../memory/pattern.ts";
import type { Arena } from "../shm/arena.ts";
import { fetchAdd, load } from "../shm/atomics.ts";
import { MISMATCHES_MAX } from "../shm/capacities.ts";
import { HEADER, MISMATCH, REGIONS } from "../shm/layout.ts";
import type { Mismatch } from "./result.ts";

/** What a wrong byte turned out to be, as stored in MISMATCH records. */
export const MISMATCH_KIND = Object.freeze({
  corrupt: 0,
  stale: 1,
  misdirected: 2,
  underCopy: 3,
  overCopy: 4,
  allOnes: 5,
});
const KIND_NAMES = ["corrupt", "stale", "misdirected", "under-copy", "over-copy", "all-ones"] as const;

/** A unit's header: its number in bytes 0..3, its version in bytes 4..7. */
export const HEADER_BYTES = 8;
const VERSION_AT = 4;
/** What a read finds where nobody answers. */
const ALL_ONES = 0xff;

/** What was being compared when a byte differed. */
export interface CheckedTransfer {
  job: number;
  engine: number;
  io: number;
  unit: number;
  version: number;
}

/** Appends a record; the first MISMATCHES_MAX of a run are kept, all are counted. */
export function recordMismatch(
  arena: Arena,
  what: CheckedTransfer,
  kind: number,
  expected: number,
  phys: Phys,
  dmaAddr: number,
  offset: number,
): void {
  const index = fetchAdd(arena.i32, REGIONS.header.word + HEADER.mismatchNext, 1);
  if (index >= MISMATCHES_MAX) return;
  const at = REGIONS.mismatches.word + index * REGIONS.mismatches.stride;
  arena.i32[at + MISMATCH.kind] = kind;
  arena.i32[at + MISMATCH.job] = what.job;
  arena.i32[at + MISMATCH.engine] = what.engine;
  arena.i32[at + MISMATCH.expected] = expected;
  arena.i32[at + MISMATCH.actual] = readByte(arena, phys);
  arena.u32[at + MISMATCH.version] = what.version;
  arena.f64[(at + MISMATCH.phys) >>> 1] = phys;
  arena.f64[(at + MISMATCH.dmaAddr) >>> 1] = dmaAddr;
  arena.f64[(at + MISMATCH.offset) >>> 1] = offset;
  arena.f64[(at + MISMATCH.io) >>> 1] = what.io;
  arena.f64[(at + MISMATCH.unit) >>> 1] = what.unit;
}

/**
 * Tells under-copy, a read that nobody answered, misdirection and staleness from corruption by what stands at the first wrong byte: a header of
 * another unit or version speaks of misplaced or old data, unless the unit's body (`bodyIsRight`) is the expected one.
 */
export function classifyMismatch(arena: Arena, phys: Phys, streamOff: number, bodyIsRight: boolean): number {
  if (isRunOf(arena, phys, POISON)) return MISMATCH_KIND.underCopy;
  if (isRunOf(arena, phys, ALL_ONES)) return MISMATCH_KIND.allOnes;
  const inUnit = lowBits(streamOff, UNIT_BYTES);
  if (inUnit >= HEADER_BYTES || bodyIsRight) return MISMATCH_KIND.corrupt;
  return inUnit < VERSION_AT ? MISMATCH_KIND.misdirected : MISMATCH_KIND.stale;
}

function isRunOf(arena: Arena, phys: Phys, byte: number): boolean {
  for (let i = 0; i < 4; i += 1) if (readByte(arena, phys + i) !== byte) return false;
  return true;
}

/** Failed comparisons of the run, recorded or not. */
export function mismatchCount(arena: Arena): number {
  return load(arena.i32, REGIONS.header.word + HEADER.mismatchNext);
}

/** Records of the run so far, for the result. */
export function readMismatches(arena: Arena, jobNames: readonly string[], seed: number): Mismatch[] {
  const count = Math.min(load(arena.i32, REGIONS.header.word + HEADER.mismatchNext), MISMATCHES_MAX);
  return Array.from({ length: count }, (_, index) => {
    const at = REGIONS.mismatches.word + index * REGIONS.mismatches.stride;
    const number = (field: number): number => arena.f64[(at + field) >>> 1] as number;
    return {
      kind: KIND_NAMES[arena.i32[at + MISMATCH.kind] as number] ?? "corrupt",
      job: jobNames[arena.i32[at + MISMATCH.job] as number] ?? "?",
      io: number(MISMATCH.io),
      offset: number(MISMATCH.offset),
      phys: `0x${number(MISMATCH.phys).toString(16)}`,
      dma_addr: `0x${number(MISMATCH.dmaAddr).toString(16)}`,
      expected: arena.i32[at + MISMATCH.expected] as number,
      actual: arena.i32[at + MISMATCH.actual] as number,
      version: arena.u32[at + MISMATCH.version] as number,
      seed,
    };
  });
}
