/**
 * Taking and returning slots: the next-fit search over free-run lengths (kernel/dma/swiotlb.c).
 *
 * Words:      SLOT.list, allocSize, padSlots, owner and AREA.index, used: holder of the area's lock;
 *             SLOT.origAddr of a taken slot: the mapping that owns it, without the lock. An unmap also reads allocSize
 *             of the slot before its own without the lock: whatever that slot holds meanwhile gives the same answer.
 * States:     free (list = free slots from here to the end of the run, never past the slot set),
 *             taken (list = 0).
 * Invariants: runs never join over a slot set's end, so a slot set belongs to one area and one lock;
 *             AREA.used = taken slots of the area; the cursor moves on a take only (a returned slot
 *             is used again after the cursor wraps).
 * Ordering:   everything under the area's lock; POOL.used follows by fetch-add after it.
 * Progress:   one area at a time, each at most once a call; a search looks at areaNslabs slots at most.
 * Forbidden:  two mappings of one slot; a lock held over a payload copy.
 * Proof:      test/property/swiotlb.test.ts, test/litmus/allocators.test.ts, test/proof
 */
import type { Phys } from "../../base/addr.ts";
import { alignDownWide, alignUp, lowBits, PAGE_BYTES } from "../../base/addr.ts";
import { COST_LOCK } from "../../base/cost.ts";
import type { Era } from "../../base/era.ts";
import type { Arena } from "../../shm/arena.ts";
import { AREA, SLOT } from "../../shm/layout.ts";
import { lock, unlock } from "../../shm/mutex.ts";
import type { HostContext } from "../context.ts";
import type { BouncePool, DmaDevice } from "../dma/device.ts";
import { physToDma } from "../dma/range_map.ts";
import {
  areaWord,
  clearSlot,
  countReleased,
  countTaken,
  SET_SLOTS,
  SLOT_BYTES,
  SLOT_SHIFT,
  SLOT_STRIDE,
  slotWord,
} from "./pool.ts";

/** Low address bits that the search looks at; a pool (1 GiB) above it still stays below 2^31. */
const LOW_BYTES = 2 ** 30;
const LIST = SLOT.list;

/** Slots of an allocation. */
export function slotsOf(bytes: number): number {
  return Math.ceil(bytes / SLOT_BYTES);
}

/**
 * Bits of a slot's address that must be zero. Since [6.12] a page and more is page-aligned in
 * absolute addresses unless an alignment is given; before, only the stride aligned, relative to the pool.
 */
export function addressMask(era: Era, allocBytes: number, allocAlignMask: number, minAlignMask: number): number {
  if (era === "4.1" || era === "6.1") return 0;
  const pageRule = allocAlignMask === 0 && minAlignMask === 0 && allocBytes >= PAGE_BYTES;
  return (pageRule ? PAGE_BYTES - 1 : allocAlignMask) | (SLOT_BYTES - 1);
}

/** Bits in which a slot's address must agree with the original's; those below a slot are the offset into it. */
export function matchMask(era: Era, zeroMask: number, minAlignMask: number): number {
  if (era === "4.1") return 0;
  return minAlignMask & ~(zeroMask | (SLOT_BYTES - 1));
}

/** Slots from one candidate to the next. */
export function strideSlots(
  era: Era,
  allocBytes: number,
  allocAlignMask: number,
  zeroMask: number,
  sameMask: number,
): number {
  if (era === "4.1") return allocBytes > PAGE_BYTES ? PAGE_BYTES / SLOT_BYTES : 1;
  if (era !== "6.1") return (Math.max(zeroMask, sameMask) >>> SLOT_SHIFT) + 1;
  const own = (sameMask >>> SLOT_SHIFT) + 1;
  const paged = allocBytes >= PAGE_BYTES ? own * (PAGE_BYTES / SLOT_BYTES) : own;
  return Math.max(paged, (allocAlignMask >>> SLOT_SHIFT) + 1);
}

/** Bus address of slot 0 inside its segment-boundary window, which is what the search compares. */
export function windowBase(device: DmaDevice, pool: BouncePool): number {
  const start = physToDma(device.dmaRanges, pool.start);
  return start - alignDownWide(start, device.segBoundaryMask + 1);
}

/** Slots of a segment-boundary window. */
export function windowSlots(segBoundaryMask: number): number {
  return Math.floor(segBoundaryMask / SLOT_BYTES) + 1;
}

/** True when `nslots` from `slot` (counted from a window's start) leave their window (iommu_is_span_boundary). */
export function crossesWindow(slot: number, nslots: number, window: number): boolean {
  return slot - Math.floor(slot / window) * window + nslots > window;
}

/**
 * First slot of `allocBytes` (padding included) for `orig`, or -1. Starts in the area of the calling
 * CPU and tries every area once. `offset` is the part of a slot that the original's alignment skips.
 */
export function takeSlots(
  ctx: HostContext,
  device: DmaDevice,
  pool: BouncePool,
  orig: Phys,
  allocBytes: number,
  allocAlignMask: number,
  offset: number,
): number {
  let area = ctx.cpu & (pool.nareas - 1);
  for (let tried = 0; tried < pool.nareas; tried += 1) {
    const slot = takeFromArea(ctx, device, pool, area, orig, allocBytes, allocAlignMask, offset);
    if (slot >= 0) {
      countTaken(ctx.arena, pool, slotsOf(allocBytes));
      ctx.cost.slotsTaken += slotsOf(allocBytes);
      return slot;
    }
    area = area + 1 === pool.nareas ? 0 : area + 1;
  }
  return -1;
}

/** Returns `nslots` slots from `slot`. */
export function returnSlots(ctx: HostContext, pool: BouncePool, slot: number, nslots: number): void {
  returnToArea(ctx, pool, slot, nslots);
  countReleased(ctx.arena, pool, nslots);
}

/** {@link returnSlots} without the pool's count; the slots join the free runs after and before them in their slot set. */
export function returnToArea(ctx: HostContext, pool: BouncePool, slot: number, nslots: number): void {
  const area = Math.floor(slot / pool.areaNslabs);
  const areaAt = areaWord(pool, area);
  const words = ctx.arena.i32;
  lock(words, areaAt + AREA.lock, ctx.lockOwner);
  const touched = freeRun(ctx.arena, pool, slot, nslots);
  words[areaAt + AREA.used] = (words[areaAt + AREA.used] as number) - nslots;
  unlock(words, areaAt + AREA.lock, ctx.lockOwner);
  ctx.cost.addLock(COST_LOCK.swiotlbArea, pool.areaBase + area, touched);
}

/**
 * True when the taken `slot` is the first of its allocation. Exact: inside an allocation allocSize falls by one slot
 * from each to the next, it ends at most one slot above zero, and it begins above zero. Who owns `slot` needs no lock:
 * the slot before is free (0) or the last of another allocation (one slot at most), however it changes meanwhile.
 */
export function startsAllocation(arena: Arena, pool: BouncePool, slot: number): boolean {
  if ((slot & (SET_SLOTS - 1)) === 0) return true;
  const before = arena.i32[slotWord(pool, slot - 1) + SLOT.allocSize] as number;
  return before - SLOT_BYTES !== (arena.i32[slotWord(pool, slot) + SLOT.allocSize] as number);
}

/** {@link takeSlots} in one area, without the pool's count. */
export function takeFromArea(
  ctx: HostContext,
  device: DmaDevice,
  pool: BouncePool,
  area: number,
  orig: Phys,
  allocBytes: number,
  allocAlignMask: number,
  offset: number,
): number {
  const words = ctx.arena.i32;
  const areaAt = areaWord(pool, area);
  const nslots = slotsOf(allocBytes);
  const probedBefore = ctx.cost.slotsProbed;
  lock(words, areaAt + AREA.lock, ctx.lockOwner);
  let slot = -1;
  // The 2015 pool has no count to look at first: it searches even when it is full.
  if (ctx.era === "4.1" || nslots <= pool.areaNslabs - (words[areaAt + AREA.used] as number)) {
    slot = search(ctx, device, pool, area, orig, allocBytes, allocAlignMask);
    if (slot >= 0) {
      markTaken(ctx.arena, pool, slot, nslots, allocBytes - offset, device.index + 1);
      const next = slot - area * pool.areaNslabs + nslots;
      words[areaAt + AREA.index] = next >= pool.areaNslabs ? 0 : next;
      words[areaAt + AREA.used] = (words[areaAt + AREA.used] as number) + nslots;
    }
  }
  unlock(words, areaAt + AREA.lock, ctx.lockOwner);
  ctx.cost.addLock(COST_LOCK.swiotlbArea, pool.areaBase + area, ctx.cost.slotsProbed - probedBefore);
  return slot;
}

/** The search proper, under the area's lock: pool-wide slot number or -1; adds the slots looked at to the cost. */
function search(
  ctx: HostContext,
  device: DmaDevice,
  pool: BouncePool,
  area: number,
  orig: Phys,
  allocBytes: number,
  allocAlignMask: number,
): number {
  const words = ctx.arena.i32;
  const nslots = slotsOf(allocBytes);
  const zeroMask = addressMask(ctx.era, allocBytes, allocAlignMask, device.minAlignMask);
  const agreeMask = matchMask(ctx.era, zeroMask, device.minAlignMask);
  const stride = strideSlots(ctx.era, allocBytes, allocAlignMask, zeroMask, agreeMask);
  // Physical address 0 stands for "no original": nothing to agree with.
  const sameMask = orig === 0 ? 0 : agreeMask;
  const same = lowBits(orig, sameMask + 1);
  const base = windowBase(device, pool);
  // Offsets below 2^31, so the masks may be applied to them directly.
  const baseLow = lowBits(base, LOW_BYTES);
  const baseSlots = slotsOf(base);
  const window = windowSlots(device.segBoundaryMask);
  const first = area * pool.areaNslabs;
  const cursor = words[areaWord(pool, area) + AREA.index] as number;
  let at = ctx.era === "4.1" || ctx.era === "6.1" ? alignUp(cursor, stride) : cursor;
  if (at >= pool.areaNslabs) at = 0;
  let checked = 0;
  while (checked < pool.areaNslabs) {
    const slot = first + at;
    const low = baseLow + slot * SLOT_BYTES;
    let step = 1;
    ctx.cost.slotsProbed += 1;
    if ((low & zeroMask) === 0 && (low & sameMask) === same) {
      const run = words[slotWord(pool, slot) + LIST] as number;
      if (run >= nslots && !crossesWindow(baseSlots + slot, nslots, window)) return slot;
      step = stride;
    }
    checked += step;
    at += step;
    if (at >= pool.areaNslabs) at = 0;
  }
  return -1;
}

/** Takes the slots out of their run and shortens the counts before them. `viewBytes` counts from the original's first byte. */
function markTaken(
  arena: Arena,
  pool: BouncePool,
  slot: number,
  nslots: number,
  viewBytes: number,
  owner: number,
): void {
  const words = arena.i32;
  for (let i = 0; i < nslots; i += 1) {
    const word = slotWord(pool, slot + i);
    words[word + LIST] = 0;
    words[word + SLOT.allocSize] = viewBytes - i * SLOT_BYTES;
    words[word + SLOT.owner] = owner;
  }
  recountBefore(arena, pool, slot, 0);
}

/** Number of slots whose words changed. */
function freeRun(arena: Arena, pool: BouncePool, slot: number, nslots: number): number {
  const end = slot + nslots;
  const atSetEnd = (end & (SET_SLOTS - 1)) === 0 || end === pool.nslabs;
  let run = atSetEnd ? 0 : (arena.i32[slotWord(pool, end) + LIST] as number);
  for (let i = end - 1; i >= slot; i -= 1) {
    run += 1;
    clearSlot(arena, slotWord(pool, i), run);
  }
  return nslots + recountBefore(arena, pool, slot, run);
}

/** Renumbers the free slots directly before `slot` in its slot set, which is followed by `run` free slots. Returns how many. */
function recountBefore(arena: Arena, pool: BouncePool, slot: number, run: number): number {
  const words = arena.i32;
  const before = slot & (SET_SLOTS - 1);
  let word = slotWord(pool, slot) + LIST;
  let count = 0;
  while (count < before) {
    word -= SLOT_STRIDE;
    if (words[word] === 0) break;
    count += 1;
    words[word] = run + count;
  }
  return count;
}
