/**
 * What a pool holds right now: free runs, places for a request, who owns the taken slots.
 *
 * Reads the slots without locks: under the wall clock the picture may be a few mappings old, which
 * is good enough to explain a failure and never to decide one.
 */
import type { Phys } from "../../base/addr.ts";
import { lowBits } from "../../base/addr.ts";
import type { Arena } from "../../shm/arena.ts";
import { AREA, SLOT } from "../../shm/layout.ts";
import type { HostContext } from "../context.ts";
import type { BouncePool, DmaDevice } from "../dma/device.ts";
import { areaWord, SET_SLOTS, SLOT_BYTES, slotWord } from "./pool.ts";
import {
  addressMask,
  crossesWindow,
  matchMask,
  slotsOf,
  startsAllocation,
  strideSlots,
  windowBase,
  windowSlots,
} from "./slots.ts";

/** How a pool can serve one request. */
export interface Occupancy {
  /** Free slots of the pool, and of the area that has most. */
  readonly freeSlots: number;
  readonly areaFreeSlotsMax: number;
  readonly longestFreeRun: number;
  /** Places of the request's length in an empty pool, and free ones now, that satisfy alignment and segment boundary. */
  readonly placesEmpty: number;
  readonly placesNow: number;
}

/** What a device holds in the pool. */
export interface Holding {
  /** Device index. */
  readonly device: number;
  readonly slots: number;
  readonly mappings: number;
}

/** Surveys the pool for a request of `allocBytes` (padding included). */
export function surveyPool(
  ctx: HostContext,
  device: DmaDevice,
  pool: BouncePool,
  orig: Phys,
  allocBytes: number,
  allocAlignMask: number,
): Occupancy {
  const { arena } = ctx;
  const nslots = slotsOf(allocBytes);
  const isPlace = placeTest(ctx, device, pool, orig, allocBytes, allocAlignMask);
  let longestFreeRun = 0;
  let placesEmpty = 0;
  let placesNow = 0;
  for (let slot = 0; slot < pool.nslabs; slot += 1) {
    const run = arena.i32[slotWord(pool, slot) + SLOT.list] as number;
    longestFreeRun = Math.max(longestFreeRun, run);
    if (SET_SLOTS - (slot & (SET_SLOTS - 1)) < nslots || !isPlace(slot)) continue;
    placesEmpty += 1;
    if (run >= nslots) placesNow += 1;
  }
  return { ...areaRoom(arena, pool), longestFreeRun, placesEmpty, placesNow };
}

/** {@link surveyPool} of several pools together. */
export function surveyPools(
  ctx: HostContext,
  device: DmaDevice,
  pools: readonly BouncePool[],
  orig: Phys,
  allocBytes: number,
  allocAlignMask: number,
): Occupancy {
  const seen = pools.map((pool) => surveyPool(ctx, device, pool, orig, allocBytes, allocAlignMask));
  return seen.reduce((sum, one) => ({
    freeSlots: sum.freeSlots + one.freeSlots,
    areaFreeSlotsMax: Math.max(sum.areaFreeSlotsMax, one.areaFreeSlotsMax),
    longestFreeRun: Math.max(sum.longestFreeRun, one.longestFreeRun),
    placesEmpty: sum.placesEmpty + one.placesEmpty,
    placesNow: sum.placesNow + one.placesNow,
  }));
}

/** What every device holds in the pools together, most slots first. */
export function holdings(arena: Arena, ...pools: readonly BouncePool[]): readonly Holding[] {
  const slots = new Map<number, number>();
  const mappings = new Map<number, number>();
  for (const pool of pools) addHoldings(arena, pool, slots, mappings);
  return [...slots]
    .map(([device, held]) => ({ device, slots: held, mappings: mappings.get(device) ?? 0 }))
    .sort((a, b) => b.slots - a.slots || a.device - b.device);
}

function addHoldings(arena: Arena, pool: BouncePool, slots: Map<number, number>, mappings: Map<number, number>): void {
  for (let slot = 0; slot < pool.nslabs; slot += 1) {
    const word = slotWord(pool, slot);
    if (arena.i32[word + SLOT.list] !== 0) continue;
    const device = (arena.i32[word + SLOT.owner] as number) - 1;
    slots.set(device, (slots.get(device) ?? 0) + 1);
    if (startsAllocation(arena, pool, slot)) mappings.set(device, (mappings.get(device) ?? 0) + 1);
  }
}

function areaRoom(arena: Arena, pool: BouncePool): { freeSlots: number; areaFreeSlotsMax: number } {
  let freeSlots = 0;
  let areaFreeSlotsMax = 0;
  for (let area = 0; area < pool.nareas; area += 1) {
    const free = pool.areaNslabs - (arena.i32[areaWord(pool, area) + AREA.used] as number);
    freeSlots += free;
    areaFreeSlotsMax = Math.max(areaFreeSlotsMax, free);
  }
  return { freeSlots, areaFreeSlotsMax };
}

/** The conditions of the search on a start slot, apart from its being free. The eras that align only by stride count from the area's start. */
function placeTest(
  ctx: HostContext,
  device: DmaDevice,
  pool: BouncePool,
  orig: Phys,
  allocBytes: number,
  allocAlignMask: number,
): (slot: number) => boolean {
  const zeroMask = addressMask(ctx.era, allocBytes, allocAlignMask, device.minAlignMask);
  const agreeMask = matchMask(ctx.era, zeroMask, device.minAlignMask);
  const stride = strideSlots(ctx.era, allocBytes, allocAlignMask, zeroMask, agreeMask);
  const sameMask = orig === 0 ? 0 : agreeMask;
  const byStride = (ctx.era === "4.1" || ctx.era === "6.1") && sameMask === 0;
  const base = windowBase(device, pool);
  const window = windowSlots(device.segBoundaryMask);
  return (slot) => {
    const addr = base + slot * SLOT_BYTES;
    if (byStride && (slot % pool.areaNslabs) % stride !== 0) return false;
    if (lowBits(addr, zeroMask + 1) !== 0) return false;
    if (lowBits(addr, sameMask + 1) !== lowBits(orig, sameMask + 1)) return false;
    return !crossesWindow(slotsOf(base) + slot, slotsOf(allocBytes), window);
  };
}
