/**
 * The tree of tables of one domain: growing it without a lock, taking tables out of it, tearing it down.
 *
 * Words:      DOMAIN.rootFrame and every entry of every table (mappers); DOMAIN.tableGeneration (whoever takes a table out).
 * States:     an entry is absent (0), points to a table, or is a leaf.
 * Invariants: a table is installed by compare-exchange from 0: of two mappers one wins, the loser frees its frame
 *             and uses the winner's. A table is taken out only by the owner of the whole IOVA range that it spans.
 * Ordering:   take out: clear the entry above, bump tableGeneration, free the frame. A walk that read the frame after
 *             its reuse therefore sees another generation at its end and starts again.
 * Progress:   lock-free but for the frame pool.
 * Forbidden:  a walk that returns an entry written by another domain.
 * Proof:      test/litmus/iotlb.test.ts (table reuse), test/proof (install)
 *
 * The kernel keeps a removed table until the next IOTLB flush, for the paging-structure caches; here the
 * generation takes that part, so frames return to the pool at once.
 */
import { alignDownWide, type Iova } from "../base/addr.ts";
import { assert } from "../base/assert.ts";
import type { CostRecord } from "../base/cost.ts";
import type { Arena } from "../shm/arena.ts";
import { compareExchange, fetchAdd, load, store } from "../shm/atomics.ts";
import { domainWord } from "../shm/domain_record.ts";
import { DOMAIN } from "../shm/layout.ts";
import { ENTRY_BYTES, type PageTableFormat, tableIndex } from "./format.ts";
import { allocFrame, frameAddress, frameByte, frameOfEntry, freeFrame } from "./frames.ts";

/**
 * Arena byte of the domain's root table, -1 when nothing was ever mapped. A plain load: the word changes from 0 to its
 * value once, what it leads to is read atomically, and a walk checks tableGeneration around it.
 */
export function rootTable(arena: Arena, domain: number): number {
  const root = arena.i32[domainWord(domain) + DOMAIN.rootFrame] as number;
  return root === 0 ? -1 : frameByte(root - 1);
}

/** Like {@link rootTable}, making the table; -1 when out of frames. */
export function growRoot(
  arena: Arena,
  owner: number,
  domain: number,
  format: PageTableFormat,
  cost: CostRecord,
): number {
  const found = rootTable(arena, domain);
  if (found >= 0) return found;
  const frame = allocFrame(arena, owner, format.tableOrder);
  if (frame < 0) return -1;
  if (compareExchange(arena.i32, domainWord(domain) + DOMAIN.rootFrame, 0, frame + 1)) cost.tablesAllocated += 1;
  else freeFrame(arena, owner, frame, format.tableOrder);
  return rootTable(arena, domain);
}

/** Installs a table in the absent entry of `level` at arena byte `slot`; returns the table now there (ours or the winner's), -1 when out of frames. */
export function growTable(
  arena: Arena,
  owner: number,
  format: PageTableFormat,
  slot: number,
  level: number,
  cost: CostRecord,
): number {
  const frame = allocFrame(arena, owner, format.tableOrder);
  if (frame < 0) return -1;
  const address = frameAddress(frame);
  if (arena.ops.cas64(slot, 0, 0, format.tableLo(address, level), format.tableHi(address)) === 1) {
    cost.tablesAllocated += 1;
    return frameByte(frame);
  }
  freeFrame(arena, owner, frame, format.tableOrder);
  return tableAt(arena.ops.load64(slot));
}

/** Arena byte of the table that an entry with this low half points to. */
export function tableAt(lo: number): number {
  return frameByte(frameOfEntry(lo));
}

/** Takes every table whose whole span lies in [start, end) out of the tree. The range holds no leaf any more; its caller owns it. */
export function dropCovered(
  arena: Arena,
  owner: number,
  domain: number,
  format: PageTableFormat,
  start: Iova,
  end: Iova,
  cost: CostRecord,
): void {
  const root = rootTable(arena, domain);
  if (root >= 0) dropBelow(arena, owner, domain, format, root, format.levels, start, end, cost);
}

function dropBelow(
  arena: Arena,
  owner: number,
  domain: number,
  format: PageTableFormat,
  table: number,
  level: number,
  start: Iova,
  end: Iova,
  cost: CostRecord,
): void {
  const span = format.levelBytes[level] as number;
  let slot = table + tableIndex(format, start, level) * ENTRY_BYTES;
  for (let at = start; at < end; slot += ENTRY_BYTES) {
    const next = alignDownWide(at, span) + span;
    const lo = arena.ops.load64(slot);
    if (format.isPresent(lo) && !format.isLeaf(lo, level)) {
      if (next - at === span && next <= end) replaceTable(arena, owner, domain, format, slot, level, 0, 0, cost);
      else if (level > 2)
        dropBelow(arena, owner, domain, format, tableAt(lo), level - 1, at, Math.min(end, next), cost);
    }
    at = next;
  }
}

/** Replaces a table that holds no leaf by another entry: absent, or a large page where small ones were unmapped one by one. */
export function replaceTable(
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
  const frame = frameOfEntry(arena.ops.exchange64(slot, lo, hi));
  fetchAdd(arena.i32, domainWord(domain) + DOMAIN.tableGeneration, 1);
  cost.tablesFreed += freeSubtree(arena, owner, format, frame, level - 1);
}

/** Leaves in the table at arena byte `table` and below it. */
export function countLeaves(arena: Arena, format: PageTableFormat, table: number, level: number): number {
  let leaves = 0;
  for (let i = 0; i < format.tableEntries; i += 1) {
    const lo = arena.ops.load64(table + i * ENTRY_BYTES);
    if (!format.isPresent(lo)) continue;
    leaves += format.isLeaf(lo, level) ? 1 : countLeaves(arena, format, tableAt(lo), level - 1);
  }
  return leaves;
}

/**
 * Domain teardown: frees every table, present leaves or not; returns the frames freed. Leaves that were still present
 * are leaks: read DOMAIN.ptePresent first. No mapper of the domain may run; a walk meanwhile finds nothing.
 */
export function freeDomainTables(arena: Arena, owner: number, domain: number, format: PageTableFormat): number {
  assert(!format.isList, "a mapping list is freed by freeMappingList");
  const word = domainWord(domain);
  const root = load(arena.i32, word + DOMAIN.rootFrame);
  if (root === 0) return 0;
  store(arena.i32, word + DOMAIN.rootFrame, 0);
  fetchAdd(arena.i32, word + DOMAIN.tableGeneration, 1);
  const freed = freeSubtree(arena, owner, format, root - 1, format.levels);
  store(arena.i32, word + DOMAIN.ptePresent, 0);
  return freed;
}

function freeSubtree(arena: Arena, owner: number, format: PageTableFormat, frame: number, level: number): number {
  let freed = 1;
  if (level > 1) {
    const table = frameByte(frame);
    for (let i = 0; i < format.tableEntries; i += 1) {
      const lo = arena.ops.load64(table + i * ENTRY_BYTES);
      if (!format.isPresent(lo) || format.isLeaf(lo, level)) continue;
      freed += freeSubtree(arena, owner, format, frameOfEntry(lo), level - 1);
    }
  }
  freeFrame(arena, owner, frame, format.tableOrder);
  return freed;
}
