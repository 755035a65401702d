/**
 * Scatterlists from page arrays: neighbouring pages become one entry
 * (lib/scatterlist.c: sg_alloc_table_from_pages_segment, sg_alloc_append_table_from_pages).
 */
import { PAGE_BYTES } from "../../base/addr.ts";
import type { Arena } from "../../shm/arena.ts";
import { SG } from "../../shm/layout.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { MAP_FAILURES } from "../status.ts";
import { sgChain, sgInit, sgIsLast, sgMarkEnd, sgPfn, sgSetPage, sgUnmarkEnd } from "./scatterlist.ts";
import { allocSgArray, SG_MAX_SINGLE_ALLOC } from "./sg_table.ts";

/** A table that grows page array by page array (struct sg_append_table); belongs to one caller. */
export interface SgAppendTable {
  /** First entry, 0 = empty. */
  sgl: number;
  /** Entries that carry data. */
  nents: number;
  origNents: number;
  /** Last entry filled, 0 = none. */
  prv: number;
  /** Data slots allocated; may exceed nents. */
  totalNents: number;
}

/** Pages to append, and the rules by which neighbours merge into entries. */
export interface PageArray {
  readonly pfns: ArrayLike<number>;
  /** Offset of the data in the first page. */
  readonly offset: number;
  readonly bytes: number;
  /** Longest entry, bytes; rounded down to whole pages. */
  readonly maxSegmentBytes: number;
  readonly pageBytes?: number;
  /** Pages still to be appended later; 0 = the list ends here. */
  readonly leftPages?: number;
  /** ZONE_DEVICE pagemap of a pfn, 0 = none; pages of different pagemaps never merge (6.1 and later). */
  readonly pgmapOf?: (pfn: number) => number;
}

/** An append table without entries; the first append allocates its array. */
export function newAppendTable(): SgAppendTable {
  return { sgl: 0, nents: 0, origNents: 0, prv: 0, totalNents: 0 };
}

/** Appends the pages; 0, or -(failure code): segment below a page, offset on a later call, pool exhausted. */
export function appendPages(arena: Arena, owner: number, table: SgAppendTable, pages: PageArray): number {
  const pageBytes = pages.pageBytes ?? PAGE_BYTES;
  const maxSegment = Math.floor(pages.maxSegmentBytes / pageBytes) * pageBytes;
  if (maxSegment < pageBytes || pages.pfns.length === 0) return -MAP_FAILURES.invalid.code;
  if (table.prv !== 0 && pages.offset !== 0) return -MAP_FAILURES.invalid.code;
  const lengthBefore = table.prv === 0 ? 0 : (arena.u32[table.prv + SG.length] as number);
  const first = table.prv === 0 ? 0 : extendLast(arena, table.prv, pages, maxSegment, pageBytes);
  const status = appendRuns(arena, owner, table, pages, first, maxSegment, pageBytes);
  if (status < 0) {
    if (table.prv !== 0) arena.u32[table.prv + SG.length] = lengthBefore;
    return status;
  }
  if ((pages.leftPages ?? 0) === 0) sgMarkEnd(arena, table.prv);
  return 0;
}

/** Index of the first page that no longer fits the run which begins at `start`. */
export function runEnd(pages: PageArray, start: number, maxSegmentBytes: number, pageBytes: number): number {
  let at = start + 1;
  // Whole pages count, not the bytes after the first offset: such a segment stays shorter than the limit.
  let runBytes = pageBytes;
  while (at < pages.pfns.length && runBytes < maxSegmentBytes && mergeable(pages, at)) {
    runBytes += pageBytes;
    at += 1;
  }
  return at;
}

function mergeable(pages: PageArray, index: number): boolean {
  return follows(pages, pages.pfns[index - 1] as number, pages.pfns[index] as number);
}

function follows(pages: PageArray, previous: number, pfn: number): boolean {
  if (pfn !== previous + 1) return false;
  return pages.pgmapOf === undefined || pages.pgmapOf(previous) === pages.pgmapOf(pfn);
}

/** Grows the last entry page by page; the index of the first page left. */
function extendLast(arena: Arena, prv: number, pages: PageArray, maxSegment: number, pageBytes: number): number {
  let length = arena.u32[prv + SG.length] as number;
  const end = sgPfn(arena, prv) * pageBytes + (arena.u32[prv + SG.offset] as number) + length;
  let lastPfn = Math.floor(end / pageBytes) - 1;
  let at = 0;
  while (at < pages.pfns.length && length + pageBytes <= maxSegment) {
    const pfn = pages.pfns[at] as number;
    if (!follows(pages, lastPfn, pfn)) break;
    length += pageBytes;
    lastPfn = pfn;
    at += 1;
  }
  arena.u32[prv + SG.length] = length;
  return at;
}

function appendRuns(
  arena: Arena,
  owner: number,
  table: SgAppendTable,
  pages: PageArray,
  first: number,
  maxSegment: number,
  pageBytes: number,
): number {
  let needed = countRuns(pages, first, maxSegment, pageBytes) + (pages.leftPages ?? 0);
  let left = pages.bytes;
  let offset = pages.offset;
  let entry = table.prv;
  let added = 0;
  for (let at = first; at < pages.pfns.length; ) {
    const end = runEnd(pages, at, maxSegment, pageBytes);
    entry = nextSlot(arena, owner, table, entry, needed);
    if (entry < 0) return entry;
    const runBytes = (end - at) * pageBytes - offset;
    sgSetPage(arena, entry, pages.pfns[at] as number, Math.min(left, runBytes), offset);
    left -= runBytes;
    offset = 0;
    added += 1;
    needed -= 1;
    at = end;
  }
  table.nents += added;
  table.origNents = table.nents;
  table.prv = entry;
  return 0;
}

function countRuns(pages: PageArray, first: number, maxSegment: number, pageBytes: number): number {
  let runs = 0;
  for (let at = first; at < pages.pfns.length; at = runEnd(pages, at, maxSegment, pageBytes)) runs += 1;
  return runs;
}

/** The slot after `current`; a new array when the next slot is the table's last and more entries will follow. */
function nextSlot(arena: Arena, owner: number, table: SgAppendTable, current: number, needed: number): number {
  const next = current === 0 ? 0 : sgNext(arena, current);
  if (current !== 0 && next === 0) return -MAP_FAILURES.invalid.code;
  if (next !== 0 && (!sgIsLast(arena, next) || needed === 1)) return next;
  const slots = Math.min(needed, SG_MAX_SINGLE_ALLOC);
  const array = allocSgArray(arena, owner, slots);
  if (array < 0) return array;
  sgInit(arena, array, slots);
  if (next === 0) {
    table.sgl = array;
    table.totalNents = slots;
  } else {
    sgUnmarkEnd(arena, next);
    sgChain(arena, next, array);
    table.totalNents += slots - 1;
  }
  return array;
}
