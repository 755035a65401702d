/**
 * Writing page tables: iommu_map and iommu_unmap of a contiguous range.
 *
 * Mappers of disjoint IOVA ranges run concurrently without a lock (tables.ts has the protocol); the IOVA allocator
 * keeps ranges disjoint. Nothing here touches the IOTLB: after an unmap the caller invalidates, at once (strict)
 * or later (lazy). Formats without tables go to mapping_list.ts.
 */
import { alignDownWide, type Iova, type Phys } from "../base/addr.ts";
import type { CostRecord } from "../base/cost.ts";
import type { Arena } from "../shm/arena.ts";
import { fetchAdd } from "../shm/atomics.ts";
import { domainWord } from "../shm/domain_record.ts";
import { DOMAIN } from "../shm/layout.ts";
import { ENTRY_BYTES, type PageTableFormat, tableIndex } from "./format.ts";
import { coverTable, descend, leafLevel } from "./install.ts";
import { mapRequests, unmapRequests } from "./mapping_list.ts";
import { pageBytes, pickPageCount, pickPageShift } from "./page_size.ts";
import { clearReplicated, mapReplicated } from "./replicated.ts";
import { dropCovered, rootTable, tableAt } from "./tables.ts";

/**
 * Maps [iova, iova + bytes) to [phys, phys + bytes) with `prot` (PROT bits); all three are multiples of the granule.
 * Returns the bytes mapped: fewer than asked when frames ran out (unmap those), 0 when the range is unaligned or
 * beyond the address width of IOVAs or of leaves. The range must be unmapped.
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
  if (iova + bytes > format.addressLimit || phys + bytes > format.physLimit) return 0;
  if (format.isList) return mapRequests(arena, owner, domain, format, iova, phys, bytes, prot, cost);
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
  if (format.isList) return unmapRequests(arena, owner, domain, format, iova, bytes, cost);
  const before = cost.ptesCleared;
  const end = Math.min(iova + bytes, format.addressLimit);
  const cleared = format.replicates
    ? clearReplicated(arena, domain, format, iova, end, cost)
    : clearLeaves(arena, domain, format, iova, end, cost);
  countPresent(arena, domain, before - cost.ptesCleared);
  if (bytes >= format.tableSpanBytes) dropCovered(arena, owner, domain, format, iova, end, cost);
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
  if (format.replicates && pgsize !== format.levelBytes[level]) {
    return mapReplicated(arena, owner, domain, format, iova, phys, level, pageShift, count, prot, cost);
  }
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
