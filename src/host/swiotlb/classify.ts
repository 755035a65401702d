/**
 * Why a bounce failed, from the pool's real state: the kernel says "buffer is full" for six different troubles.
 *
 * The kernel's own words come first (swiotlb_tbl_map_single), the cause and its remedy after them.
 */
import type { Phys } from "../../base/addr.ts";
import { alignUp, DMA_MAPPING_ERROR, hex } from "../../base/addr.ts";
import type { Era } from "../../base/era.ts";
import { formatBytes } from "../../base/units.ts";
import type { HostContext } from "../context.ts";
import type { BouncePool, DmaDevice } from "../dma/device.ts";
import { busAddressText, physToDma } from "../dma/range_map.ts";
import { allocationBytes, neverFits } from "./bounce.ts";
import { slotsTotal } from "./grown.ts";
import { type Holding, holdings, type Occupancy, surveyPools } from "./occupancy.ts";
import { maxMappingBytes, SLOT_BYTES, slotsUsed } from "./pool.ts";
import { sharedPools } from "./pools.ts";
import { slotsOf } from "./slots.ts";

/** Cause of a failed bounce; `retry`: the pool has room by now, the same request would succeed. */
export type FullReason =
  | "no pool"
  | "request too large"
  | "alignment"
  | "outside dma-ranges"
  | "leaked"
  | "truly full"
  | "one area"
  | "fragmented"
  | "retry";

/** The failed request. */
export interface BounceRequest {
  readonly orig: Phys;
  readonly mappingBytes: number;
  readonly allocAlignMask: number;
}

/** Bounced mappings in flight of a device (index), as its driver counts them. */
export type LiveMappings = (device: number) => number;

/** A cause with its numbers; counts are slots of 2 KiB. */
export interface FullDiagnosis {
  readonly reason: FullReason;
  /** One sentence with the numbers that decide. */
  readonly why: string;
  readonly remedy: string;
  /** What the kernel of the era logs. */
  readonly kernelLines: readonly string[];
  /** Slots the request needs, padding included. */
  readonly nslots: number;
  readonly totalSlots: number;
  readonly usedSlots: number;
  readonly longestFreeRun: number;
  /** The device that leaks; null for other reasons. */
  readonly leak: Holding | null;
}

interface Cause {
  readonly reason: FullReason;
  readonly why: string;
  readonly remedy: string;
  readonly leak?: Holding;
}

interface Evidence {
  readonly device: DmaDevice;
  readonly pool: BouncePool;
  readonly request: BounceRequest;
  readonly nslots: number;
  readonly totalSlots: number;
  readonly usedSlots: number;
  readonly room: Occupancy;
  readonly leak: Holding | null;
  readonly leakLive: number;
}

/** A leak explains a failure when the device's stale mappings hold at least this share of the used slots. */
const LEAK_SHARE = 0.5;

/** Explains why `request` did not fit. Call it right after the failure; it changes nothing. */
export function classifyFull(
  ctx: HostContext,
  device: DmaDevice,
  request: BounceRequest,
  liveMappings: LiveMappings,
): FullDiagnosis {
  const pool = device.pool;
  if (pool === null) return noPool();
  const { orig, mappingBytes } = request;
  const allocAlignMask = ctx.era === "4.1" ? 0 : request.allocAlignMask;
  const allocBytes = allocationBytes(ctx.era, device.minAlignMask, allocAlignMask, orig, mappingBytes);
  const totalSlots = slotsTotal(ctx.arena, pool);
  const usedSlots = slotsUsed(ctx.arena, pool);
  const pools = sharedPools(ctx.arena, pool);
  const room = surveyPools(ctx, device, pools, orig, allocBytes, allocAlignMask);
  const held = holdings(ctx.arena, ...pools);
  const leak = held.find((holding) => isLeak(holding, liveMappings(holding.device), usedSlots)) ?? null;
  const nslots = slotsOf(allocBytes);
  const leakLive = leak === null ? 0 : liveMappings(leak.device);
  const cause = findCause({ device, pool, request, nslots, totalSlots, usedSlots, room, leak, leakLive });
  return {
    reason: cause.reason,
    why: cause.why,
    remedy: cause.remedy,
    kernelLines: fullLines(ctx.era, device.name, request, allocBytes, totalSlots, usedSlots),
    nslots,
    totalSlots,
    usedSlots,
    longestFreeRun: room.longestFreeRun,
    leak: cause.leak ?? null,
  };
}

/**
 * "swiotlb buffer is full" in the words of the era: [4.1] names no totals, [6.1] the caller's size,
 * [6.12] the size with front padding and rounding.
 */
export function fullLines(
  era: Era,
  deviceName: string,
  request: BounceRequest,
  allocBytes: number,
  totalSlots: number,
  usedSlots: number,
): readonly string[] {
  if (era === "4.1") {
    const bytes = request.mappingBytes;
    return [
      `swiotlb buffer is full (sz: ${bytes} bytes)`,
      `DMA: Out of SW-IOMMU space for ${bytes} bytes at device ${deviceName}`,
    ];
  }
  const bytes = era === "6.1" ? alignUp(request.mappingBytes, request.allocAlignMask + 1) : allocBytes;
  return [`swiotlb buffer is full (sz: ${bytes} bytes), total ${totalSlots} (slots), used ${usedSlots} (slots)`];
}

/** What the kernel logs when the device cannot reach the slot that a map got; it prints the bus address. */
export function overflowLine(device: DmaDevice, tlb: Phys, bytes: number): string {
  const limits = `mask ${hex(device.dmaMask)}, bus limit ${hex(device.busDmaLimit)}`;
  return `swiotlb addr ${busAddressText(physToDma(device.dmaRanges, tlb))}+${bytes} overflow (${limits})`;
}

function isLeak(holding: Holding, live: number, usedSlots: number): boolean {
  const stale = holding.mappings - live;
  if (stale <= 0) return false;
  return (holding.slots * stale) / holding.mappings >= usedSlots * LEAK_SHARE;
}

function findCause(seen: Evidence): Cause {
  if (neverFits(seen.nslots, seen.device.segBoundaryMask)) return tooLarge(seen);
  if (physToDma(seen.device.dmaRanges, seen.pool.start) === DMA_MAPPING_ERROR) return poolHidden(seen);
  if (seen.room.placesEmpty === 0) return neverAligned(seen);
  if (seen.room.placesNow > 0) return retry();
  if (seen.leak !== null) return leaked(seen, seen.leak);
  if (seen.room.freeSlots < seen.nslots) return trulyFull(seen);
  if (seen.room.areaFreeSlotsMax < seen.nslots) return oneArea(seen);
  return seen.room.longestFreeRun < seen.nslots ? fragmented(seen) : misaligned(seen);
}

function tooLarge({ device, request, nslots }: Evidence): Cause {
  const maxBytes = Math.min(maxMappingBytes(device.minAlignMask), device.segBoundaryMask + 1);
  return {
    reason: "request too large",
    why: `${request.mappingBytes} bytes need ${nslots} slots in one run; no mapping of this device can exceed ${maxBytes} bytes, however much is free`,
    remedy: `cap the device's segment and request size at dma_max_mapping_size (${maxBytes} bytes); a larger pool does not help`,
  };
}

/** A pool without a bus address has no slot that the search of 6.12 accepts, however empty it is. */
function poolHidden({ pool }: Evidence): Cause {
  return {
    reason: "outside dma-ranges",
    why: `no dma-range of the device shows the pool at ${hex(pool.start)}, so no slot has a bus address`,
    remedy: "put the pool where a dma-range shows it (swiotlb.start), or widen the device's dma_ranges",
  };
}

function neverAligned({ device, pool, request, nslots }: Evidence): Cause {
  const maxBytes = maxMappingBytes(device.minAlignMask);
  return {
    reason: "alignment",
    why: `no place of ${nslots} slots in a pool at ${hex(pool.start)} satisfies min_align_mask ${hex(device.minAlignMask)}, allocation alignment ${hex(request.allocAlignMask)} and segment boundary ${hex(device.segBoundaryMask)}, even when the pool is empty`,
    remedy: `keep requests at or below dma_max_mapping_size (${maxBytes} bytes) or relax the device's min_align_mask; a larger pool does not help`,
  };
}

function misaligned({ device, request, nslots, room }: Evidence): Cause {
  return {
    reason: "alignment",
    why: `free runs of up to ${room.longestFreeRun} slots exist, but none has ${nslots} slots at a start that min_align_mask ${hex(device.minAlignMask)}, allocation alignment ${hex(request.allocAlignMask)} and segment boundary ${hex(device.segBoundaryMask)} allow`,
    remedy: "enlarge swiotlb, use smaller requests, or start buffers on the device's alignment",
  };
}

function leaked({ totalSlots, usedSlots, leakLive }: Evidence, leak: Holding): Cause {
  return {
    reason: "leaked",
    why: `device ${leak.device} holds ${leak.slots} of ${usedSlots} used slots (pool of ${totalSlots}) by ${leak.mappings} mappings, but has ${leakLive} in flight`,
    remedy: "find the mapping call of this device whose unmap is missing; a larger pool only delays the failure",
    leak,
  };
}

function trulyFull({ totalSlots, nslots, usedSlots, room }: Evidence): Cause {
  return {
    reason: "truly full",
    why: `the request needs ${nslots} slots and ${room.freeSlots} of ${totalSlots} are free (${usedSlots} used by mappings in flight)`,
    remedy: `enlarge the pool (swiotlb=${totalSlots * 2}, ${formatBytes(totalSlots * 2 * SLOT_BYTES)}), lower iodepth, or unmap earlier`,
  };
}

function oneArea({ pool, nslots, room }: Evidence): Cause {
  return {
    reason: "one area",
    why: `${room.freeSlots} slots are free, but a mapping lies in one area and none of the ${pool.nareas} areas has ${nslots} free (at most ${room.areaFreeSlotsMax})`,
    remedy: "use fewer areas (second number of swiotlb=) or enlarge the pool",
  };
}

function fragmented({ totalSlots, nslots, room }: Evidence): Cause {
  return {
    reason: "fragmented",
    why: `${room.freeSlots} of ${totalSlots} slots are free, but the longest free run has ${room.longestFreeRun} and the request needs ${nslots} in one slot set`,
    remedy: "enlarge swiotlb so that long runs survive, or use smaller requests (max_sectors_kb, segment size)",
  };
}

function retry(): Cause {
  return {
    reason: "retry",
    why: "room was released between the failure and this look",
    remedy: "retry the mapping: the pool is at its limit, enlarge it if this happens often",
  };
}

function noPool(): FullDiagnosis {
  return {
    reason: "no pool",
    why: "the machine has no bounce pool",
    remedy: "give the machine a swiotlb pool, an IOMMU, or a device with a wider mask",
    kernelLines: ["Can not allocate SWIOTLB buffer earlier and can't now provide you with the DMA bounce buffer"],
    nslots: 0,
    totalSlots: 0,
    usedSlots: 0,
    longestFreeRun: 0,
    leak: null,
  };
}
