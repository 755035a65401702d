import {
  sgDmaAddress,
  sgDmaLength,
  sgLength,
  sgOffset,
  sgPfn,
  sgSetPage,
  sgSetPhys,
} from "#dmasim/host/dma/scatterlist.js";
import { allocSg } from "#dmasim/host/dma/sg_table.js";
import type { Arena } from "#dmasim/shm/arena.js";
import { sgNext } from "#dmasim/shm/sg_entry.js";

export interface PageEntry {
  readonly pfn: number;
  readonly offset: number;
  readonly length: number;
}

/** A new list of page-backed entries. */
export function listOfPages(arena: Arena, entries: readonly PageEntry[]): number {
  const sg = allocSg(arena, 0, entries.length);
  let at = sg;
  for (const entry of entries) {
    sgSetPage(arena, at, entry.pfn, entry.length, entry.offset);
    at = sgNext(arena, at);
  }
  return sg;
}

/** A new list of [phys, length] ranges. */
export function listOf(arena: Arena, entries: readonly (readonly [number, number])[], hasPage = true): number {
  const sg = allocSg(arena, 0, entries.length);
  let at = sg;
  for (const [phys, length] of entries) {
    sgSetPhys(arena, at, phys, length, hasPage);
    at = sgNext(arena, at);
  }
  return sg;
}

/** CPU side of the first `nents` entries. */
export function pageEntries(arena: Arena, sg: number, nents: number): PageEntry[] {
  const entries: PageEntry[] = [];
  for (let at = sg; at !== 0 && entries.length < nents; at = sgNext(arena, at)) {
    entries.push({ pfn: sgPfn(arena, at), offset: sgOffset(arena, at), length: sgLength(arena, at) });
  }
  return entries;
}

/** DMA side of the first `nents` entries. */
export function dmaEntries(arena: Arena, sg: number, nents: number): { dma: number; len: number }[] {
  const entries: { dma: number; len: number }[] = [];
  for (let at = sg; at !== 0 && entries.length < nents; at = sgNext(arena, at)) {
    entries.push({ dma: sgDmaAddress(arena, at), len: sgDmaLength(arena, at) });
  }
  return entries;
}

/** Probe lists of the implementations' merge rules: [phys, length]. */
export const PROBE_LISTS: readonly (readonly (readonly [number, number])[])[] = [
  [
    [0x10000, 0x1000],
    [0x11000, 0x1000],
    [0x12000, 0x1000],
  ],
  [
    [0x10200, 0x400],
    [0x10600, 0x400],
    [0x10a00, 0x600],
  ],
  [
    [0x10000, 0x1000],
    [0x50000, 0x1000],
    [0x30000, 0x1000],
  ],
  [
    [0x10800, 0x800],
    [0x50000, 0x1000],
    [0x30000, 0x400],
  ],
  [
    [0x10000, 0x800],
    [0x50000, 0x1000],
    [0x30100, 0x400],
  ],
  [
    [0x10800, 0x800],
    [0x11000, 0x1000],
    [0x12000, 0x800],
  ],
  [
    [0x10000, 0x8000],
    [0x18000, 0x8000],
    [0x20000, 0x1000],
  ],
];
