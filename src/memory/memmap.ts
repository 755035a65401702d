/**
 * memmap: which pages have a struct page, and how often each is pinned.
 *
 * Words:      sections (hash of 128 MiB sections), memmap (one pin count per page), HEADER.pins (total).
 * Invariants: a section's number is written before its block is published, under memmapLock; a published
 *             bucket never changes; HEADER.pins is the sum of all pin counts.
 * Ordering:   the block word is stored and loaded atomically, so a reader that sees it sees the number.
 * Progress:   looking up and counting are wait-free; the first pin of a section takes memmapLock (rank 52).
 * Forbidden:  two blocks for one section; a pin count below zero.
 * Proof:      test/litmus/memmap.test.ts
 *
 * Sections are those of x86-64 (128 MiB, SECTION_SIZE_BITS 27); they only index the counts, a section may
 * hold regions of several modes.
 */
import { type Pfn, type Phys, pfnOf, pfnToPhys } from "../base/addr.ts";
import { mix32 } from "../base/prng.ts";
import type { Arena } from "../shm/arena.ts";
import { fetchAdd, load, store } from "../shm/atomics.ts";
import { SECTION_PAGES } from "../shm/capacities.ts";
import { HEADER, REGIONS, SECTION } from "../shm/layout.ts";
import { lock, unlock } from "../shm/mutex.ts";
import type { PageMode, PhysMap, PhysRegion } from "./physmap.ts";

/** What pfn_to_page() tells about a page; one frozen object per region. */
export interface PageRule {
  readonly mode: Exclude<PageMode, "none">;
  readonly region: PhysRegion;
  /** dev_pagemap that the page belongs to: pages of different ones never merge (sg_alloc_append_table_from_pages, 6.1 on). -1 = System RAM. */
  readonly pgmap: number;
  /** False for DEVICE_PRIVATE: the pfn is fictitious, its address means nothing until the page is resolved. */
  readonly addressable: boolean;
}

const SECTIONS = REGIONS.sections;
const BUCKETS = SECTIONS.count;
const HEADER_WORD = REGIONS.header.word;
const PINS = HEADER_WORD + HEADER.pins;

/** Struct pages of one physical map. Immutable; the pin counts lie in the arena, so every thread may have its own. */
export class Memmap {
  readonly #map: PhysMap;
  readonly #rules: readonly (PageRule | null)[];

  constructor(map: PhysMap) {
    this.#map = map;
    this.#rules = map.regions.map(pageRule);
  }

  /** True when the page that holds `phys` has a struct page. */
  hasPage(phys: Phys): boolean {
    const index = this.#map.indexAt(phys);
    return index >= 0 && this.#rules[index] !== null;
  }

  /** The page of a frame; null where there is none (page-less memory, holes), where pfn_to_page() of a kernel would be garbage. */
  pfnToPage(pfn: Pfn): PageRule | null {
    const index = this.#map.indexAt(pfnToPhys(pfn));
    return index < 0 ? null : (this.#rules[index] as PageRule | null);
  }

  /**
   * Pins every page that [phys, phys + bytes) touches, as pin_user_pages() does. Page-less memory has no page to pin: true, without effect.
   * False, with nothing pinned, when a byte lies in no region or the memmap has no block left for a new section.
   */
  pinPages(arena: Arena, phys: Phys, bytes: number, owner: number): boolean {
    const firstPfn = pfnOf(phys);
    const lastPfn = pfnOf(phys + bytes - 1);
    let pfn = firstPfn;
    while (pfn <= lastPfn) {
      const index = this.#regionOfPage(pfn, phys);
      const last = this.#pieceLast(index, pfn, lastPfn);
      if (index < 0 || !this.#pinPiece(arena, index, pfn, last, owner)) {
        this.#unpinRange(arena, firstPfn, pfn - 1, phys);
        return false;
      }
      pfn = last + 1;
    }
    return true;
  }

  /** Gives back what {@link pinPages} with the same range took. False when a page was not pinned (its count stays 0). */
  unpinPages(arena: Arena, phys: Phys, bytes: number): boolean {
    return this.#unpinRange(arena, pfnOf(phys), pfnOf(phys + bytes - 1), phys);
  }

  #unpinRange(arena: Arena, firstPfn: Pfn, lastPfn: Pfn, phys: Phys): boolean {
    let held = true;
    let pfn = firstPfn;
    while (pfn <= lastPfn) {
      const index = this.#regionOfPage(pfn, phys);
      const last = this.#pieceLast(index, pfn, lastPfn);
      if (index >= 0 && this.#rules[index] !== null && !unpinPiece(arena, pfn, last)) held = false;
      pfn = last + 1;
    }
    return held;
  }

  /** Region of the page, found by its first byte inside the range (regions need not end at page ends). */
  #regionOfPage(pfn: Pfn, phys: Phys): number {
    return this.#map.indexAt(Math.max(phys, pfnToPhys(pfn)));
  }

  /** Last page up to which one region and one section hold; the same page when no region holds `pfn`. */
  #pieceLast(index: number, pfn: Pfn, lastPfn: Pfn): Pfn {
    if (index < 0) return pfn;
    const region = this.#map.regions[index] as PhysRegion;
    const sectionLast = (Math.floor(pfn / SECTION_PAGES) + 1) * SECTION_PAGES - 1;
    return Math.min(lastPfn, sectionLast, pfnOf(region.start + region.bytes - 1));
  }

  #pinPiece(arena: Arena, index: number, pfn: Pfn, last: Pfn, owner: number): boolean {
    if (this.#rules[index] === null) return true;
    const block = sectionBlock(arena, pfn, owner);
    if (block < 0) return false;
    const words = arena.i32;
    const end = block + (last - pfn);
    for (let word = block; word <= end; word += 1) fetchAdd(words, word, 1);
    fetchAdd(words, PINS, last - pfn + 1);
    return true;
  }
}

/** Pins of one page; 0 for a page that was never pinned. */
export function pinsOf(arena: Arena, pfn: Pfn): number {
  const word = findPage(arena, pfn);
  return word < 0 ? 0 : load(arena.i32, word);
}

/** Pins held on all pages: what a run leaked when it is not 0 at the end. */
export function pinsHeld(arena: Arena): number {
  return load(arena.i32, PINS);
}

function pageRule(region: PhysRegion, index: number): PageRule | null {
  if (region.kind === "reserved" || region.memmap === "none") return null;
  const pgmap = region.memmap === "ram" ? -1 : index;
  return Object.freeze({ mode: region.memmap, region, pgmap, addressable: region.memmap !== "private" });
}

function unpinPiece(arena: Arena, pfn: Pfn, last: Pfn): boolean {
  const words = arena.i32;
  const block = findPage(arena, pfn);
  if (block < 0) return false;
  const end = block + (last - pfn);
  let released = 0;
  for (let word = block; word <= end; word += 1) {
    if (fetchAdd(words, word, -1) > 0) released += 1;
    else fetchAdd(words, word, 1);
  }
  fetchAdd(words, PINS, -released);
  return released === last - pfn + 1;
}

/** Word of the pin count of `pfn`, creating its section; -1 when no block is left. */
function sectionBlock(arena: Arena, pfn: Pfn, owner: number): number {
  const found = findPage(arena, pfn);
  if (found >= 0) return found;
  const words = arena.i32;
  lock(words, HEADER_WORD + HEADER.memmapLock, owner);
  if (findPage(arena, pfn) < 0) addSection(arena, Math.floor(pfn / SECTION_PAGES));
  unlock(words, HEADER_WORD + HEADER.memmapLock, owner);
  return findPage(arena, pfn);
}

/** Word of the pin count of `pfn`, -1 when its section was never pinned. */
function findPage(arena: Arena, pfn: Pfn): number {
  const number = Math.floor(pfn / SECTION_PAGES);
  const words = arena.i32;
  let bucket = mix32(number) & (BUCKETS - 1);
  for (let probe = 0; probe < BUCKETS; probe += 1) {
    const base = SECTIONS.word + bucket * SECTIONS.stride;
    const block = load(words, base + SECTION.block);
    if (block === 0) return -1;
    if (arena.f64[(base + SECTION.number) >>> 1] === number) {
      return REGIONS.memmap.word + (block - 1) * REGIONS.memmap.stride + (pfn - number * SECTION_PAGES);
    }
    bucket = (bucket + 1) & (BUCKETS - 1);
  }
  return -1;
}

/** Under memmapLock: publishes a block for the section unless none is left. */
function addSection(arena: Arena, number: number): void {
  const words = arena.i32;
  const next = words[HEADER_WORD + HEADER.sectionNext] as number;
  if (next >= REGIONS.memmap.count) return;
  words[HEADER_WORD + HEADER.sectionNext] = next + 1;
  let bucket = mix32(number) & (BUCKETS - 1);
  let base = SECTIONS.word + bucket * SECTIONS.stride;
  while (load(words, base + SECTION.block) !== 0) {
    bucket = (bucket + 1) & (BUCKETS - 1);
    base = SECTIONS.word + bucket * SECTIONS.stride;
  }
  arena.f64[(base + SECTION.number) >>> 1] = number;
  store(words, base + SECTION.block, next + 1);
}
