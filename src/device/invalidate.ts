/**
 * IOTLB invalidation, as a unit executes it; the protocol stands in iotlb.ts.
 *
 * The caller has cleared the page-table entries. When a call returns, no later lookup finds a page of the range.
 * Accesses that were translated before may still be under way: draining them is the caller's matter
 * (a driver unmaps after completion).
 */
import type { Iova } from "../base/addr.ts";
import { pageBytes } from "../pagetable/page_size.ts";
import type { Arena } from "../shm/arena.ts";
import { fetchAdd, load } from "../shm/atomics.ts";
import { IOMMU_UNIT, IOTLB_ENTRY } from "../shm/layout.ts";
import { readBegin, writeBegin, writeEnd } from "../shm/seqlock.ts";
import { entriesWord, infoShift, setWord, unitWord } from "./iotlb.ts";

const ENTRY_STRIDE = IOTLB_ENTRY.WORDS;
const EVERYTHING = Number.POSITIVE_INFINITY;

/**
 * Drops every entry of the domain that overlaps [iova, iova + bytes); returns how many. A small range is probed
 * page by page, a range with more pages than the IOTLB has sets is found by one scan.
 */
export function invalidatePages(arena: Arena, unit: number, domain: number, iova: Iova, bytes: number): number {
  const word = unitWord(unit);
  fetchAdd(arena.i32, word + IOMMU_UNIT.generation, 1);
  const sizes = load(arena.i32, word + IOMMU_UNIT.pageSizes);
  if (bytes <= 0 || sizes === 0) return 0;
  const sets = arena.i32[word + IOMMU_UNIT.sets] as number;
  if (probes(sizes, iova, bytes) > sets) return scan(arena, unit, domain, iova, iova + bytes);
  let dropped = 0;
  for (let left = sizes; left !== 0; left &= left - 1) {
    dropped += probe(arena, unit, domain, 31 - Math.clz32(left & -left), iova, iova + bytes);
  }
  return dropped;
}

/** Drops every entry of the domain; returns how many. */
export function invalidateDomain(arena: Arena, unit: number, domain: number): number {
  fetchAdd(arena.i32, unitWord(unit) + IOMMU_UNIT.generation, 1);
  return scan(arena, unit, domain, 0, EVERYTHING);
}

/** Pages that probing would look up, over all page sizes present. */
function probes(sizes: number, iova: Iova, bytes: number): number {
  let count = 0;
  for (let left = sizes; left !== 0; left &= left - 1) {
    const pgsize = pageBytes(31 - Math.clz32(left & -left));
    count += Math.floor((iova + bytes - 1) / pgsize) - Math.floor(iova / pgsize) + 1;
  }
  return count;
}

function probe(arena: Arena, unit: number, domain: number, shift: number, start: Iova, end: Iova): number {
  const pgsize = pageBytes(shift);
  const ways = arena.i32[unitWord(unit) + IOMMU_UNIT.ways] as number;
  const last = Math.floor((end - 1) / pgsize);
  let dropped = 0;
  for (let vpn = Math.floor(start / pgsize); vpn <= last; vpn += 1) {
    const set = setWord(arena, unit, domain, vpn);
    for (let way = 0; way < ways; way += 1) dropped += drop(arena, set + way * ENTRY_STRIDE, domain, start, end);
  }
  return dropped;
}

function scan(arena: Arena, unit: number, domain: number, start: Iova, end: Iova): number {
  const word = unitWord(unit);
  const count = (arena.i32[word + IOMMU_UNIT.sets] as number) * (arena.i32[word + IOMMU_UNIT.ways] as number);
  const first = entriesWord(unit);
  let dropped = 0;
  for (let i = 0; i < count; i += 1) dropped += drop(arena, first + i * ENTRY_STRIDE, domain, start, end);
  return dropped;
}

/** Drops the entry if it overlaps; 1 when it did. Waits for a writer, whose page may be the one to drop. */
function drop(arena: Arena, entry: number, domain: number, start: Iova, end: Iova): number {
  const words = arena.i32;
  while ((readBegin(words, entry + IOTLB_ENTRY.seq) & 1) !== 0);
  if (!overlaps(arena, entry, domain, start, end)) return 0;
  const begun = writeBegin(words, entry + IOTLB_ENTRY.seq);
  const still = overlaps(arena, entry, domain, start, end);
  if (still) words[entry + IOTLB_ENTRY.domain] = 0;
  writeEnd(words, entry + IOTLB_ENTRY.seq, begun);
  return still ? 1 : 0;
}

function overlaps(arena: Arena, entry: number, domain: number, start: Iova, end: Iova): boolean {
  if (arena.i32[entry + IOTLB_ENTRY.domain] !== domain + 1) return false;
  const pgsize = pageBytes(infoShift(arena.i32[entry + IOTLB_ENTRY.info] as number));
  const at = (arena.f64[(entry + IOTLB_ENTRY.vpn) >>> 1] as number) * pgsize;
  return at < end && at + pgsize > start;
}
