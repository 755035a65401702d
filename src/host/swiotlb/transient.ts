/**
 * Transient pools: one mapping's own pool, made when every pool is full (SWIOTLB_DYNAMIC, swiotlb_find_slots).
 *
 * ```
 * transientOwner 0 ─► -1, records written, slots taken ─► device + 1 ─► 0
 *                  map                                              unmap
 * ```
 * The window of a transient pool follows from the number of its record, so a lookup by address needs no list; the
 * device's list is what `transientOwner` says. The kernel waits for an RCU grace period before it frees the
 * pool, for others may walk the list meanwhile; nobody walks here, so it is free at once.
 *
 * Differences from a kernel: 128 transient pools at most at the same time, all in the machine's growth reserve. A device
 * that does not reach the reserve gets none. The atomic pool of confidential guests has no limit of its own.
 */
import type { Phys } from "../../base/addr.ts";
import type { Arena } from "../../shm/arena.ts";
import { compareExchange, fetchAdd, load, store } from "../../shm/atomics.ts";
import { POOL, REGIONS } from "../../shm/layout.ts";
import type { HostContext } from "../context.ts";
import type { BouncePool, DmaDevice, PoolGrowth } from "../dma/device.ts";
import { readPool, TRANSIENT_BASE, TRANSIENT_WINDOW_BYTES } from "./grown.ts";
import { initPool, isBounce, poolWord, SET_SLOTS, SLOT_BYTES } from "./pool.ts";
import { slotsOf, takeFromArea } from "./slots.ts";

/** POOL.transientOwner of a pool that no device may look at yet. */
const BEING_MADE = -1;

/** io_tlb_transient_nslabs: slots of transient pools now. */
export function transientSlots(arena: Arena, booted: BouncePool): number {
  return load(arena.i32, poolWord(booted) + POOL.transientNslabs);
}

/** Transient pools made since the machine booted. */
export function transientsMade(arena: Arena, booted: BouncePool): number {
  return load(arena.i32, poolWord(booted) + POOL.transientMade);
}

/** True for a pool of {@link takeTransient}. */
export function isTransient(pool: BouncePool): boolean {
  return pool.index >= TRANSIENT_BASE.pool;
}

/**
 * Makes a pool of exactly the slots that `allocBytes` need, below the device's limit, and takes them: its first slot is
 * 0. Null when no window is free or reachable, or when even an empty pool has no such run.
 */
export function takeTransient(
  ctx: HostContext,
  device: DmaDevice,
  booted: BouncePool,
  growth: PoolGrowth,
  orig: Phys,
  allocBytes: number,
  allocAlignMask: number,
  offset: number,
): BouncePool | null {
  const { arena } = ctx;
  const nslots = slotsOf(allocBytes);
  const nth = nslots > SET_SLOTS ? -1 : claimWindow(arena, growth, reachEnd(device, growth) - nslots * SLOT_BYTES);
  if (nth < 0) return null;
  const start = growth.transientStart + nth * TRANSIENT_WINDOW_BYTES;
  const slot = TRANSIENT_BASE.slot + nth * SET_SLOTS;
  const pool = initPool(arena, TRANSIENT_BASE.pool + nth, slot, TRANSIENT_BASE.area + nth, nslots, 1, start);
  ctx.cost.transientSlots += nslots;
  if (takeFromArea(ctx, device, pool, 0, orig, allocBytes, allocAlignMask, offset) < 0) {
    store(arena.i32, poolWord(pool) + POOL.transientOwner, 0);
    return null;
  }
  fetchAdd(arena.i32, poolWord(booted) + POOL.transientNslabs, nslots);
  fetchAdd(arena.i32, poolWord(booted) + POOL.transientMade, 1);
  store(arena.i32, poolWord(pool) + POOL.transientOwner, device.index + 1);
  return pool;
}

/** Tears a transient pool down (swiotlb_del_transient). */
export function dropTransient(ctx: HostContext, booted: BouncePool, pool: BouncePool): void {
  const words = ctx.arena.i32;
  fetchAdd(words, poolWord(booted) + POOL.transientNslabs, -pool.nslabs);
  store(words, poolWord(pool) + POOL.transientOwner, 0);
}

/** The device's transient pool that holds `phys`, or null. */
export function findTransient(arena: Arena, device: DmaDevice, growth: PoolGrowth, phys: Phys): BouncePool | null {
  const nth = Math.floor((phys - growth.transientStart) / TRANSIENT_WINDOW_BYTES);
  const index = TRANSIENT_BASE.pool + nth;
  const owner = load(arena.i32, REGIONS.pools.word + index * REGIONS.pools.stride + POOL.transientOwner);
  if (owner !== device.index + 1) return null;
  const pool = readPool(arena, index, TRANSIENT_BASE.area + nth, TRANSIENT_BASE.slot + nth * SET_SLOTS);
  return isBounce(pool, phys) ? pool : null;
}

/** Number of a free window that starts at or below `startLast`, now claimed; -1 = none. */
function claimWindow(arena: Arena, growth: PoolGrowth, startLast: number): number {
  let nth = 0;
  let word = REGIONS.pools.word + TRANSIENT_BASE.pool * REGIONS.pools.stride + POOL.transientOwner;
  for (let start = growth.transientStart; start <= startLast; start += TRANSIENT_WINDOW_BYTES) {
    if (load(arena.i32, word) === 0 && compareExchange(arena.i32, word, 0, BEING_MADE)) return nth;
    nth += 1;
    word += REGIONS.pools.stride;
  }
  return -1;
}

/**
 * End of the windows that the device reaches (min_not_zero of mask and bus limit). The kernel compares this limit of bus
 * addresses with physical ones, whatever the dma-ranges: an unreachable pool is refused after the copy in.
 */
function reachEnd(device: DmaDevice, growth: PoolGrowth): number {
  const last = device.busDmaLimit === 0 ? device.dmaMask : Math.min(device.dmaMask, device.busDmaLimit);
  return Math.min(last + 1, growth.transientEnd);
}
