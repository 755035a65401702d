/**
 * Where a new leaf goes: the level of its size, the table on the way down, and an entry that is already taken.
 */
import type { Iova } from "../base/addr.ts";
import { assert } from "../base/assert.ts";
import type { CostRecord } from "../base/cost.ts";
import type { Arena } from "../shm/arena.ts";
import { ENTRY_BYTES, type PageTableFormat, tableIndex } from "./format.ts";
import { countLeaves, growRoot, growTable, replaceTable, tableAt } from "./tables.ts";

/** Highest level whose entries are no larger than the page: equal, but for pages that replicate. */
export function leafLevel(format: PageTableFormat, pageShift: number): number {
  let level = 1;
  while (level < format.levels && (format.levelShifts[level + 1] as number) <= pageShift) level += 1;
  return level;
}

/** Arena byte of the table at `level` that spans `iova`, made on the way; -1 when out of frames. */
export function descend(
  arena: Arena,
  owner: number,
  domain: number,
  format: PageTableFormat,
  iova: Iova,
  level: number,
  cost: CostRecord,
): number {
  let table = growRoot(arena, owner, domain, format, cost);
  for (let at = format.levels; table >= 0 && at > level; at -= 1) {
    const slot = table + tableIndex(format, iova, at) * ENTRY_BYTES;
    const lo = arena.ops.load64(slot);
    if (format.isPresent(lo)) {
      assert(!format.isLeaf(lo, at), "a new mapping does not lie inside a mapped large page");
      table = tableAt(lo);
    } else {
      table = growTable(arena, owner, format, slot, at, cost);
    }
  }
  return table;
}

/** The entry for a new leaf is taken: by an empty table, which a large page replaces, or by a mistake. */
export function coverTable(
  arena: Arena,
  owner: number,
  domain: number,
  format: PageTableFormat,
  slot: number,
  level: number,
  lo: number,
  hi: number,
  cost: CostRecord,
): void {
  const seen = arena.ops.load64(slot);
  assert(!format.isLeaf(seen, level), "a new mapping does not cover a mapped page");
  assert(countLeaves(arena, format, tableAt(seen), level - 1) === 0, "a large page does not cover mapped small pages");
  replaceTable(arena, owner, domain, format, slot, level, lo, hi, cost);
}
