/** Scatterlists as plain arrays, after the facts alone: entries in order, bytes one by one. */
export interface ModelEntry {
  readonly pfn: number;
  readonly offset: number;
  length: number;
  readonly hasPage: boolean;
}

/** A piece that an iterator visits. */
export interface ModelPiece {
  readonly pfn: number;
  readonly pageOffset: number;
  readonly length: number;
  readonly hasPage: boolean;
}

const PAGE = 4096;
const SLOTS_MAX = 128;

/** Slots of each array of a list: 127 entries and a link while more than 128 remain. */
export function chunksOf(nents: number): number[] {
  const chunks: number[] = [];
  let left = nents;
  while (left > SLOTS_MAX) {
    chunks.push(SLOTS_MAX);
    left -= SLOTS_MAX - 1;
  }
  return [...chunks, left];
}

export function bytesOf(list: readonly ModelEntry[]): number {
  let bytes = 0;
  for (const entry of list) bytes += entry.length;
  return bytes;
}

/** Smallest number of entries with `bytes`, -1 = the list is shorter. */
export function nentsForLen(list: readonly ModelEntry[], bytes: number): number {
  let nents = 0;
  let sum = 0;
  while (sum < bytes && nents < list.length) {
    sum += (list[nents] as ModelEntry).length;
    nents += 1;
  }
  return sum >= bytes ? nents : -1;
}

/** What lies at byte `at` of the list up to the end of its page; null = behind the end. */
export function pieceAt(list: readonly ModelEntry[], at: number): ModelPiece | null {
  let before = at;
  for (const { pfn, offset, length, hasPage } of list) {
    if (before >= length) {
      before -= length;
      continue;
    }
    const place = offset + before;
    const page = Math.floor(place / PAGE);
    const pageOffset = place - page * PAGE;
    return { pfn: pfn + page, pageOffset, length: Math.min(length - before, PAGE - pageOffset), hasPage };
  }
  return null;
}

/**
 * Visits [skip, skip + bytes) of the list byte by byte with its physical address; the bytes visited, or -1 when one of them
 * has no page (those before it are visited).
 */
export function eachByte(
  list: readonly ModelEntry[],
  bytes: number,
  skip: number,
  visit: (phys: number, index: number) => void,
): number {
  let before = skip;
  let done = 0;
  for (const { pfn, offset, length, hasPage } of list) {
    for (let i = Math.min(before, length); i < length && done < bytes; i += 1) {
      if (!hasPage) return -1;
      visit(pfn * PAGE + offset + i, done);
      done += 1;
    }
    before = Math.max(0, before - length);
  }
  return done;
}

/** Adds pages to a list of page-backed entries: neighbours merge up to whole pages of `maxSegment` bytes. */
export function appendPages(
  list: ModelEntry[],
  pfns: readonly number[],
  pgmapOf: (pfn: number) => number,
  offset: number,
  bytes: number,
  maxSegment: number,
): void {
  const pagesMax = Math.floor(maxSegment / PAGE);
  const merges = (a: number, b: number) => b === a + 1 && pgmapOf(a) === pgmapOf(b);
  let last = list[list.length - 1];
  let extends_ = last !== undefined;
  let runPages = 0;
  let left = bytes;
  let previous = last === undefined ? -1 : last.pfn + (last.offset + last.length) / PAGE - 1;
  for (const [index, pfn] of pfns.entries()) {
    if (extends_ && last !== undefined && merges(previous, pfn) && last.length + PAGE <= pagesMax * PAGE) {
      last.length += PAGE;
      left -= PAGE;
    } else if (!extends_ && last !== undefined && merges(previous, pfn) && runPages < pagesMax) {
      last.length += Math.min(left, PAGE);
      left -= PAGE;
      runPages += 1;
    } else {
      const start = index === 0 ? offset : 0;
      last = { pfn, offset: start, length: Math.min(left, PAGE - start), hasPage: true };
      list.push(last);
      left -= PAGE - start;
      extends_ = false;
      runPages = 1;
    }
    previous = pfn;
  }
}

/**
 * Splits [skip, skip + sum of sizes) by sizes; null when bytes are missing. `shipped` has the two defects: a skip that ends
 * at an entry's end leaves that entry, empty, in front; a last split that ends inside an entry with others behind it takes
 * all of them, the last one empty, and the entry's rest.
 */
export function split(
  list: readonly ModelEntry[],
  skip: number,
  sizes: readonly number[],
  shipped: boolean,
): ModelEntry[][] | null {
  const outputs: ModelEntry[][] = [];
  let from = skip;
  for (const size of sizes) {
    outputs.push(cut(list, from, from + size));
    from += size;
  }
  if (from > bytesOf(list)) return null;
  if (!shipped) return outputs;
  const head = entryThatEndsAt(list, skip);
  if (head !== undefined) outputs[0]?.unshift({ ...head, offset: head.offset + head.length, length: 0 });
  const inside = entryAround(list, from);
  if (inside >= 0 && inside < list.length - 1) {
    const output = outputs[outputs.length - 1] as ModelEntry[];
    const end = startOf(list, inside + 1);
    const own = output[output.length - 1] as ModelEntry;
    own.length += end - from;
    output.push(...list.slice(inside + 1).map((entry) => ({ ...entry })));
    (output[output.length - 1] as ModelEntry).length = 0;
  }
  return outputs;
}

/** Parts of the entries inside [start, end). */
function cut(list: readonly ModelEntry[], start: number, end: number): ModelEntry[] {
  const parts: ModelEntry[] = [];
  let at = 0;
  for (const entry of list) {
    const lo = Math.max(start, at);
    const hi = Math.min(end, at + entry.length);
    if (lo < hi) parts.push({ ...entry, offset: entry.offset + lo - at, length: hi - lo });
    at += entry.length;
  }
  return parts;
}

function startOf(list: readonly ModelEntry[], index: number): number {
  return bytesOf(list.slice(0, index));
}

function entryThatEndsAt(list: readonly ModelEntry[], at: number): ModelEntry | undefined {
  if (at === 0) return undefined;
  return list.find((entry, index) => startOf(list, index) + entry.length === at);
}

/** Index of the entry that byte boundary `at` lies strictly inside of, -1 = none. */
function entryAround(list: readonly ModelEntry[], at: number): number {
  return list.findIndex((entry, index) => {
    const start = startOf(list, index);
    return at > start && at < start + entry.length;
  });
}
