/**
 * All pools of a device: the booted one, those that growth added, the device's transient ones (swiotlb_find_pool,
 * swiotlb_find_slots).
 *
 * Slots of every pool count in the booted pool's record: io_tlb_used is one number of the machine. A pool other than
 * the booted one is described anew from its record at every use; that is not the fast path.
 */
import type { Phys } from "../../base/addr.ts";
import { defined } from "../../base/assert.ts";
import type { Arena } from "../../shm/arena.ts";
import type { HostContext } from "../context.ts";
import type { BouncePool, DmaDevice } from "../dma/device.ts";
import { findGrown, grownPool, grownPools, requestGrowth } from "./grown.ts";
import { countReleased, countTaken, isBounce } from "./pool.ts";
import { returnToArea, slotsOf, takeFromArea } from "./slots.ts";
import { dropTransient, findTransient, isTransient, takeTransient } from "./transient.ts";

/** Where slots were taken. */
export interface PoolPlace {
  readonly pool: BouncePool;
  readonly slot: number;
}

/** The pool that holds `phys`: shared pools first, then the device's transient ones; null = not bounced. */
export function findPool(arena: Arena, device: DmaDevice, phys: Phys): BouncePool | null {
  const booted = device.pool;
  if (booted === null || isBounce(booted, phys)) return booted;
  return booted.growth === undefined ? null : findAdded(arena, device, booted, phys);
}

/**
 * Slots of a pool that may grow, arguments as of takeSlots. Looks in the calling CPU's area of every pool, the newest
 * first, then in their next areas. When nothing has room it schedules growth and makes a transient pool for this mapping.
 */
export function takeFromPools(
  ctx: HostContext,
  device: DmaDevice,
  booted: BouncePool,
  orig: Phys,
  allocBytes: number,
  allocAlignMask: number,
  offset: number,
): PoolPlace | null {
  const place =
    takeShared(ctx, device, booted, orig, allocBytes, allocAlignMask, offset) ??
    takeOwn(ctx, device, booted, orig, allocBytes, allocAlignMask, offset);
  if (place === null) return null;
  countTaken(ctx.arena, booted, slotsOf(allocBytes));
  ctx.cost.slotsTaken += slotsOf(allocBytes);
  return place;
}

/** Returns the slots of a mapping in a pool other than the booted one; a transient pool goes with them. */
export function returnToPool(
  ctx: HostContext,
  device: DmaDevice,
  pool: BouncePool,
  slot: number,
  nslots: number,
): void {
  const booted = defined(device.pool ?? undefined, "a device that bounces has a booted pool");
  if (isTransient(pool)) dropTransient(ctx, booted, pool);
  else returnToArea(ctx, pool, slot, nslots);
  countReleased(ctx.arena, booted, nslots);
}

function findAdded(arena: Arena, device: DmaDevice, booted: BouncePool, phys: Phys): BouncePool | null {
  const growth = booted.growth;
  if (growth === undefined || phys < growth.grownStart || phys >= growth.transientEnd) return null;
  return phys < growth.grownEnd ? findGrown(arena, booted, phys) : findTransient(arena, device, growth, phys);
}

function takeShared(
  ctx: HostContext,
  device: DmaDevice,
  booted: BouncePool,
  orig: Phys,
  allocBytes: number,
  allocAlignMask: number,
  offset: number,
): PoolPlace | null {
  const pools = sharedPools(ctx.arena, booted);
  for (let tried = 0; tried < booted.nareas; tried += 1) {
    for (let i = 0; i < pools.length; i += 1) {
      const pool = pools[i] as BouncePool;
      if (tried >= pool.nareas) continue;
      const area = (ctx.cpu + tried) & (pool.nareas - 1);
      const slot = takeFromArea(ctx, device, pool, area, orig, allocBytes, allocAlignMask, offset);
      if (slot >= 0) return { pool, slot };
    }
  }
  return null;
}

function takeOwn(
  ctx: HostContext,
  device: DmaDevice,
  booted: BouncePool,
  orig: Phys,
  allocBytes: number,
  allocAlignMask: number,
  offset: number,
): PoolPlace | null {
  if (booted.growth === undefined) return null;
  requestGrowth(ctx.arena, booted);
  const pool = takeTransient(ctx, device, booted, booted.growth, orig, allocBytes, allocAlignMask, offset);
  return pool === null ? null : { pool, slot: 0 };
}

/** The booted pool and those that growth added, the newest first: add_mem_pool puts a pool at the head of the list. */
export function sharedPools(arena: Arena, booted: BouncePool): readonly BouncePool[] {
  const pools: BouncePool[] = [];
  for (let nth = grownPools(arena, booted) - 1; nth >= 0; nth -= 1) pools.push(grownPool(arena, nth));
  pools.push(booted);
  return pools;
}
