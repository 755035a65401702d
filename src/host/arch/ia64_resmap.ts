/**
 * Free space of the ia64 SBA (arch/ia64/hp/common/sba_iommu.c: sba_search_bitmap, sba_alloc_range, kernel 4.1).
 *
 * Requests are rounded up to a power of two, because a purge names power-of-two ranges and must not touch a translation
 * in use. The search starts at a 64-bit word (cursor) and, for aligned runs, at a bit inside it (cursorBit).
 */
import { alignUp, roundUpPow2 } from "../../base/addr.ts";
import type { Arena } from "../../shm/arena.ts";
import { LINEAR_SAVED_MAX, LINEAR_TABLE } from "../../shm/layout.ts";
import { areaIsClear, boundaryEntries, clearBits, nextClear, setBits, spansBoundary } from "./bitmap.ts";
import { clearEntries, type LinearTable, tableRecord } from "./linear_iommu.ts";
import type { ArchWork } from "./work.ts";

const WORD_BITS = 64;
const HALF_WORD = 32;
/** Freed ranges that are invalidated together. */
export const IA64_DELAYED = LINEAR_SAVED_MAX;
/** An entry without a mapping: still valid, naming the spill page, so that prefetching devices do not fail. */
const SPILL_LO = 0xff;
const SPILL_HI = 0x80000000;

/** First of `pages` entries, rounded up to a power of two; -1 after both searches and a flush of the delayed frees failed. */
export function takeIa64(
  arena: Arena,
  table: LinearTable,
  pages: number,
  segBoundaryMask: number,
  work: ArchWork,
): number {
  const count = roundUpPow2(pages);
  let first = search(arena, table, count, segBoundaryMask, true);
  if (first < 0) first = search(arena, table, count, segBoundaryMask, false);
  if (first < 0) {
    flushIa64(arena, table, work);
    first = search(arena, table, count, segBoundaryMask, false);
  }
  return first;
}

/** Holds a freed range back; the last free place makes all of them go at once. */
export function saveIa64(arena: Arena, table: LinearTable, first: number, pages: number, work: ArchWork): void {
  const record = tableRecord(table);
  const saved = arena.u32[record + LINEAR_TABLE.savedCount] as number;
  const at = record + LINEAR_TABLE.saved + saved * 2;
  arena.u32[at] = first;
  arena.u32[at + 1] = pages;
  arena.u32[record + LINEAR_TABLE.savedCount] = saved + 1;
  if (saved + 1 >= IA64_DELAYED) flushIa64(arena, table, work);
}

/** Invalidates, purges and frees what was held back, the latest first; one read-back for all. */
export function flushIa64(arena: Arena, table: LinearTable, work: ArchWork): void {
  const record = tableRecord(table);
  for (let i = (arena.u32[record + LINEAR_TABLE.savedCount] as number) - 1; i >= 0; i -= 1) {
    const first = arena.u32[record + LINEAR_TABLE.saved + i * 2] as number;
    const pages = arena.u32[record + LINEAR_TABLE.saved + i * 2 + 1] as number;
    clearEntries(arena, table, first, pages, work, SPILL_LO, SPILL_HI);
    work.flushTlb();
    clearBits(arena, table.entryBase, first, roundUpPow2(pages));
  }
  arena.u32[record + LINEAR_TABLE.savedCount] = 0;
}

function search(arena: Arena, table: LinearTable, count: number, segBoundaryMask: number, fromHint: boolean): number {
  const record = tableRecord(table);
  if (!fromHint) moveCursor(arena, record, 0, 0);
  const first =
    count === 1
      ? searchBit(arena, table, record)
      : count <= HALF_WORD
        ? searchAligned(arena, table, record, count, segBoundaryMask)
        : searchWords(arena, table, record, count, segBoundaryMask);
  if (first < 0) moveCursor(arena, record, 0, 0);
  else setBits(arena, table.entryBase, first, count);
  return first;
}

/** One entry: the lowest free bit from the cursor's word on; the bit cursor is not looked at. */
function searchBit(arena: Arena, table: LinearTable, record: number): number {
  const from = (arena.u32[record + LINEAR_TABLE.cursor] as number) * WORD_BITS;
  const first = nextClear(arena, table.entryBase, from, table.entries);
  if (first >= table.entries) return -1;
  const word = Math.floor(first / WORD_BITS);
  moveCursor(arena, record, word, first - word * WORD_BITS + 1);
  return first;
}

/** Up to half a word: at multiples of the size, never across words. */
function searchAligned(
  arena: Arena,
  table: LinearTable,
  record: number,
  count: number,
  segBoundaryMask: number,
): number {
  const boundary = boundaryEntries(segBoundaryMask, table.iommuPageBytes);
  const shift = Math.floor(table.dmaBase / table.iommuPageBytes);
  const word = arena.u32[record + LINEAR_TABLE.cursor] as number;
  let first = word * WORD_BITS + alignUp(arena.u32[record + LINEAR_TABLE.cursorBit] as number, count);
  for (; first < table.entries; first += count) {
    if (!areaIsClear(arena, table.entryBase, first, count) || spansBoundary(first, count, shift, boundary)) continue;
    const found = Math.floor(first / WORD_BITS);
    moveCursor(arena, record, found, first - found * WORD_BITS + count);
    return first;
  }
  return -1;
}

/** Whole words; the last ones of the map are never looked at. */
function searchWords(arena: Arena, table: LinearTable, record: number, count: number, segBoundaryMask: number): number {
  const boundary = boundaryEntries(segBoundaryMask, table.iommuPageBytes);
  const shift = Math.floor(table.dmaBase / table.iommuPageBytes);
  const words = Math.floor(count / WORD_BITS);
  const end = Math.floor(table.entries / WORD_BITS) - words;
  for (let word = arena.u32[record + LINEAR_TABLE.cursor] as number; word < end; word += 1) {
    const first = word * WORD_BITS;
    if (spansBoundary(first, count, shift, boundary)) continue;
    if (!areaIsClear(arena, table.entryBase, first, count)) continue;
    moveCursor(arena, record, word + words, 0);
    return first;
  }
  return -1;
}

function moveCursor(arena: Arena, record: number, word: number, bit: number): void {
  arena.u32[record + LINEAR_TABLE.cursor] = word;
  arena.u32[record + LINEAR_TABLE.cursorBit] = bit;
}
