/**
 * Writing page tables: iommu_map and iommu_unmap of a contiguous range.
 *
 * Mappers of disjoint IOVA ranges run concurrently without a lock (tables.ts has the protocol); the IOVA allocator
 * keeps ranges disjoint. Nothing here touches the IOTLB: after an unmap the caller invalidates, at once (strict)
 * or later (lazy).
 */
import { alignDownWide, type Iova, type Phys } from "../base/addr.ts";
import { assert } from "../base/assert.ts";
import type { CostRecord } from "../base/cost.ts";
import type { Arena } from "../shm/arena.ts";
import { fetchAdd } from "../shm/atomics.ts";
import { DOMAIN } from "../shm/layout.ts";
import { ENTRY_BYTES, type PageTableFormat, tableIndex } from "./format.ts";
import { pageBytes, pickPageCount, pickPageShift } from "./page_size.ts";
import {
  countLeaves,
  domainWord,
  dropCovered,
  growRoot,
  growTable,
  replaceTable,
  rootTable,
  tableAt,
} from "./tables.ts";

export { PROT } from "./format.ts";

/**
 * Maps [iova, iova + bytes) to [phys, phys + bytes) with `prot` (PROT bits); all three are multiples of the granule.
 * Returns the bytes mapped: fewer than asked when frames ran out (unmap those), 0 when the range is unaligned or
 * beyond the address width. The range must be unmapped.
 */
export function mapRange(
  arena: Arena,
  owner: number,
  domain: number,
  format: PageTableFormat,
  iova: Iova,
  phys: Phys,
  bytes: number,
  prot: number,
  cost: CostRecord,
): number {
  if (iova + bytes > format.addressLimit) return 0;
  const before = cost.ptesWritten;
  let done = 0;
  while (done < bytes) {
    const shift = pickPageShift(format.pageShifts, iova + done, phys + done, bytes - done);
    if (shift < 0) break;
    const count = pickPageCount(format.pageShifts, shift, iova + done, phys + done, bytes - done);
    const pages = mapRun(arena, owner, domain, format, iova + done, phys + done, shift, count, prot, cost);
    done += pages * pageBytes(shift);
    if (pages < count) break;
  }
  countPresent(arena, domain, cost.ptesWritten - before);
  return done;
}

/**
 * Unmaps [iova, iova + bytes); returns the bytes of the pages cleared. Holes are skipped and not counted.
 * As with iommu_unmap, a large page is never split: one that begins in the range and ends behind it is cleared
 * whole (the result then exceeds `bytes`), one that begins before the range stays.
 * Tables whose whole span lies in the range are freed; others are kept for the next mapping.
 */
export function unmapRange(
  arena: Arena,
  owner: number,
  domain: number,
  format: PageTableFormat,
  iova: Iova,
  bytes: number,
  cost: CostRecord,
): number {
  const before = cost.ptesCleared;
  const end = Math.min(iova + bytes, format.addressLimit);
  const cleared = clearLeaves(arena, domain, format, iova, end, cost);
  countPresent(arena, domain, before - cost.ptesCleared);
  if (bytes >= (format.levelBytes[2] as number)) dropCovered(arena, owner, domain, format, iova, end, cost);
  return cleared;
}

function countPresent(arena: Arena, domain: number, change: number): void {
  if (change !== 0) fetchAdd(arena.i32, domainWord(domain) + DOMAIN.ptePresent, change);
}

/** Maps `count` pages of one size; returns the pages mapped. */
function mapRun(
  arena: Arena,
  owner: number,
  domain: number,
  format: PageTableFormat,
  iova: Iova,
  phys: Phys,
  pageShift: number,
  count: number,
  prot: number,
  cost: CostRecord,
): number {
  const pgsize = pageBytes(pageShift);
  const level = leafLevel(format, pageShift);
  let page = 0;
  while (page < count) {
    const table = descend(arena, owner, domain, format, iova + page * pgsize, level, cost);
    if (table < 0) break;
    const index = tableIndex(format, iova + page * pgsize, level);
    const last = Math.min(count, page + format.tableEntries - index);
    let slot = table + index * ENTRY_BYTES;
    for (; page < last; page += 1) {
      const lo = format.leafLo(phys + page * pgsize, pageShift, prot);
      const hi = format.leafHi(phys + page * pgsize, pageShift, prot);
      if (arena.ops.cas64(slot, 0, 0, lo, hi) === 0)
        coverTable(arena, owner, domain, format, slot, level, lo, hi, cost);
      slot += ENTRY_BYTES;
    }
  }
  cost.ptesWritten += page;
  return page;
}

/** Level whose entries are leaves of this size. */
function leafLevel(format: PageTableFormat, pageShift: number): number {
  let level = 1;
  while ((format.levelShifts[level] as number) < pageShift) level += 1;
  return level;
}

/** Arena byte of the table at `level` that spans `iova`, made on the way; -1 when out of frames. */
function descend(
  arena: Arena,
  owner: number,
  domain: number,
  format: PageTableFormat,
  iova: Iova,
  level: number,
  cost: CostRecord,
): number {
  let table = growRoot(arena, owner, domain, cost);
  for (let at = format.levels; table >= 0 && at > level; at -= 1) {
    const slot = table + tableIndex(format, iova, at) * ENTRY_BYTES;
    const lo = arena.ops.load64(slot);
    if (format.isPresent(lo)) {
      assert(!format.isLeaf(lo, at), "a new mapping does not lie inside a mapped large page");
      table = tableAt(lo);
    } else {
      table = growTable(arena, owner, format, slot, cost);
    }
  }
  return table;
}

/** The entry for a new leaf is taken: by an empty table, which a large page replaces, or by a mistake. */
function coverTable(
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

/** Clears the leaves that begin in [iova, end); returns their bytes. Numbers stay local: a call would box addresses. */
function clearLeaves(
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
    const start = alignDownWide(at, span);
    if (start === at && format.isPresent(lo) && format.isPresent(arena.ops.exchange64(slot, 0, 0))) {
      cost.ptesCleared += 1;
      cleared += span;
    }
    at = start + span;
    if (level > 1) continue;
    // The rest of a level 1 table holds leaves only, so that no look at the entry is needed before the exchange.
    for (let left = format.tableEntries - 1 - tableIndex(format, start, 1); left > 0 && at < end; left -= 1) {
      slot += ENTRY_BYTES;
      at += span;
      if (!format.isPresent(arena.ops.exchange64(slot, 0, 0))) continue;
      cost.ptesCleared += 1;
      cleared += span;
    }
  }
  return cleared;
}
