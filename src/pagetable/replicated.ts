/**
 * Pages between two level sizes: one page written into every entry that it covers (generic_pt: contiguous items).
 *
 * ```
 * level 1   | 16 KiB | 16 KiB | 16 KiB | 16 KiB |   four equal entries, each says 16 KiB
 * ```
 * Costs and DOMAIN.ptePresent count entries, not pages: each is a store.
 */
import { alignDownWide, type Iova, type Phys } from "../base/addr.ts";
import type { CostRecord } from "../base/cost.ts";
import type { Arena } from "../shm/arena.ts";
import { ENTRY_BYTES, type PageTableFormat, tableIndex } from "./format.ts";
import { coverTable, descend } from "./install.ts";
import { pageBytes } from "./page_size.ts";
import { rootTable, tableAt } from "./tables.ts";

/** Maps `count` pages of one size whose entries stand at `level`; returns the pages mapped. */
export function mapReplicated(
  arena: Arena,
  owner: number,
  domain: number,
  format: PageTableFormat,
  iova: Iova,
  phys: Phys,
  level: number,
  pageShift: number,
  count: number,
  prot: number,
  cost: CostRecord,
): number {
  const pgsize = pageBytes(pageShift);
  const copies = pgsize / (format.levelBytes[level] as number);
  for (let page = 0; page < count; page += 1) {
    const at = iova + page * pgsize;
    const table = descend(arena, owner, domain, format, at, level, cost);
    if (table < 0) return page;
    const lo = format.leafLo(phys + page * pgsize, pageShift, prot);
    const hi = format.leafHi(phys + page * pgsize, pageShift, prot);
    // A page is aligned to its size and fits half of a table, so that its entries lie side by side.
    let slot = table + tableIndex(format, at, level) * ENTRY_BYTES;
    for (let copy = 0; copy < copies; copy += 1) {
      if (arena.ops.cas64(slot, 0, 0, lo, hi) === 0)
        coverTable(arena, owner, domain, format, slot, level, lo, hi, cost);
      slot += ENTRY_BYTES;
    }
    cost.ptesWritten += copies;
  }
  return count;
}

/** Clears the leaves that begin in [iova, end), each in all its entries; returns their bytes. */
export function clearReplicated(
  arena: Arena,
  domain: number,
  format: PageTableFormat,
  iova: Iova,
  end: Iova,
  cost: CostRecord,
): number {
  const root = rootTable(arena, domain);
  let cleared = 0;
  let at = root < 0 ? end : iova;
  while (at < end) {
    let level = format.levels;
    let slot = root + tableIndex(format, at, level) * ENTRY_BYTES;
    let lo = arena.ops.load64(slot);
    while (format.isPresent(lo) && !format.isLeaf(lo, level)) {
      level -= 1;
      slot = tableAt(lo) + tableIndex(format, at, level) * ENTRY_BYTES;
      lo = arena.ops.load64(slot);
    }
    const span = format.levelBytes[level] as number;
    const bytes = format.isPresent(lo) ? pageBytes(format.leafShift(lo, arena.ops.hi(), level)) : span;
    const start = alignDownWide(at, bytes);
    const before = cost.ptesCleared;
    at = start === at ? clearRun(arena, format, level, slot, at, end, cost) : start + bytes;
    cleared += (cost.ptesCleared - before) * span;
  }
  return cleared;
}

/** Clears entries of one table from the page that begins at `at`, to `end` and the end of its last page; where it stopped. */
function clearRun(
  arena: Arena,
  format: PageTableFormat,
  level: number,
  slot: number,
  at: Iova,
  end: Iova,
  cost: CostRecord,
): Iova {
  const span = format.levelBytes[level] as number;
  let left = format.tableEntries - tableIndex(format, at, level);
  let entry = slot;
  let limit = end;
  let next = at;
  for (; left > 0 && next < limit; left -= 1) {
    const lo = arena.ops.load64(entry);
    if (format.isPresent(lo)) {
      if (!format.isLeaf(lo, level)) break;
      const bytes = pageBytes(format.leafShift(lo, arena.ops.hi(), level));
      if (bytes > span) limit = Math.max(limit, alignDownWide(next, bytes) + bytes);
      arena.ops.exchange64(entry, 0, 0);
      cost.ptesCleared += 1;
    }
    entry += ENTRY_BYTES;
    next += span;
  }
  return next;
}
