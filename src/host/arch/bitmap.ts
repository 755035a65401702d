/**
 * Bit arrays of linear tables in the arena, and the kernel's search for free areas (lib/bitmap.c, lib/iommu-helper.c).
 *
 * Words:      linearBitmaps (holder of the table's lock). Bit i of a table is bit `entryBase + i` of the region.
 * Invariants: a set bit is an entry in use or reserved.
 * Forbidden:  calling anything here without the table's lock, but for reports.
 */
import type { Arena } from "../../shm/arena.ts";
import { REGIONS } from "../../shm/layout.ts";

const WORD = REGIONS.linearBitmaps.word;

/** True when entry `bit` of the table at `base` is in use. */
export function bitIsSet(arena: Arena, base: number, bit: number): boolean {
  const at = base + bit;
  return ((arena.i32[WORD + (at >>> 5)] as number) & (1 << (at & 31))) !== 0;
}

/** Sets [first, first + count). */
export function setBits(arena: Arena, base: number, first: number, count: number): void {
  for (let at = base + first; at < base + first + count; at += 1) {
    const word = WORD + (at >>> 5);
    arena.i32[word] = (arena.i32[word] as number) | (1 << (at & 31));
  }
}

/** Clears [first, first + count). */
export function clearBits(arena: Arena, base: number, first: number, count: number): void {
  for (let at = base + first; at < base + first + count; at += 1) {
    const word = WORD + (at >>> 5);
    arena.i32[word] = (arena.i32[word] as number) & ~(1 << (at & 31));
  }
}

/** First clear bit in [from, end), `end` when there is none (find_next_zero_bit). */
export function nextClear(arena: Arena, base: number, from: number, end: number): number {
  let at = from;
  while (at < end) {
    if (((base + at) & 31) === 0 && arena.i32[WORD + ((base + at) >>> 5)] === -1) at += 32;
    else if (bitIsSet(arena, base, at)) at += 1;
    else return at;
  }
  return end;
}

/** First set bit in [from, end), `end` when there is none (find_next_bit). */
export function nextSet(arena: Arena, base: number, from: number, end: number): number {
  let at = from;
  while (at < end) {
    if (((base + at) & 31) === 0 && arena.i32[WORD + ((base + at) >>> 5)] === 0) at += 32;
    else if (bitIsSet(arena, base, at)) return at;
    else at += 1;
  }
  return end;
}

/** True when none of [first, first + count) is in use. */
export function areaIsClear(arena: Arena, base: number, first: number, count: number): boolean {
  return nextSet(arena, base, first, first + count) >= first + count;
}

/** First aligned run of `count` clear bits inside [from, end), -1 when there is none (bitmap_find_next_zero_area). */
export function findClearArea(
  arena: Arena,
  base: number,
  end: number,
  from: number,
  count: number,
  alignMask: number,
): number {
  let at = from;
  for (;;) {
    const free = nextClear(arena, base, at, end);
    const first = free + ((-free >>> 0) & alignMask);
    if (first + count > end) return -1;
    const used = nextSet(arena, base, first, first + count);
    if (used >= first + count) return first;
    at = used + 1;
  }
}

/**
 * Takes `count` entries from [from, end), aligned and inside one boundary window (iommu_area_alloc); -1 = none.
 * `shift` is the number of the table's first entry in DMA space, `boundary` a window in entries. The last entry
 * before `end` is never used, as in the kernel.
 */
export function takeArea(
  arena: Arena,
  base: number,
  end: number,
  from: number,
  count: number,
  shift: number,
  boundary: number,
  alignMask: number,
): number {
  let at = from;
  for (;;) {
    const first = findClearArea(arena, base, end - 1, at, count, alignMask);
    if (first < 0) return -1;
    if (!spansBoundary(first, count, shift, boundary)) {
      setBits(arena, base, first, count);
      return first;
    }
    at = first + 1;
  }
}

/** True when the entries cross a multiple of `boundary` entries of DMA space (iommu_is_span_boundary). */
export function spansBoundary(first: number, count: number, shift: number, boundary: number): boolean {
  const at = shift + first;
  return at - Math.floor(at / boundary) * boundary + count > boundary;
}

/** Boundary window in entries, from a mask such as 0xffffffff. */
export function boundaryEntries(segBoundaryMask: number, iommuPageBytes: number): number {
  return Math.ceil((segBoundaryMask + 1) / iommuPageBytes);
}
