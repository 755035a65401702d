/**
 * Bouncing: a mapping's bytes live in pool slots while the device owns them (kernel/dma/swiotlb.c).
 *
 * ```
 * orig   ....[....mapping....]
 *            | copy in at map, copy out at unmap
 * slots  |pad|off[....mapping....]rounding|
 *                ^ the address that swiotlbMap returns
 * ```
 * The area's lock is never held while bytes move: a taken slot belongs to its mapping alone.
 */
import type { Phys } from "../../base/addr.ts";
import { alignUp, lowBits } from "../../base/addr.ts";
import type { Era } from "../../base/era.ts";
import type { Arena } from "../../shm/arena.ts";
import { SLOT } from "../../shm/layout.ts";
import type { HostContext } from "../context.ts";
import { ATTR, type BouncePool, DIR, type DmaDevice } from "../dma/device.ts";
import { dmaCapable } from "../dma/limits.ts";
import { physToDma } from "../dma/range_map.ts";
import { MAP_FAILURES } from "../status.ts";
import { SET_SLOTS, SLOT_BYTES, SLOT_SHIFT, slotWord } from "./pool.ts";
import { findPool, returnToPool, takeFromPools } from "./pools.ts";
import { returnSlots, slotsOf, startsAllocation, takeSlots, windowSlots } from "./slots.ts";

/** Offset of the original inside a slot that the device's min_align_mask keeps (swiotlb_align_offset); 0 in [4.1]. */
export function slotOffset(era: Era, minAlignMask: number, addr: Phys): number {
  return era === "4.1" ? 0 : lowBits(addr, (minAlignMask & (SLOT_BYTES - 1)) + 1);
}

/**
 * Bytes between the first slot taken and the mapping. Since [6.12] the bits below an allocation
 * alignment are kept as well, in whole padding slots.
 */
export function frontPadding(era: Era, minAlignMask: number, allocAlignMask: number, orig: Phys): number {
  if (era === "4.1" || era === "6.1") return slotOffset(era, minAlignMask, orig);
  return lowBits(orig, (minAlignMask & (allocAlignMask | (SLOT_BYTES - 1))) + 1);
}

/** Bytes that the search looks for: the mapping, its front padding, and the rounding that the alignment asks for. */
export function allocationBytes(
  era: Era,
  minAlignMask: number,
  allocAlignMask: number,
  orig: Phys,
  mappingBytes: number,
): number {
  const front = frontPadding(era, minAlignMask, allocAlignMask, orig);
  if (era === "4.1") return mappingBytes;
  if (era === "6.1") return alignUp(mappingBytes, allocAlignMask + 1) + front;
  return alignUp(mappingBytes + front, allocAlignMask + 1);
}

/** True when no pool, however large and empty, has a run of that many slots. */
export function neverFits(nslots: number, segBoundaryMask: number): boolean {
  return nslots > SET_SLOTS || nslots > windowSlots(segBoundaryMask);
}

/**
 * Maps `mappingBytes` at `orig` through the device's pool: physical address of the bounced bytes, or
 * -(code of MAP_FAILURES). `allocAlignMask` is 0 but for untrusted devices behind an IOMMU (granule - 1).
 * No attribute changes a map: SKIP_CPU_SYNC does not spare the copy in, NO_WARN only silences the caller.
 */
export function swiotlbMap(
  ctx: HostContext,
  device: DmaDevice,
  orig: Phys,
  mappingBytes: number,
  allocAlignMask: number,
  dir: number,
  _attrs: number,
): number {
  const pool = device.pool;
  if (pool === null) return -MAP_FAILURES.maskOverflow.code;
  if (mappingBytes <= 0) return -MAP_FAILURES.invalid.code;
  const alignMask = ctx.era === "4.1" ? 0 : allocAlignMask;
  const allocBytes = allocationBytes(ctx.era, device.minAlignMask, alignMask, orig, mappingBytes);
  const offset = slotOffset(ctx.era, device.minAlignMask, orig);
  let from = pool;
  let first: number;
  if (pool.growth === undefined) first = takeSlots(ctx, device, pool, orig, allocBytes, alignMask, offset);
  else {
    const place = takeFromPools(ctx, device, pool, orig, allocBytes, alignMask, offset);
    first = place === null ? -1 : place.slot;
    if (place !== null) from = place.pool;
  }
  if (first < 0) {
    const large = neverFits(slotsOf(allocBytes), device.segBoundaryMask);
    return large ? -MAP_FAILURES.tooLarge.code : -MAP_FAILURES.poolFull.code;
  }
  const padSlots = frontPadding(ctx.era, device.minAlignMask, alignMask, orig) >>> SLOT_SHIFT;
  noteOrig(ctx.arena, from, first, padSlots, slotsOf(allocBytes), orig);
  const tlb = from.start + (first + padSlots) * SLOT_BYTES + offset;
  return finishMap(ctx, device, from, tlb, mappingBytes, dir);
}

/**
 * Copies out when the device wrote (unless SKIP_CPU_SYNC) and returns the slots. Gives the bytes
 * copied, or -(code of MAP_FAILURES) when `tlb` starts no mapping or the copy found no memory.
 */
export function swiotlbUnmap(
  ctx: HostContext,
  device: DmaDevice,
  tlb: Phys,
  mappingBytes: number,
  dir: number,
  attrs: number,
): number {
  const pool = findPool(ctx.arena, device, tlb);
  if (pool === null || !isMapped(ctx.arena, pool, tlb)) return -MAP_FAILURES.invalid.code;
  if (!isMappingStart(ctx, device, pool, tlb)) return -MAP_FAILURES.invalid.code;
  const copies = deviceWrites(dir) && (attrs & ATTR.skipCpuSync) === 0;
  const moved = copies ? bounce(ctx, device, pool, tlb, mappingBytes, false) : 0;
  release(ctx, device, pool, tlb);
  return moved;
}

/** Copies what the device wrote to the original; any sub-range of a mapping. Returns as {@link swiotlbUnmap}. */
export function swiotlbSyncForCpu(ctx: HostContext, device: DmaDevice, tlb: Phys, bytes: number, dir: number): number {
  const pool = findPool(ctx.arena, device, tlb);
  if (pool === null || !isMapped(ctx.arena, pool, tlb)) return -MAP_FAILURES.invalid.code;
  return deviceWrites(dir) ? bounce(ctx, device, pool, tlb, bytes, false) : 0;
}

/** Copies what the CPU wrote to the slots; any sub-range of a mapping. Returns as {@link swiotlbUnmap}. */
export function swiotlbSyncForDevice(
  ctx: HostContext,
  device: DmaDevice,
  tlb: Phys,
  bytes: number,
  dir: number,
): number {
  const pool = findPool(ctx.arena, device, tlb);
  if (pool === null || !isMapped(ctx.arena, pool, tlb)) return -MAP_FAILURES.invalid.code;
  return deviceReads(dir) ? bounce(ctx, device, pool, tlb, bytes, true) : 0;
}

/** Copy in, then the check that the device reaches the slots; both may give them back. */
function finishMap(
  ctx: HostContext,
  device: DmaDevice,
  pool: BouncePool,
  tlb: Phys,
  mappingBytes: number,
  dir: number,
): number {
  // FROM_DEVICE copies in too since the information-leak fix: bytes the device leaves alone must come back unchanged.
  if (ctx.era !== "4.1" || deviceReads(dir)) {
    const moved = bounce(ctx, device, pool, tlb, mappingBytes, true);
    if (moved < 0) {
      release(ctx, device, pool, tlb);
      return moved;
    }
  }
  if (device.domain === null && !dmaCapable(device, physToDma(device.dmaRanges, tlb), mappingBytes)) {
    release(ctx, device, pool, tlb);
    return -MAP_FAILURES.maskOverflow.code;
  }
  return tlb;
}

/** Notes which original bytes each slot after the padding stands for. */
function noteOrig(arena: Arena, pool: BouncePool, first: number, padSlots: number, nslots: number, orig: Phys): void {
  arena.i32[slotWord(pool, first + padSlots) + SLOT.padSlots] = padSlots;
  for (let i = 0; i < nslots - padSlots; i += 1) {
    const word = slotWord(pool, first + padSlots + i);
    arena.f64[(word + SLOT.origAddr) >>> 1] = orig + i * SLOT_BYTES;
  }
}

/** Moves bytes between slots and original; the bytes moved (clipped to the allocation), or -(noBacking). */
function bounce(
  ctx: HostContext,
  device: DmaDevice,
  pool: BouncePool,
  tlb: Phys,
  bytes: number,
  toSlots: boolean,
): number {
  const word = slotWord(pool, (tlb - pool.start) >>> SLOT_SHIFT);
  const slotOrig = ctx.arena.f64[(word + SLOT.origAddr) >>> 1] as number;
  // Negative in the head of a later slot: the original's offset shifts every slot's view by as much.
  const into = lowBits(tlb, SLOT_BYTES) - slotOffset(ctx.era, device.minAlignMask, slotOrig);
  const left = (ctx.arena.i32[word + SLOT.allocSize] as number) - into;
  // "Buffer overflow detected": the kernel warns and clips; [4.1] does not know the allocation's size.
  const moved = ctx.era === "4.1" ? bytes : Math.min(bytes, left);
  if (moved <= 0) return 0;
  const orig = slotOrig + into;
  const done = toSlots ? ctx.copyPort.copy(tlb, orig, moved) : ctx.copyPort.copy(orig, tlb, moved);
  if (!done) return -MAP_FAILURES.noBacking.code;
  ctx.cost.bytesBounced += moved;
  return moved;
}

/** Returns all slots of the mapping at `tlb`, padding included. */
function release(ctx: HostContext, device: DmaDevice, pool: BouncePool, tlb: Phys): void {
  const offset = slotOffset(ctx.era, device.minAlignMask, tlb);
  const mapped = (tlb - offset - pool.start) >>> SLOT_SHIFT;
  const first = mapped - (ctx.arena.i32[slotWord(pool, mapped) + SLOT.padSlots] as number);
  const viewBytes = ctx.arena.i32[slotWord(pool, first) + SLOT.allocSize] as number;
  const nslots = slotsOf(viewBytes + offset);
  if (pool === device.pool) returnSlots(ctx, pool, first, nslots);
  else returnToPool(ctx, device, pool, first, nslots);
}

/** True when `tlb`, which lies in the pool, lies in a slot that stands for original bytes. */
function isMapped(arena: Arena, pool: BouncePool, tlb: Phys): boolean {
  const word = slotWord(pool, (tlb - pool.start) >>> SLOT_SHIFT);
  return arena.i32[word + SLOT.list] === 0 && (arena.f64[(word + SLOT.origAddr) >>> 1] as number) >= 0;
}

/** True when `tlb`, which lies in a mapping, is the address that {@link swiotlbMap} returned for it. */
function isMappingStart(ctx: HostContext, device: DmaDevice, pool: BouncePool, tlb: Phys): boolean {
  const slot = (tlb - pool.start) >>> SLOT_SHIFT;
  const word = slotWord(pool, slot);
  const slotOrig = ctx.arena.f64[(word + SLOT.origAddr) >>> 1] as number;
  if (lowBits(tlb, SLOT_BYTES) !== slotOffset(ctx.era, device.minAlignMask, slotOrig)) return false;
  return ctx.arena.i32[word + SLOT.padSlots] !== 0 || startsAllocation(ctx.arena, pool, slot);
}

function deviceReads(dir: number): boolean {
  return dir === DIR.toDevice || dir === DIR.bidirectional;
}

function deviceWrites(dir: number): boolean {
  return dir === DIR.fromDevice || dir === DIR.bidirectional;
}
