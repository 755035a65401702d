/**
 * Free space of the sparc32 IOMMUs, kernel 4.1: the coloured bit map (arch/sparc/lib/bitext.c) and the IO-UNIT's three
 * areas (arch/sparc/mm/io-unit.c).
 *
 * ```
 * IO-UNIT, 16384 pages   | area 1: one page, half | area 2: two pages, a quarter | area 3: more, the rest |
 * search order           one page 1 3 2           two pages 2 3 1                more 3 1 2
 * ```
 */
import { alignDown, alignUp } from "../../base/addr.ts";
import type { Arena } from "../../shm/arena.ts";
import { LINEAR_TABLE } from "../../shm/layout.ts";
import { clearBits, nextClear, nextSet, setBits } from "./bitmap.ts";
import { type LinearTable, tableRecord } from "./linear_iommu.ts";

/** Areas in the order searched, by request: one page, two, more. */
const SEARCH_ORDER = [
  [0, 2, 1],
  [1, 2, 0],
  [2, 0, 1],
] as const;

/**
 * First of `count` entries whose number has the colour of `pfn` (mod `colours`), -1 = none (bit_map_string_get). The search
 * goes on where the last one ended, from the first free entry when the last request was larger.
 */
export function takeColoured(arena: Arena, table: LinearTable, count: number, pfn: number, colours: number): number {
  const record = tableRecord(table);
  const colour = pfn & (colours - 1);
  const size = table.entries;
  const base = table.entryBase;
  const fresh = count < (arena.u32[record + LINEAR_TABLE.lastSize] as number);
  let at = fresh
    ? (arena.u32[record + LINEAR_TABLE.firstFree] as number)
    : alignDown(arena.u32[record + LINEAR_TABLE.cursor] as number, colours);
  let looked = 0;
  for (;;) {
    const next = alignUp(nextClear(arena, base, at, size), colours) + colour;
    looked += next - at;
    at = next >= size ? 0 : next;
    if (looked + count > size) return -1;
    if (at + count > size) {
      looked += size - at;
      at = 0;
      continue;
    }
    const used = nextSet(arena, base, at, at + count);
    if (used >= at + count) return noteColoured(arena, table, at, count);
    looked += used - at + 1;
    at = used + 1 >= size ? 0 : used + 1;
  }
}

/** Returns a coloured range (bit_map_clear). */
export function freeColoured(arena: Arena, table: LinearTable, first: number, count: number): void {
  const word = tableRecord(table) + LINEAR_TABLE.firstFree;
  clearBits(arena, table.entryBase, first, count);
  if (first < (arena.u32[word] as number)) arena.u32[word] = first;
}

/** First entry of the three areas and the end of the last: half, a quarter, the rest without the table's last page. */
export function ioUnitLimits(entries: number): readonly number[] {
  return [0, entries / 2, entries / 2 + entries / 4, entries - 1];
}

/** Sets the search starts of the areas. */
export function initIoUnit(arena: Arena, table: LinearTable): void {
  const limits = ioUnitLimits(table.entries);
  for (let area = 0; area < 3; area += 1) {
    arena.u32[tableRecord(table) + LINEAR_TABLE.rotors + area] = limits[area] as number;
  }
}

/** First of `count` entries from the areas in the order of its size, -1 = the kernel panics (iounit_get_area). */
export function takeIoUnit(arena: Arena, table: LinearTable, count: number): number {
  for (const area of SEARCH_ORDER[Math.min(count, 3) - 1] ?? []) {
    const first = searchArea(arena, table, area, count);
    if (first >= 0) return first;
  }
  return -1;
}

/** From the rotor to the area's end, then from its start to the rotor. */
function searchArea(arena: Arena, table: LinearTable, area: number, count: number): number {
  const limits = ioUnitLimits(table.entries);
  const word = tableRecord(table) + LINEAR_TABLE.rotors + area;
  const rotor = arena.u32[word] as number;
  const start = limits[area] as number;
  const end = limits[area + 1] as number;
  let first = searchRun(arena, table, rotor, end, count);
  let limit = end;
  if (first < 0) {
    limit = rotor;
    first = searchRun(arena, table, start, rotor, count);
  }
  if (first < 0) return -1;
  setBits(arena, table.entryBase, first, count);
  arena.u32[word] = first + count < limit ? first + count : start;
  return first;
}

function searchRun(arena: Arena, table: LinearTable, from: number, end: number, count: number): number {
  const base = table.entryBase;
  let at = nextClear(arena, base, from, end);
  while (at + count <= end) {
    const used = nextSet(arena, base, at, at + count);
    if (used >= at + count) return at;
    at = nextClear(arena, base, used + 1, end);
  }
  return -1;
}

function noteColoured(arena: Arena, table: LinearTable, first: number, count: number): number {
  const record = tableRecord(table);
  const firstFree = arena.u32[record + LINEAR_TABLE.firstFree] as number;
  setBits(arena, table.entryBase, first, count);
  if (first === firstFree) {
    arena.u32[record + LINEAR_TABLE.firstFree] = nextClear(arena, table.entryBase, firstFree + count, table.entries);
  }
  arena.u32[record + LINEAR_TABLE.cursor] = first + count >= table.entries ? 0 : first + count;
  arena.u32[record + LINEAR_TABLE.lastSize] = count;
  return first;
}
