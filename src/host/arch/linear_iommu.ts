/**
 * A linear-table IOMMU: one array of translations, one bit an entry, a few cursors - all in the arena.
 *
 * ```
 * DMA address   dmaBase + index * iommuPageBytes + offset
 * entries       |reserved|....index....|            LINEAR_ENTRY, from entryBase on
 * bitmap        |11111111|....1........|            one bit an entry, from bit entryBase on
 * ```
 * Words:      LINEAR_TABLE and the table's slices of linearEntries and linearBitmaps (holder of LINEAR_TABLE.lock).
 * Invariants: slices of tables are disjoint; an entry with a translation has its bit set.
 * Ordering:   entries go through the 64-bit atomics, so that a reader never sees half of one.
 * Progress:   one mutex of rank linearTable a table, held for one allocation or one release; the entries of a range
 *             belong to whoever took it.
 * Forbidden:  growing a table beyond its slice.
 * Proof:      test/unit/host/arch/linear_iommu.test.ts, test/litmus/allocators.test.ts
 */
import { alignDown, alignUp, type DmaAddr, lowBits, pagesSpanned } from "../../base/addr.ts";
import { assert } from "../../base/assert.ts";
import type { Arena } from "../../shm/arena.ts";
import { LINEAR_ENTRIES_MAX } from "../../shm/capacities.ts";
import { LINEAR_TABLE, REGIONS } from "../../shm/layout.ts";
import { lock, unlock } from "../../shm/mutex.ts";
import type { HostContext } from "../context.ts";
import { boundaryEntries, nextSet, setBits, takeArea } from "./bitmap.ts";
import type { ArchWork } from "./work.ts";

/** Geometry of one table; immutable. */
export interface LinearTable {
  /** Index of its LINEAR_TABLE record. */
  readonly index: number;
  /** First LINEAR_ENTRY and bit of the slice, a multiple of 64. */
  readonly entryBase: number;
  readonly entries: number;
  readonly iommuPageBytes: number;
  /** DMA address of entry 0. */
  readonly dmaBase: DmaAddr;
}

const ENTRY_BYTES = 8;
const ENTRIES_BYTE = REGIONS.linearEntries.byte;
const BITMAP_BYTE = REGIONS.linearBitmaps.byte;
const SLICE_ALIGN = 64;

/** Base word of the table's record. */
export function tableRecord(table: LinearTable): number {
  return REGIONS.linearTables.word + table.index * REGIONS.linearTables.stride;
}

/** An empty table whose first `reserved` entries are never given out. */
export function initLinearTable(arena: Arena, table: LinearTable, reserved: number): void {
  assert(lowBits(table.entryBase, SLICE_ALIGN) === 0, "a table's slice begins at a multiple of 64 entries");
  assert(table.entryBase + table.entries <= LINEAR_ENTRIES_MAX, "the slice lies in the region of linear entries");
  const record = tableRecord(table);
  arena.ops.fill(record * 4, 0, LINEAR_TABLE.BYTES);
  arena.ops.fill(ENTRIES_BYTE + table.entryBase * ENTRY_BYTES, 0, table.entries * ENTRY_BYTES);
  arena.ops.fill(BITMAP_BYTE + table.entryBase / 8, 0, alignUp(table.entries, 32) / 8);
  setBits(arena, table.entryBase, 0, reserved);
  arena.i32[record + LINEAR_TABLE.grown] = table.entries;
}

/** Takes the table's mutex for one allocation or release. */
export function lockTable(ctx: HostContext, table: LinearTable): void {
  lock(ctx.arena.i32, tableRecord(table) + LINEAR_TABLE.lock, ctx.lockOwner);
}

/** Ends {@link lockTable}. */
export function unlockTable(ctx: HostContext, table: LinearTable): void {
  unlock(ctx.arena.i32, tableRecord(table) + LINEAR_TABLE.lock, ctx.lockOwner);
}

/** Writes one translation and reports it. */
export function writeEntry(
  arena: Arena,
  table: LinearTable,
  index: number,
  lo: number,
  hi: number,
  work: ArchWork,
): void {
  assert(index >= 0 && index < table.entries, "a translation lies in its table");
  arena.ops.store64(entryByte(table, index), lo, hi);
  work.tableWord(index, lo >>> 0, hi >>> 0);
}

/** Bits 31:0 of a translation. */
export function entryLo(arena: Arena, table: LinearTable, index: number): number {
  return arena.ops.load64(entryByte(table, index)) >>> 0;
}

/** Bits 63:32 of a translation. */
export function entryHi(arena: Arena, table: LinearTable, index: number): number {
  arena.ops.load64(entryByte(table, index));
  return arena.ops.hi() >>> 0;
}

/** Sets [first, first + count) to the row's invalid entry. */
export function clearEntries(
  arena: Arena,
  table: LinearTable,
  first: number,
  count: number,
  work: ArchWork,
  lo = 0,
  hi = 0,
): void {
  for (let i = 0; i < count; i += 1) arena.ops.store64(entryByte(table, first + i), lo, hi);
  work.cleared(count);
}

/** Entry that translates `dmaAddr`. */
export function entryOf(table: LinearTable, dmaAddr: DmaAddr): number {
  return Math.floor((dmaAddr - table.dmaBase) / table.iommuPageBytes);
}

/** DMA address of an entry's first byte. */
export function addressOf(table: LinearTable, index: number): DmaAddr {
  return table.dmaBase + index * table.iommuPageBytes;
}

/** True when `dmaAddr` lies behind the table's base and before its end. */
export function isTranslated(table: LinearTable, dmaAddr: DmaAddr): boolean {
  return dmaAddr >= table.dmaBase && dmaAddr < addressOf(table, table.entries);
}

/** Entries that [addr, addr + bytes) needs. */
export function entriesFor(table: LinearTable, addr: number, bytes: number): number {
  return pagesSpanned(addr, bytes, table.iommuPageBytes);
}

/** First byte of the IOMMU page that holds `addr`. */
export function iommuPageOf(table: LinearTable, addr: number): number {
  return alignDown(addr, table.iommuPageBytes);
}

/** Flushes once for everything freed since the last flush, if anything was (flush_gart, domain_flush_complete). */
export function flushFreed(arena: Arena, table: LinearTable, work: ArchWork): void {
  const record = tableRecord(table);
  if (arena.u32[record + LINEAR_TABLE.needFlush] === 0) return;
  arena.u32[record + LINEAR_TABLE.needFlush] = 0;
  arena.u32[record + LINEAR_TABLE.flushes] = (arena.u32[record + LINEAR_TABLE.flushes] as number) + 1;
  work.flushTlb();
}

/** Entries in use, reserved ones included. */
export function entriesUsed(arena: Arena, table: LinearTable): number {
  let used = 0;
  for (let at = nextSet(arena, table.entryBase, 0, table.entries); at < table.entries; ) {
    used += 1;
    at = nextSet(arena, table.entryBase, at + 1, table.entries);
  }
  return used;
}

/**
 * Next-fit: from the cursor to the end, then once more from entry 0; -1 when neither finds room. The cursor moves behind
 * what was taken; LINEAR_TABLE.wrapped tells whether the search started over. `shift` is the number of entry 0 in DMA space.
 */
export function takeNextFit(
  arena: Arena,
  table: LinearTable,
  count: number,
  shift: number,
  segBoundaryMask: number,
  alignMask = 0,
): number {
  const record = tableRecord(table);
  const boundary = boundaryEntries(segBoundaryMask, table.iommuPageBytes);
  const cursor = arena.u32[record + LINEAR_TABLE.cursor] as number;
  const base = table.entryBase;
  let first = takeArea(arena, base, table.entries, cursor, count, shift, boundary, alignMask);
  arena.u32[record + LINEAR_TABLE.wrapped] = first < 0 ? 1 : 0;
  if (first < 0) first = takeArea(arena, base, table.entries, 0, count, shift, boundary, alignMask);
  if (first >= 0) arena.u32[record + LINEAR_TABLE.cursor] = first + count;
  return first;
}

function entryByte(table: LinearTable, index: number): number {
  return ENTRIES_BYTE + (table.entryBase + index) * ENTRY_BYTES;
}
