/** Scatterlists of a case: how its entries are written, and how lists are shown. */
import { PAGE_BYTES } from "../../base/addr.ts";
import {
  sgDmaAddress,
  sgDmaLength,
  sgIsBusAddress,
  sgLength,
  sgOffset,
  sgPfn,
  sgSetPage,
  sgSetPfn,
} from "../../host/dma/scatterlist.ts";
import { allocSg } from "../../host/dma/sg_table.ts";
import { failureOf } from "../../host/status.ts";
import type { Arena } from "../../shm/arena.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { type Given, UnreadableCase } from "./given.ts";

/** One entry: page, offset of the data in it (may exceed a page), length. */
export interface SgSource {
  readonly pfn: number;
  readonly offset: number;
  readonly length: number;
  readonly hasPage: boolean;
}

/** Reads `{pfn | entry | phys, offset?, length, has_page?}`; a physical address is cut into page and offset. */
export function entryOf(given: Given): SgSource {
  const length = u32Of(given, given.has("length") ? "length" : "len");
  const hasPage = given.flag("has_page", true);
  if (given.has("phys")) {
    const phys = given.number("phys") + given.number("offset", 0);
    const pfn = Math.floor(phys / PAGE_BYTES);
    return { pfn, offset: phys - pfn * PAGE_BYTES, length, hasPage };
  }
  return { pfn: given.number(given.has("pfn") ? "pfn" : "entry"), offset: u32Of(given, "offset", 0), length, hasPage };
}

/** Offsets and lengths are 32 bits wide in struct scatterlist. */
function u32Of(given: Given, name: string, fallback?: number): number {
  const value = given.number(name, fallback);
  if (Number.isInteger(value) && value >= 0 && value <= 0xffffffff) return value;
  throw new UnreadableCase(`${given.path}.${name} does not fit 32 bits`);
}

/** A new list; throws when the arena has no room for it. */
export function listOf(arena: Arena, entries: readonly SgSource[]): number {
  const sg = allocSg(arena, 0, entries.length);
  if (sg < 0) throw new UnreadableCase(`no scatterlist of ${entries.length} entries: ${failureOf(-sg)?.name}`);
  let at = sg;
  for (const { pfn, length, offset, hasPage } of entries) {
    if (hasPage) sgSetPage(arena, at, pfn, length, offset);
    else sgSetPfn(arena, at, pfn, length, offset);
    at = sgNext(arena, at);
  }
  return sg;
}

/** CPU side of the first `nents` entries, in the case file's words. */
export function cpuSide(arena: Arena, sg: number, nents: number): { pfn: number; offset: number; length: number }[] {
  return walk(arena, sg, nents, (at) => ({
    pfn: sgPfn(arena, at),
    offset: sgOffset(arena, at),
    length: sgLength(arena, at),
  }));
}

/** DMA side of an entry, in the case file's words; `bus` marks a PCI bus address. */
export interface DmaSegment {
  readonly dma: number;
  readonly len: number;
  readonly bus: boolean;
  readonly bus_address: boolean;
}

/** DMA side of the first `nents` entries. */
export function dmaSide(arena: Arena, sg: number, nents: number): DmaSegment[] {
  return walk(arena, sg, nents, (at) => ({
    dma: sgDmaAddress(arena, at),
    len: sgDmaLength(arena, at),
    bus: sgIsBusAddress(arena, at),
    bus_address: sgIsBusAddress(arena, at),
  }));
}

/** Errno of a negative status, 0 of any other. */
export function errnoOf(status: number): number {
  return status < 0 ? (failureOf(-status)?.errno ?? 0) : 0;
}

function walk<T>(arena: Arena, sg: number, nents: number, read: (at: number) => T): T[] {
  const seen: T[] = [];
  for (let at = sg; at !== 0 && seen.length < nents; at = sgNext(arena, at)) seen.push(read(at));
  return seen;
}
