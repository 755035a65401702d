/**
 * Mappings of a paravirtual IOMMU (virtio-iommu specification; drivers/iommu/virtio-iommu.c): no tables, every map and
 * unmap is a request that the hypervisor takes and keeps as an interval.
 *
 * DOMAIN.rootFrame names the first chunk (mapping_chunk.ts) of a chain in rising order of IOVA.
 *
 * Words:      chunks and DOMAIN.rootFrame (holder of DOMAIN.tableLock); DOMAIN.tableGeneration (the same, fetch-add).
 * States:     generation even: stable; odd: being changed.
 * Invariants: mappings do not overlap; a chunk but the first holds at least one.
 * Ordering:   generation odd, plain stores, generation even; a look-up brackets its plain loads with it and bounds what it
 *             read, as a torn chunk may hold anything.
 * Progress:   writers take the lock once a call; look-ups write nothing and start again while somebody writes.
 * Forbidden:  a result made of two mappings.
 * Proof:      test/litmus/mapping_list.test.ts
 */
import { type Iova, lowBits, type Phys } from "../base/addr.ts";
import { assert } from "../base/assert.ts";
import type { CostRecord } from "../base/cost.ts";
import type { Arena } from "../shm/arena.ts";
import { fetchAdd, load } from "../shm/atomics.ts";
import { domainWord } from "../shm/domain_record.ts";
import { DOMAIN, REGIONS } from "../shm/layout.ts";
import { lock, unlock } from "../shm/mutex.ts";
import type { PageTableFormat } from "./format.ts";
import {
  CHUNK_MAPPINGS,
  freeChunk,
  insertAt,
  MAPPING,
  mappingCount,
  mappingField,
  newChunk,
  nextChunk,
  positionOf,
  removeBetween,
  setNextChunk,
  splitChunk,
} from "./mapping_chunk.ts";
import { pageBytes, pickPageCount, pickPageShift } from "./page_size.ts";

/** What a look-up writes. */
export interface FoundPage {
  phys: Phys;
  pageShift: number;
  prot: number;
  levels: number;
}

const FRAME_COUNT = REGIONS.frames.count;

/** One MAP request for each run of equal pages, as iommu_map cuts the range. Returns the bytes mapped; see mapRange. */
export function mapRequests(
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
  const word = beginChange(arena, owner, domain);
  let done = 0;
  while (done < bytes) {
    const shift = pickPageShift(format.pageShifts, iova + done, phys + done, bytes - done);
    if (shift < 0) break;
    const count = pickPageCount(format.pageShifts, shift, iova + done, phys + done, bytes - done);
    const size = count * pageBytes(shift);
    if (!insert(arena, owner, word, iova + done, phys + done, size, prot)) break;
    cost.requests += 1;
    done += size;
  }
  endChange(arena, owner, word);
  return done;
}

/** Removes the mappings that begin in the range, whole, with one UNMAP request if there are any. Returns their bytes. */
export function unmapRequests(
  arena: Arena,
  owner: number,
  domain: number,
  format: PageTableFormat,
  iova: Iova,
  bytes: number,
  cost: CostRecord,
): number {
  const end = Math.min(iova + bytes, format.addressLimit);
  const word = beginChange(arena, owner, domain);
  let removed = 0;
  let before = 0;
  for (let chunk = chunkOf(arena, word, iova); chunk !== 0 && firstStart(arena, chunk) < end; ) {
    const next = nextChunk(arena, chunk);
    removed += cut(arena, word, chunk, iova, end);
    // The range may begin in a chunk in the middle of the list: that one, too, leaves the list when it is empty.
    if (before === 0 && mappingCount(arena, chunk) === 0) before = chunkBefore(arena, word, chunk);
    if (mappingCount(arena, chunk) === 0 && before !== 0) {
      setNextChunk(arena, before, next);
      freeChunk(arena, owner, chunk);
    } else before = chunk;
    chunk = next;
  }
  if (removed > 0) cost.requests += 1;
  endChange(arena, owner, word);
  return removed;
}

/** Finds the mapping of `iova`; its granule is the page that the hypervisor answers with. */
export function findMapping(
  arena: Arena,
  domain: number,
  format: PageTableFormat,
  iova: Iova,
  out: FoundPage,
): boolean {
  const word = domainWord(domain);
  out.levels = 1;
  out.pageShift = format.pageShifts[0] as number;
  for (;;) {
    const generation = load(arena.i32, word + DOMAIN.tableGeneration);
    if ((generation & 1) !== 0) continue;
    const found = findOnce(arena, word, generation, iova, pageBytes(out.pageShift), out);
    if (load(arena.i32, word + DOMAIN.tableGeneration) === generation) return found;
  }
}

/** Domain teardown: forgets every mapping; returns the frames freed. */
export function freeMappingList(arena: Arena, owner: number, domain: number): number {
  const word = beginChange(arena, owner, domain);
  let freed = 0;
  for (let chunk = arena.i32[word + DOMAIN.rootFrame] as number; chunk !== 0; freed += 1) {
    const next = nextChunk(arena, chunk);
    freeChunk(arena, owner, chunk);
    chunk = next;
  }
  arena.i32[word + DOMAIN.rootFrame] = 0;
  arena.i32[word + DOMAIN.ptePresent] = 0;
  endChange(arena, owner, word);
  return freed;
}

/** Excludes other writers and holds look-ups off; returns the domain's base word. */
function beginChange(arena: Arena, owner: number, domain: number): number {
  const word = domainWord(domain);
  lock(arena.i32, word + DOMAIN.tableLock, owner);
  fetchAdd(arena.i32, word + DOMAIN.tableGeneration, 1);
  return word;
}

function endChange(arena: Arena, owner: number, word: number): void {
  fetchAdd(arena.i32, word + DOMAIN.tableGeneration, 1);
  unlock(arena.i32, word + DOMAIN.tableLock, owner);
}

function findOnce(
  arena: Arena,
  word: number,
  generation: number,
  iova: Iova,
  granule: number,
  out: FoundPage,
): boolean {
  let chunk = arena.i32[word + DOMAIN.rootFrame] as number;
  if (chunk === 0) return false;
  for (let next = nextChunk(arena, chunk); next > 0 && next <= FRAME_COUNT; next = nextChunk(arena, chunk)) {
    if (mappingField(arena, next, 0, MAPPING.start) > iova) break;
    if (load(arena.i32, word + DOMAIN.tableGeneration) !== generation) return false;
    chunk = next;
  }
  const at = positionOf(arena, chunk, iova + 1) - 1;
  if (at < 0) return false;
  const into = iova - mappingField(arena, chunk, at, MAPPING.start);
  if (into >= mappingField(arena, chunk, at, MAPPING.bytes)) return false;
  out.phys = mappingField(arena, chunk, at, MAPPING.phys) + into - lowBits(into, granule);
  out.prot = mappingField(arena, chunk, at, MAPPING.prot);
  return true;
}

/** Last chunk that does not begin above `iova`, 0 = the list has none. */
function chunkOf(arena: Arena, word: number, iova: Iova): number {
  let chunk = arena.i32[word + DOMAIN.rootFrame] as number;
  if (chunk === 0) return 0;
  for (let next = nextChunk(arena, chunk); next !== 0 && firstStart(arena, next) <= iova; ) {
    chunk = next;
    next = nextChunk(arena, chunk);
  }
  return chunk;
}

/** Chunk in front of `chunk`, 0 = it is the first. */
function chunkBefore(arena: Arena, word: number, chunk: number): number {
  let before = 0;
  for (let at = arena.i32[word + DOMAIN.rootFrame] as number; at !== chunk; at = nextChunk(arena, at)) before = at;
  return before;
}

/** IOVA of the first mapping, -1 of an empty chunk (which only the first can be). */
function firstStart(arena: Arena, chunk: number): Iova {
  return mappingCount(arena, chunk) === 0 ? -1 : mappingField(arena, chunk, 0, MAPPING.start);
}

/** False when out of frames. */
function insert(
  arena: Arena,
  owner: number,
  word: number,
  iova: Iova,
  phys: Phys,
  bytes: number,
  prot: number,
): boolean {
  let chunk = chunkOf(arena, word, iova);
  if (chunk === 0) {
    chunk = newChunk(arena, owner);
    if (chunk === 0) return false;
    arena.i32[word + DOMAIN.rootFrame] = chunk;
  }
  if (mappingCount(arena, chunk) === CHUNK_MAPPINGS) {
    if (!splitChunk(arena, owner, chunk)) return false;
    chunk = chunkOf(arena, word, iova);
  }
  const at = positionOf(arena, chunk, iova);
  checkRoom(arena, chunk, at, iova, iova + bytes);
  insertAt(arena, chunk, at, iova, bytes, phys, prot);
  fetchAdd(arena.i32, word + DOMAIN.ptePresent, 1);
  return true;
}

function checkRoom(arena: Arena, chunk: number, at: number, start: Iova, end: Iova): void {
  const field = (index: number, name: number): number => mappingField(arena, chunk, index, name);
  const before = at === 0 ? 0 : field(at - 1, MAPPING.start) + field(at - 1, MAPPING.bytes);
  const next = nextChunk(arena, chunk);
  const behind = next === 0 ? Number.POSITIVE_INFINITY : firstStart(arena, next);
  const after = at < mappingCount(arena, chunk) ? field(at, MAPPING.start) : behind;
  assert(before <= start && end <= after, "a new mapping does not overlap another");
}

/** Removes the mappings of one chunk that begin in [start, end); returns their bytes. */
function cut(arena: Arena, word: number, chunk: number, start: Iova, end: Iova): number {
  const from = positionOf(arena, chunk, start);
  const to = positionOf(arena, chunk, end);
  let bytes = 0;
  for (let at = from; at < to; at += 1) bytes += mappingField(arena, chunk, at, MAPPING.bytes);
  if (from === to) return 0;
  removeBetween(arena, chunk, from, to);
  fetchAdd(arena.i32, word + DOMAIN.ptePresent, from - to);
  return bytes;
}
