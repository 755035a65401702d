/**
 * Free space of the parisc IOMMUs (drivers/parisc/ccio-dma.c: ccio_alloc_range; sba_iommu.c: sba_search_bitmap; kernel 4.1).
 *
 * ```
 * ccio   up to 8 pages take a whole free byte of the map, up to 16 a 16-bit unit, then 32 and 64 bits
 * sba    aligned to the power of two of the request inside a 64-bit word; more than half a word takes a free word
 * ```
 * ccio's cursor is a byte of the map, sba's a word and a bit. Neither can say no: out of space is a panic.
 */
import { alignDown, alignUp, roundUpPow2 } from "../../base/addr.ts";
import type { Arena } from "../../shm/arena.ts";
import { LINEAR_TABLE } from "../../shm/layout.ts";
import { areaIsClear, boundaryEntries, clearBits, setBits, spansBoundary } from "./bitmap.ts";
import { type LinearTable, tableRecord } from "./linear_iommu.ts";
import type { ArchWork } from "./work.ts";

const WORD_BITS = 64;
const HALF_WORD = 32;
const BYTE_BITS = 8;
/** Freed ranges whose entries are already invalid, returned to the map together. */
export const PARISC_SBA_DELAYED = 16;

/** Pages that ccio reserves for a request: 8, 16, 32 or 64; 0 = too many. */
export function ccioUnit(pages: number): number {
  return pages > WORD_BITS ? 0 : Math.max(BYTE_BITS, roundUpPow2(pages));
}

/** First entry of a unit for `pages`; -1 = none, the kernel panics. */
export function takeCcio(
  arena: Arena,
  table: LinearTable,
  pages: number,
  segBoundaryMask: number,
  work: ArchWork,
): number {
  const unit = ccioUnit(pages);
  if (unit === 0) {
    work.panic(`drivers/parisc/ccio-dma.c: ccio_alloc_range() Too many pages to map. pages_needed: ${pages}`);
    return -1;
  }
  const cursor = tableRecord(table) + LINEAR_TABLE.cursor;
  const boundary = boundaryEntries(segBoundaryMask, table.iommuPageBytes);
  const from = alignDown((arena.u32[cursor] as number) * BYTE_BITS, unit);
  for (let pass = 0; pass < 2; pass += 1) {
    for (let first = pass === 0 ? from : 0; first + unit <= table.entries; first += unit) {
      if (!areaIsClear(arena, table.entryBase, first, unit) || spansBoundary(first, pages, 0, boundary)) continue;
      setBits(arena, table.entryBase, first, unit);
      arena.u32[cursor] = (first + unit) / BYTE_BITS;
      return first;
    }
  }
  work.panic("drivers/parisc/ccio-dma.c: ccio_alloc_range() I/O MMU is out of mapping resources.");
  return -1;
}

/** Returns the unit at once. */
export function freeCcio(arena: Arena, table: LinearTable, first: number, pages: number): void {
  clearBits(arena, table.entryBase, first, ccioUnit(pages));
}

/** First of `pages` entries; the search runs twice, then -1: the kernel panics. */
export function takeParisc(
  arena: Arena,
  table: LinearTable,
  pages: number,
  segBoundaryMask: number,
  work: ArchWork,
): number {
  let first = searchSba(arena, table, pages, segBoundaryMask);
  if (first < 0) first = searchSba(arena, table, pages, segBoundaryMask);
  if (first < 0) work.panic("drivers/parisc/sba_iommu.c: I/O MMU is out of mapping resources");
  return first;
}

/** Holds a freed range back; the sixteenth makes all of them free. True when it did, after which one read-back follows. */
export function saveParisc(arena: Arena, table: LinearTable, first: number, pages: number): boolean {
  const record = tableRecord(table);
  const saved = arena.u32[record + LINEAR_TABLE.savedCount] as number;
  arena.u32[record + LINEAR_TABLE.saved + saved * 2] = first;
  arena.u32[record + LINEAR_TABLE.saved + saved * 2 + 1] = pages;
  arena.u32[record + LINEAR_TABLE.savedCount] = saved + 1;
  if (saved + 1 < PARISC_SBA_DELAYED) return false;
  for (let i = saved; i >= 0; i -= 1) {
    const at = record + LINEAR_TABLE.saved + i * 2;
    clearBits(arena, table.entryBase, arena.u32[at] as number, arena.u32[at + 1] as number);
  }
  arena.u32[record + LINEAR_TABLE.savedCount] = 0;
  return true;
}

/** One pass from the cursor to the end of the map; reaching the end sends the cursor back to the start. */
function searchSba(arena: Arena, table: LinearTable, pages: number, segBoundaryMask: number): number {
  const record = tableRecord(table);
  const boundary = boundaryEntries(segBoundaryMask, table.iommuPageBytes);
  const shift = Math.floor(table.dmaBase / table.iommuPageBytes);
  if (pages > WORD_BITS) return -1;
  const whole = pages > HALF_WORD;
  const step = whole ? WORD_BITS : roundUpPow2(pages);
  const word = arena.u32[record + LINEAR_TABLE.cursor] as number;
  const bit = whole ? 0 : alignUp(arena.u32[record + LINEAR_TABLE.cursorBit] as number, step);
  let first = word * WORD_BITS + bit;
  for (; first < table.entries; first += step) {
    const needed = whole ? WORD_BITS : pages;
    if (!areaIsClear(arena, table.entryBase, first, needed) || spansBoundary(first, pages, shift, boundary)) continue;
    setBits(arena, table.entryBase, first, pages);
    moveCursor(arena, record, table, first, pages, whole);
    return first;
  }
  arena.u32[record + LINEAR_TABLE.cursor] = 0;
  arena.u32[record + LINEAR_TABLE.cursorBit] = 0;
  return -1;
}

/** A whole-word request moves on to the next word, a smaller one looks in the same word again. */
function moveCursor(
  arena: Arena,
  record: number,
  table: LinearTable,
  first: number,
  pages: number,
  whole: boolean,
): void {
  const word = Math.floor(first / WORD_BITS) + (whole ? 1 : 0);
  const wrapped = word * WORD_BITS >= table.entries;
  arena.u32[record + LINEAR_TABLE.cursor] = wrapped ? 0 : word;
  arena.u32[record + LINEAR_TABLE.cursorBit] = wrapped || whole ? 0 : first - word * WORD_BITS + pages;
}
