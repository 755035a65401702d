/**
 * The IOTLB of an IOMMU unit: set-associative, shared by all devices and threads behind the unit.
 *
 * Words:      IOMMU_UNIT geometry (coordinator), pageSizes, generation, clock (any thread, fetch-or/add);
 *             IOTLB_ENTRY under its own sequence lock (any thread); `used` is a hint outside the lock.
 * States:     an entry is invalid (domain = 0) or holds one page of one domain (domain + 1).
 * Invariants: no entry holds a page whose invalidation has returned.
 * Ordering:   invalidate: the caller cleared the PTE; bump generation; then look at entries, loading `seq` of each first.
 *             fill: load generation, walk, set the pageSizes bit, take the entry's lock, and write only if generation
 *             is still the same. If the fill's second load comes before the bump, the entry's lock was taken before it, so
 *             the invalidator waits for the lock or finds the entry. If it comes after, the fill is dropped,
 *             unless the first load came after the bump too: then the walk saw the cleared PTE.
 *             lookup: compares plain words first (a torn value is at worst a miss), then reads under `seq`.
 * Progress:   lookups are wait-free and write nothing while they hit the newest entries; writers spin on one entry.
 * Forbidden:  lookup returns a page after the invalidation of that page returned; a mix of two pages.
 * Proof:      test/litmus/iotlb.test.ts (fill against invalidate), test/proof
 *
 * Replacement is least recently used, by a clock that ticks with fills: entries used since the same fill tie.
 */
import { type Iova, lowBits, type Phys } from "../base/addr.ts";
import { assert } from "../base/assert.ts";
import { pageBytes } from "../pagetable/page_size.ts";
import type { Arena } from "../shm/arena.ts";
import { fetchAdd, fetchOr, load, store } from "../shm/atomics.ts";
import { IOMMU_UNITS_MAX, IOTLB_ENTRIES_MAX } from "../shm/capacities.ts";
import { IOMMU_UNIT, IOTLB_ENTRY, REGIONS } from "../shm/layout.ts";
import { readBegin, readValid, writeBegin, writeEnd } from "../shm/seqlock.ts";

const UNITS_WORD = REGIONS.iommuUnits.word;
const UNIT_STRIDE = REGIONS.iommuUnits.stride;
const ENTRIES_WORD = REGIONS.iotlb.word;
const ENTRY_STRIDE = REGIONS.iotlb.stride;
const UNIT_ENTRY_WORDS = IOTLB_ENTRIES_MAX * ENTRY_STRIDE;

/** Largest page that one entry holds (1 GiB); a larger one is cached as the piece that was used. */
const SHIFT_MAX = 30;
const SHIFT_MASK = 0xff;
const PROT_SHIFT = 8;

/** What an IOTLB entry says about an address; the lookup's and the fill's record. */
export interface CachedPage {
  /** First byte of the page. */
  pagePhys: Phys;
  pageShift: number;
  /** PROT bits. */
  prot: number;
  /** Number of the unit's entry that holds it. */
  slot: number;
}

/**
 * Sets the geometry and empties the IOTLB. Sets are `entries / ways` rounded down to a power of two, at least one;
 * more ways than entries mean one fully associative set.
 */
export function initIommuUnit(arena: Arena, unit: number, entries: number, ways: number): void {
  assert(unit >= 0 && unit < IOMMU_UNITS_MAX, "the IOMMU unit has a record");
  assert(entries >= 1 && entries <= IOTLB_ENTRIES_MAX && ways >= 1, "the IOTLB's geometry fits its region");
  const word = unitWord(unit);
  const waysUsed = Math.min(ways, entries);
  const sets = 2 ** Math.floor(Math.log2(entries / waysUsed));
  store(arena.i32, word + IOMMU_UNIT.entries, entries);
  store(arena.i32, word + IOMMU_UNIT.ways, waysUsed);
  store(arena.i32, word + IOMMU_UNIT.sets, sets);
  store(arena.i32, word + IOMMU_UNIT.pageSizes, 0);
  store(arena.i32, word + IOMMU_UNIT.clock, 0);
  fetchAdd(arena.i32, word + IOMMU_UNIT.generation, 1);
  const first = entriesWord(unit);
  for (let i = 0; i < IOTLB_ENTRIES_MAX; i += 1) {
    store(arena.i32, first + i * ENTRY_STRIDE + IOTLB_ENTRY.domain, 0);
  }
}

/** Base word of a unit's record. */
export function unitWord(unit: number): number {
  return UNITS_WORD + unit * UNIT_STRIDE;
}

/** Base word of a unit's first entry; entry i follows at `i * IOTLB_ENTRY.WORDS`. */
export function entriesWord(unit: number): number {
  return ENTRIES_WORD + unit * UNIT_ENTRY_WORDS;
}

/** Word of the first way of the set that may hold page `vpn` of `domain`. Domains with equal IOVAs start in different sets. */
export function setWord(arena: Arena, unit: number, domain: number, vpn: number): number {
  const word = unitWord(unit);
  const sets = arena.i32[word + IOMMU_UNIT.sets] as number;
  const spread = Math.imul(domain, 0x9e3779b1) >>> 20;
  return entriesWord(unit) + lowBits(vpn + spread, sets) * (arena.i32[word + IOMMU_UNIT.ways] as number) * ENTRY_STRIDE;
}

/** Value to pass to {@link fillIotlb}; load it before the walk. */
export function beginFill(arena: Arena, unit: number): number {
  return load(arena.i32, unitWord(unit) + IOMMU_UNIT.generation);
}

/** True when the unit holds a translation of `iova`; then `out` has it. Looks only for page sizes that were ever filled. */
export function lookupIotlb(arena: Arena, unit: number, domain: number, iova: Iova, out: CachedPage): boolean {
  const word = unitWord(unit);
  const ways = arena.i32[word + IOMMU_UNIT.ways] as number;
  for (let sizes = arena.i32[word + IOMMU_UNIT.pageSizes] as number; sizes !== 0; sizes &= sizes - 1) {
    const shift = 31 - Math.clz32(sizes & -sizes);
    const vpn = Math.floor(iova / pageBytes(shift));
    const entry = findWay(arena, setWord(arena, unit, domain, vpn), ways, domain, shift, vpn);
    if (entry < 0 || !readEntry(arena, entry, domain, shift, vpn, out)) continue;
    out.slot = (entry - entriesWord(unit)) / ENTRY_STRIDE;
    const now = arena.i32[word + IOMMU_UNIT.clock] as number;
    if (arena.i32[entry + IOTLB_ENTRY.used] !== now) arena.i32[entry + IOTLB_ENTRY.used] = now;
    return true;
  }
  return false;
}

/** Keeps a walked page, unless an invalidation began since {@link beginFill} returned `generation`; sets its `slot`. */
export function fillIotlb(
  arena: Arena,
  unit: number,
  domain: number,
  iova: Iova,
  page: CachedPage,
  generation: number,
): void {
  const words = arena.i32;
  const word = unitWord(unit);
  const shift = Math.min(page.pageShift, SHIFT_MAX);
  const bytes = pageBytes(shift);
  const vpn = Math.floor(iova / bytes);
  const within = vpn * bytes - Math.floor(iova / pageBytes(page.pageShift)) * pageBytes(page.pageShift);
  if ((load(words, word + IOMMU_UNIT.pageSizes) & (1 << shift)) === 0) {
    fetchOr(words, word + IOMMU_UNIT.pageSizes, 1 << shift);
  }
  const ways = words[word + IOMMU_UNIT.ways] as number;
  const set = setWord(arena, unit, domain, vpn);
  const found = findWay(arena, set, ways, domain, shift, vpn);
  const entry = found >= 0 ? found : victim(words, set, ways, words[word + IOMMU_UNIT.clock] as number);
  page.slot = (entry - entriesWord(unit)) / ENTRY_STRIDE;
  const begun = writeBegin(words, entry + IOTLB_ENTRY.seq);
  if (load(words, word + IOMMU_UNIT.generation) === generation) {
    words[entry + IOTLB_ENTRY.domain] = domain + 1;
    words[entry + IOTLB_ENTRY.info] = shift | (page.prot << PROT_SHIFT);
    words[entry + IOTLB_ENTRY.used] = (fetchAdd(words, word + IOMMU_UNIT.clock, 1) + 1) | 0;
    arena.f64[(entry + IOTLB_ENTRY.vpn) >>> 1] = vpn;
    arena.f64[(entry + IOTLB_ENTRY.phys) >>> 1] = page.pagePhys + within;
  }
  writeEnd(words, entry + IOTLB_ENTRY.seq, begun);
}

/** log2 page size in an entry's info word. */
export function infoShift(info: number): number {
  return info & SHIFT_MASK;
}

/** Entry of the set that looks as if it held the page, -1 = none. Plain reads: the caller confirms. */
function findWay(arena: Arena, set: number, ways: number, domain: number, shift: number, vpn: number): number {
  const words = arena.i32;
  const numbers = arena.f64;
  const last = set + ways * ENTRY_STRIDE;
  for (let entry = set; entry < last; entry += ENTRY_STRIDE) {
    if (numbers[(entry + IOTLB_ENTRY.vpn) >>> 1] !== vpn) continue;
    if (words[entry + IOTLB_ENTRY.domain] !== domain + 1) continue;
    if (((words[entry + IOTLB_ENTRY.info] as number) & SHIFT_MASK) === shift) return entry;
  }
  return -1;
}

/** Reads an entry consistently; false when it holds, or is getting, something else. */
function readEntry(arena: Arena, entry: number, domain: number, shift: number, vpn: number, out: CachedPage): boolean {
  const words = arena.i32;
  const begun = readBegin(words, entry + IOTLB_ENTRY.seq);
  const info = words[entry + IOTLB_ENTRY.info] as number;
  const same =
    words[entry + IOTLB_ENTRY.domain] === domain + 1 &&
    arena.f64[(entry + IOTLB_ENTRY.vpn) >>> 1] === vpn &&
    (info & SHIFT_MASK) === shift;
  out.pagePhys = arena.f64[(entry + IOTLB_ENTRY.phys) >>> 1] as number;
  out.pageShift = shift;
  out.prot = info >>> PROT_SHIFT;
  return readValid(words, entry + IOTLB_ENTRY.seq, begun) && same;
}

/** An invalid way, else the one that was not used for the longest time. */
function victim(words: Int32Array, set: number, ways: number, clock: number): number {
  let oldest = set;
  let oldestAge = -1;
  for (let way = 0; way < ways; way += 1) {
    const entry = set + way * ENTRY_STRIDE;
    if (words[entry + IOTLB_ENTRY.domain] === 0) return entry;
    const age = (clock - (words[entry + IOTLB_ENTRY.used] as number)) >>> 0;
    if (age > oldestAge) {
      oldest = entry;
      oldestAge = age;
    }
  }
  return oldest;
}
