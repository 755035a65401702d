/**
 * Geometry, state and counters of a bounce pool (struct io_tlb_pool, kernel/dma/swiotlb.c).
 *
 * ```
 * pool   |<------------------------------ nslabs ------------------------------>|
 * area   |<---- areaNslabs ---->|   own lock, own cursor, a whole number of slot sets
 * set    |<- 128 ->|<- 128 ->|      no mapping crosses a slot set: 256 KiB at most
 * slot   2 KiB
 * ```
 * Records POOL, AREA, SLOT (shm/layout.ts); several pools share the SLOT and AREA regions through
 * `slotBase` and `areaBase`.
 */
import type { Phys } from "../../base/addr.ts";
import { alignUp, alignUpWide, isPow2, lowBits, roundUpPow2 } from "../../base/addr.ts";
import { assert } from "../../base/assert.ts";
import type { Era } from "../../base/era.ts";
import { DmasimError } from "../../base/errors.ts";
import type { Arena } from "../../shm/arena.ts";
import { compareExchange, fetchAdd, load, store } from "../../shm/atomics.ts";
import { CPUS_MAX, SWIOTLB_POOLS_MAX, SWIOTLB_SLOTS_MAX } from "../../shm/capacities.ts";
import { AREA, POOL, REGIONS, SLOT } from "../../shm/layout.ts";
import type { BouncePool } from "../dma/device.ts";

/** IO_TLB_SHIFT. */
export const SLOT_SHIFT = 11;
/** IO_TLB_SIZE. */
export const SLOT_BYTES = 1 << SLOT_SHIFT;
/** IO_TLB_SEGSIZE: slots of a slot set. */
export const SET_SLOTS = 128;
/** IO_TLB_DEFAULT_SIZE. */
export const DEFAULT_POOL_BYTES = 64 * 2 ** 20;
/** IO_TLB_MIN_SLABS: where boot stops halving (1 MiB). */
export const MIN_POOL_SLOTS = 512;
/** Cap of the automatic size in a confidential guest. */
export const CONFIDENTIAL_POOL_BYTES_MAX = 2 ** 30;
/** Share of RAM that a confidential guest turns into its pool. */
const CONFIDENTIAL_RAM_SHARE = 0.06;
/** SLOT.origAddr of a slot that carries no original bytes: free, or padding. */
export const NO_ORIG = -1;

const POOLS_WORD = REGIONS.pools.word;
const POOL_STRIDE = REGIONS.pools.stride;
const AREAS_WORD = REGIONS.areas.word;
const AREA_STRIDE = REGIONS.areas.stride;
const SLOTS_WORD = REGIONS.slots.word;
/** Words from one SLOT record to the next. */
export const SLOT_STRIDE = REGIONS.slots.stride;

/** What decides the pool of a machine: the `swiotlb=` parameter and the machine's size. */
export interface PoolRequest {
  readonly era: Era;
  /** Size asked for; undefined = the kernel's default, 0 = no pool. */
  readonly bytes?: number | undefined;
  /** Areas asked for; undefined = one per CPU. */
  readonly areas?: number | undefined;
  readonly cpus: number;
  /** A guest that bounces everything: the default becomes 6 % of RAM, 64 MiB to 1 GiB. */
  readonly confidential: boolean;
  readonly ramBytes: number;
  /** Longest contiguous stretch where the pool may lie; boot halves the pool until it fits. Undefined = enough. */
  readonly roomBytes?: number | undefined;
}

/** Size of a pool before it has an address: slots of 2 KiB, areas, bytes. */
export interface PoolPlan {
  /** Slots; 0 = no pool. */
  readonly nslabs: number;
  readonly nareas: number;
  readonly bytes: number;
  /** Slots before boot halved them for want of room. */
  readonly wantedNslabs: number;
}

/** The pool that the kernel of the era makes. Since [6.1] areas inflate a small pool: 128 slots each. */
export function planPool(request: PoolRequest): PoolPlan {
  const asked = slotsOfBytes(request.bytes ?? defaultPoolBytes(request.confidential, request.ramBytes));
  const nareas = request.era === "4.1" ? 1 : roundUpPow2(request.areas ?? request.cpus);
  const wantedNslabs = request.era === "4.1" || asked === 0 ? asked : roundUpNslabs(asked, nareas);
  const nslabs = shrinkToRoom(wantedNslabs, request.roomBytes ?? Number.POSITIVE_INFINITY);
  if (nslabs === 0) return { nslabs, nareas: 0, bytes: 0, wantedNslabs };
  return { nslabs, nareas: limitNareas(nareas, nslabs), bytes: nslabs * SLOT_BYTES, wantedNslabs };
}

/** Bytes of the pool when no size is given. */
export function defaultPoolBytes(confidential: boolean, ramBytes: number): number {
  if (!confidential) return DEFAULT_POOL_BYTES;
  const share = Math.floor(ramBytes * CONFIDENTIAL_RAM_SHARE);
  return Math.min(Math.max(share, DEFAULT_POOL_BYTES), CONFIDENTIAL_POOL_BYTES_MAX);
}

/** Slots of a size: whole slot sets. */
export function slotsOfBytes(bytes: number): number {
  return alignUpWide(Math.ceil(bytes / SLOT_BYTES), SET_SLOTS);
}

/** Grows a pool to 128 slots an area, then to a power of two (round_up_default_nslabs). */
export function roundUpNslabs(nslabs: number, nareas: number): number {
  return roundUpPow2(Math.max(alignUpWide(nslabs, SET_SLOTS), SET_SLOTS * nareas));
}

/** Areas that a pool can have: each needs a slot set (limit_nareas). */
export function limitNareas(nareas: number, nslots: number): number {
  return nslots < nareas * SET_SLOTS ? Math.floor(nslots / SET_SLOTS) : nareas;
}

/** Boot-time fallback: halves until it fits, gives up (0) once 1 MiB does not. */
export function shrinkToRoom(nslabs: number, roomBytes: number): number {
  let slots = nslabs;
  while (slots * SLOT_BYTES > roomBytes) {
    if (slots <= MIN_POOL_SLOTS) return 0;
    slots = alignUpWide(Math.floor(slots / 2), SET_SLOTS);
  }
  return slots;
}

/** Bytes of the largest mapping of a device with this min_align_mask (swiotlb_max_mapping_size). */
export function maxMappingBytes(minAlignMask: number): number {
  return SET_SLOTS * SLOT_BYTES - alignUp(minAlignMask, SLOT_BYTES);
}

/**
 * Writes the records of an empty pool at `start` and returns its description.
 * `slotBase` and `areaBase` are indexes of the first SLOT and AREA record that belong to it.
 */
export function initPool(
  arena: Arena,
  index: number,
  slotBase: number,
  areaBase: number,
  nslabs: number,
  nareas: number,
  start: Phys,
): BouncePool {
  checkCapacity(index, slotBase + nslabs, areaBase + nareas);
  const areaNslabs = nslabs / nareas;
  assert(lowBits(start, SLOT_BYTES) === 0, "a bounce pool starts on a slot boundary");
  assert(nslabs > 0 && isPow2(nareas), "a bounce pool has slots, and a power of two of areas");
  assert(nareas === 1 || areaNslabs % SET_SLOTS === 0, "no slot set belongs to two areas");
  const pool: BouncePool = { index, slotBase, areaBase, nslabs, nareas, areaNslabs, start };
  writePoolRecord(arena, pool);
  for (let area = 0; area < nareas; area += 1) clearArea(arena, areaWord(pool, area));
  for (let slot = 0; slot < nslabs; slot += 1) {
    clearSlot(arena, slotWord(pool, slot), Math.min(SET_SLOTS - (slot & (SET_SLOTS - 1)), nslabs - slot));
  }
  return pool;
}

/** True when `phys` lies in the pool (is_swiotlb_buffer). */
export function isBounce(pool: BouncePool, phys: Phys): boolean {
  return phys >= pool.start && phys < pool.start + pool.nslabs * SLOT_BYTES;
}

/** io_tlb_used: slots in use, with those of the pools that growth added and of transient ones. */
export function slotsUsed(arena: Arena, pool: BouncePool): number {
  return load(arena.i32, poolWord(pool) + POOL.used);
}

/** io_tlb_used_hiwater: the largest number of slots in use since the pool was made or the mark reset. */
export function slotsUsedHiwater(arena: Arena, pool: BouncePool): number {
  return load(arena.i32, poolWord(pool) + POOL.usedHiwater);
}

/** What writing 0 to io_tlb_used_hiwater does. */
export function resetHiwater(arena: Arena, pool: BouncePool): void {
  store(arena.i32, poolWord(pool) + POOL.usedHiwater, 0);
}

/** Counts slots in; the high-water mark only rises, whichever thread comes last. */
export function countTaken(arena: Arena, pool: BouncePool, slots: number): void {
  const words = arena.i32;
  const used = fetchAdd(words, poolWord(pool) + POOL.used, slots) + slots;
  const mark = poolWord(pool) + POOL.usedHiwater;
  for (let seen = load(words, mark); used > seen; seen = load(words, mark)) {
    if (compareExchange(words, mark, seen, used)) return;
  }
}

/** Counts slots out. */
export function countReleased(arena: Arena, pool: BouncePool, slots: number): void {
  fetchAdd(arena.i32, poolWord(pool) + POOL.used, -slots);
}

/** Word index of the pool's POOL record. */
export function poolWord(pool: BouncePool): number {
  return POOLS_WORD + pool.index * POOL_STRIDE;
}

/** Word index of the AREA record of the pool's `area`. */
export function areaWord(pool: BouncePool, area: number): number {
  return AREAS_WORD + (pool.areaBase + area) * AREA_STRIDE;
}

/** Word index of the SLOT record of the pool's `slot`. */
export function slotWord(pool: BouncePool, slot: number): number {
  return SLOTS_WORD + (pool.slotBase + slot) * SLOT_STRIDE;
}

/** Makes a slot free with `run` free slots from it to the end of its run. */
export function clearSlot(arena: Arena, word: number, run: number): void {
  arena.f64[(word + SLOT.origAddr) >>> 1] = NO_ORIG;
  arena.i32[word + SLOT.allocSize] = 0;
  arena.i32[word + SLOT.list] = run;
  arena.i32[word + SLOT.padSlots] = 0;
  arena.i32[word + SLOT.owner] = 0;
}

function clearArea(arena: Arena, word: number): void {
  store(arena.i32, word + AREA.lock, 0);
  arena.i32[word + AREA.index] = 0;
  arena.i32[word + AREA.used] = 0;
}

function writePoolRecord(arena: Arena, pool: BouncePool): void {
  const word = poolWord(pool);
  arena.i32[word + POOL.nslabs] = pool.nslabs;
  arena.i32[word + POOL.nareas] = pool.nareas;
  arena.i32[word + POOL.areaNslabs] = pool.areaNslabs;
  arena.f64[(word + POOL.start) >>> 1] = pool.start;
  store(arena.i32, word + POOL.used, 0);
  store(arena.i32, word + POOL.usedHiwater, 0);
  store(arena.i32, word + POOL.growth, 0);
  store(arena.i32, word + POOL.grown, 0);
  store(arena.i32, word + POOL.transientNslabs, 0);
  store(arena.i32, word + POOL.transientMade, 0);
}

function checkCapacity(index: number, slotEnd: number, areaEnd: number): void {
  assert(index < REGIONS.pools.count, "the arena has a record for every bounce pool");
  const booted = index < SWIOTLB_POOLS_MAX;
  const areasMax = booted ? CPUS_MAX * SWIOTLB_POOLS_MAX : REGIONS.areas.count;
  const slotsMax = booted ? SWIOTLB_SLOTS_MAX : REGIONS.slots.count;
  assert(areaEnd <= areasMax, "the arena has a record for every swiotlb area");
  if (slotEnd <= slotsMax) return;
  throw new DmasimError({
    code: "DMASIM_SWIOTLB_TOO_LARGE",
    what: "the bounce pools of the machine need more slots than the arena has",
    value: slotEnd,
    limit: `${slotsMax} slots of ${SLOT_BYTES} bytes (1 GiB) together`,
    remedy: "lower swiotlb.size, or swiotlb.areas (each area needs 256 KiB)",
  });
}
