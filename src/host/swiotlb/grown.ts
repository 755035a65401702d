/**
 * Pools that growth adds to a booted pool (SWIOTLB_DYNAMIC, swiotlb_dyn_alloc in kernel/dma/swiotlb.c).
 *
 * ```
 * RAM  |<---- grown pools ---->|<- transient windows, 256 KiB each ->|<- booted pool ->|
 *      reserve of the machine: 128 MiB at most, never more than half of the RAM below the pool
 * ```
 * Words:      growth and grown of the booted pool's POOL record; POOL records of grown pools.
 * States:     POOL.growth: 0 idle, 1 requested (a map found no room), 2 running, 3 running and requested again.
 * Invariants: a grown pool is written before `grown` counts it, and stays until the end.
 * Ordering:   `grown` is stored last and loaded first.
 * Progress:   who finds the worker running leaves the request for a later turn.
 * Forbidden:  two threads that add pools at once.
 * Proof:      test/unit/host/swiotlb/dynamic.test.ts, test/proof
 *
 * One pool of an arena may grow. The real limit is free memory; here it is the reserve.
 */
import { alignDown, alignUp, roundUpPow2 } from "../../base/addr.ts";
import type { Arena } from "../../shm/arena.ts";
import { compareExchange, fetchOr, load, store } from "../../shm/atomics.ts";
import {
  CPUS_MAX,
  SWIOTLB_GROWN_AREAS_MAX,
  SWIOTLB_GROWN_POOLS_MAX,
  SWIOTLB_GROWN_SLOTS_MAX,
  SWIOTLB_POOLS_MAX,
  SWIOTLB_SLOTS_MAX,
  SWIOTLB_TRANSIENT_POOLS_MAX,
} from "../../shm/capacities.ts";
import { POOL, REGIONS } from "../../shm/layout.ts";
import type { HostContext } from "../context.ts";
import type { BouncePool, PoolGrowth } from "../dma/device.ts";
import { initPool, isBounce, limitNareas, MIN_POOL_SLOTS, poolWord, SET_SLOTS, SLOT_BYTES } from "./pool.ts";

/** A transient pool's window: the largest mapping. */
export const TRANSIENT_WINDOW_BYTES = SET_SLOTS * SLOT_BYTES;
/** First POOL record, AREA record and SLOT record of transient pools: behind those of all grown ones. */
export const TRANSIENT_BASE = Object.freeze({
  pool: SWIOTLB_POOLS_MAX + SWIOTLB_GROWN_POOLS_MAX,
  area: CPUS_MAX * SWIOTLB_POOLS_MAX + SWIOTLB_GROWN_POOLS_MAX * SWIOTLB_GROWN_AREAS_MAX,
  slot: SWIOTLB_SLOTS_MAX + SWIOTLB_GROWN_POOLS_MAX * SWIOTLB_GROWN_SLOTS_MAX,
});

const GROWN_BYTES_MAX = SWIOTLB_GROWN_SLOTS_MAX * SLOT_BYTES;
const RESERVE_BYTES_MAX =
  SWIOTLB_GROWN_POOLS_MAX * GROWN_BYTES_MAX + SWIOTLB_TRANSIENT_POOLS_MAX * TRANSIENT_WINDOW_BYTES;
/** Bits of POOL.growth. */
const GROWTH = Object.freeze({ requested: 1, running: 2 });
/** Part of the reserve that transient pools get: one in 4. */
const TRANSIENT_PART = 4;

/** The reserve of a pool at `poolStart` in RAM that begins at `ramStart`; empty ranges when there is no room. */
export function planGrowth(poolStart: number, ramStart: number): PoolGrowth {
  const room = Math.min(RESERVE_BYTES_MAX, Math.floor((poolStart - ramStart) / 2));
  const grownStart = Math.min(poolStart, alignUp(poolStart - room, GROWN_BYTES_MAX));
  const bytes = poolStart - grownStart;
  const windows = Math.floor(bytes / TRANSIENT_PART / TRANSIENT_WINDOW_BYTES);
  const transientBytes = Math.min(windows, SWIOTLB_TRANSIENT_POOLS_MAX) * TRANSIENT_WINDOW_BYTES;
  const grownEnd = grownStart + alignDown(bytes - transientBytes, TRANSIENT_WINDOW_BYTES);
  return { grownStart, grownEnd, transientStart: grownEnd, transientEnd: grownEnd + transientBytes };
}

/** Schedules the growth worker (schedule_work); scheduling it twice is scheduling it once. */
export function requestGrowth(arena: Arena, booted: BouncePool): void {
  fetchOr(arena.i32, poolWord(booted) + POOL.growth, GROWTH.requested);
}

/** True when the growth worker has something to do. */
export function growthRequested(arena: Arena, booted: BouncePool): boolean {
  return (load(arena.i32, poolWord(booted) + POOL.growth) & GROWTH.requested) !== 0;
}

/**
 * The growth worker: when it was scheduled, adds one pool of the booted pool's size, 4 MiB at most, halved down to
 * 1 MiB while it does not fit. Returns the slots added, 0 = none. Any thread may call it; it waits for nobody.
 */
export function growPools(ctx: HostContext, booted: BouncePool): number {
  if (booted.growth === undefined) return 0;
  const words = ctx.arena.i32;
  const word = poolWord(booted) + POOL.growth;
  if (load(words, word) !== GROWTH.requested) return 0;
  if (!compareExchange(words, word, GROWTH.requested, GROWTH.running)) return 0;
  const added = addPool(ctx.arena, booted, booted.growth);
  // A map that found no room meanwhile has scheduled the worker again: that bit stays.
  if (!compareExchange(words, word, GROWTH.running, 0)) store(words, word, GROWTH.requested);
  return added;
}

/** io_tlb_nslabs: slots of the pool and of those that growth added; transient ones do not count. */
export function slotsTotal(arena: Arena, booted: BouncePool): number {
  let slots = booted.nslabs;
  for (let nth = grownPools(arena, booted) - 1; nth >= 0; nth -= 1) slots += grownPool(arena, nth).nslabs;
  return slots;
}

/** Number of pools added so far. */
export function grownPools(arena: Arena, booted: BouncePool): number {
  return load(arena.i32, poolWord(booted) + POOL.grown);
}

/** Description of the `nth` pool added, below {@link grownPools}. */
export function grownPool(arena: Arena, nth: number): BouncePool {
  const area = CPUS_MAX * SWIOTLB_POOLS_MAX + nth * SWIOTLB_GROWN_AREAS_MAX;
  return readPool(arena, SWIOTLB_POOLS_MAX + nth, area, SWIOTLB_SLOTS_MAX + nth * SWIOTLB_GROWN_SLOTS_MAX);
}

/** The added pool that holds `phys`, or null. */
export function findGrown(arena: Arena, booted: BouncePool, phys: number): BouncePool | null {
  const count = grownPools(arena, booted);
  for (let nth = 0; nth < count; nth += 1) {
    const pool = grownPool(arena, nth);
    if (isBounce(pool, phys)) return pool;
  }
  return null;
}

/** Description of a pool that its POOL record holds. */
export function readPool(arena: Arena, index: number, areaBase: number, slotBase: number): BouncePool {
  const word = REGIONS.pools.word + index * REGIONS.pools.stride;
  return {
    index,
    slotBase,
    areaBase,
    nslabs: arena.i32[word + POOL.nslabs] as number,
    nareas: arena.i32[word + POOL.nareas] as number,
    areaNslabs: arena.i32[word + POOL.areaNslabs] as number,
    start: arena.f64[(word + POOL.start) >>> 1] as number,
  };
}

function addPool(arena: Arena, booted: BouncePool, growth: PoolGrowth): number {
  const nth = grownPools(arena, booted);
  if (nth === SWIOTLB_GROWN_POOLS_MAX) return 0;
  const last = nth === 0 ? null : grownPool(arena, nth - 1);
  const used = last === null ? 0 : last.start + buddyBytes(last.nslabs) - growth.grownStart;
  let nslabs = Math.min(booted.nslabs, SWIOTLB_GROWN_SLOTS_MAX);
  for (;;) {
    const start = growth.grownStart + alignUp(used, buddyBytes(nslabs));
    if (start + buddyBytes(nslabs) <= growth.grownEnd) {
      placePool(arena, nth, nslabs, grownAreas(booted.nareas, nslabs), start);
      store(arena.i32, poolWord(booted) + POOL.grown, nth + 1);
      return nslabs;
    }
    if (nslabs <= MIN_POOL_SLOTS) return 0;
    nslabs = alignUp(nslabs >>> 1, SET_SLOTS);
  }
}

/** The buddy allocator hands out powers of two, each on a boundary of its size. */
function buddyBytes(nslabs: number): number {
  return roundUpPow2(nslabs * SLOT_BYTES);
}

function placePool(arena: Arena, nth: number, nslabs: number, nareas: number, start: number): void {
  const area = CPUS_MAX * SWIOTLB_POOLS_MAX + nth * SWIOTLB_GROWN_AREAS_MAX;
  const slot = SWIOTLB_SLOTS_MAX + nth * SWIOTLB_GROWN_SLOTS_MAX;
  initPool(arena, SWIOTLB_POOLS_MAX + nth, slot, area, nslabs, nareas, start);
}

/** As many areas as the booted pool if each gets a slot set, and a power of two that cuts between slot sets. */
function grownAreas(nareas: number, nslabs: number): number {
  const sets = nslabs / SET_SLOTS;
  return Math.min(limitNareas(nareas, nslabs), sets & -sets);
}
