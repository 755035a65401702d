/**
 * Walking a list: page by page (struct sg_mapping_iter), and counting entries or pages of it.
 */
import { PAGE_BYTES } from "../../base/addr.ts";
import { assert } from "../../base/assert.ts";
import type { Arena } from "../../shm/arena.ts";
import { SG } from "../../shm/layout.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { MAP_FAILURES } from "../status.ts";
import { sgHasPage } from "./scatterlist.ts";

/** Smallest number of entries that hold `bytes`; 0 for no bytes, -(invalid) when the list is shorter. */
export function sgNentsForLen(arena: Arena, sg: number, bytes: number): number {
  let total = 0;
  let count = 0;
  for (let at = sg; at !== 0 && total < bytes; at = sgNext(arena, at)) {
    total += arena.u32[at + SG.length] as number;
    count += 1;
  }
  return total >= bytes ? count : -MAP_FAILURES.invalid.code;
}

/** Hardware descriptors for the first `nents` DMA entries at most `maxBytes` each (sg_nents_for_dma, 7.x). */
export function sgNentsForDma(arena: Arena, sg: number, nents: number, maxBytes: number): number {
  let count = 0;
  let at = sg;
  for (let i = 0; i < nents && at !== 0; i += 1) {
    count += Math.ceil((arena.u32[at + SG.dmaLength] as number) / maxBytes);
    at = sgNext(arena, at);
  }
  return count;
}

/** Pages of one entry as the page iterators count them: from page 0, also when the offset lies beyond it. */
export function sgPageCount(arena: Arena, sg: number, pageBytes = PAGE_BYTES): number {
  return Math.ceil(((arena.u32[sg + SG.offset] as number) + (arena.u32[sg + SG.length] as number)) / pageBytes);
}

/**
 * Visits the CPU side at most one page at a time (sg_miter_start, sg_miter_next). After a successful
 * {@link next}, `pfn`, `pageOffset` and `length` describe the piece; lowering `consumed` before the
 * next call makes it visit the rest again.
 */
export class SgMiter {
  readonly #arena: Arena;
  readonly #pageBytes: number;
  #sg: number;
  #nents: number;
  /** Page of the entry, counted from its page 0. */
  #page = -1;
  /** What is left of the current page. */
  #remaining = 0;
  #offset = 0;
  pfn = 0;
  pageOffset = 0;
  length = 0;
  consumed = 0;

  constructor(arena: Arena, sg: number, nents: number, pageBytes = PAGE_BYTES) {
    this.#arena = arena;
    this.#pageBytes = pageBytes;
    this.#sg = sg;
    this.#nents = nents;
  }

  /** True when the current entry has a struct page: only then a CPU may touch the piece. */
  get hasPage(): boolean {
    return sgHasPage(this.#arena, this.#sg);
  }

  /** Ends the piece before: what was not consumed will be visited again. */
  stop(): void {
    assert(this.consumed <= this.length, "an iterator consumes at most what it offered");
    this.#offset += this.consumed;
    this.#remaining -= this.consumed;
    this.length = 0;
    this.consumed = 0;
  }

  /** Moves to the next piece; false at the end of the list. */
  next(): boolean {
    this.stop();
    if (!this.#ensurePage()) return false;
    this.pageOffset = this.#offset;
    this.length = this.#remaining;
    this.consumed = this.#remaining;
    return true;
  }

  /** Leaves out `bytes`; false when the list ends first. */
  skip(bytes: number): boolean {
    this.stop();
    let left = bytes;
    while (left > 0) {
      if (!this.#ensurePage()) return false;
      const step = Math.min(left, this.#remaining);
      this.#offset += step;
      this.#remaining -= step;
      left -= step;
    }
    return true;
  }

  #ensurePage(): boolean {
    if (this.#remaining > 0) return true;
    if (!this.#nextPage()) return false;
    const offset = this.#arena.u32[this.#sg + SG.offset] as number;
    const end = offset + (this.#arena.u32[this.#sg + SG.length] as number);
    if (this.#page === 0) {
      this.#page = Math.floor(offset / this.#pageBytes);
      this.#offset = offset - this.#page * this.#pageBytes;
    } else {
      this.#offset = 0;
    }
    this.pfn = (this.#arena.f64[(this.#sg + SG.pfn) >>> 1] as number) + this.#page;
    this.#remaining = Math.min(end - this.#page * this.#pageBytes, this.#pageBytes) - this.#offset;
    return true;
  }

  /** Steps one page, over the entries whose pages are used up. */
  #nextPage(): boolean {
    if (this.#nents === 0 || this.#sg === 0) return false;
    this.#page += 1;
    while (this.#page >= sgPageCount(this.#arena, this.#sg, this.#pageBytes)) {
      const next = sgNext(this.#arena, this.#sg);
      this.#nents -= 1;
      if (this.#nents === 0 || next === 0) {
        this.#nents = 0;
        return false;
      }
      this.#sg = next;
      this.#page = 0;
    }
    return true;
  }
}
