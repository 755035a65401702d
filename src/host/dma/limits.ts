/**
 * What a device can be asked for: masks and the limits that drivers query (kernel/dma/mapping.c, direct.c).
 */
import { DMA_MAPPING_ERROR, type Phys } from "../../base/addr.ts";
import type { Era } from "../../base/era.ts";
import { maxMappingBytes } from "../swiotlb/pool.ts";
import { ATTR, type DmaDevice, type DmaDomain } from "./device.ts";
import { physToDma } from "./range_map.ts";

/** Largest segment of a device without dma_parms. */
export const MAX_SEG_BYTES_DEFAULT = 65536;
/** SIZE_MAX as far as a Number can name it: no limit. */
export const BYTES_UNLIMITED = Number.MAX_SAFE_INTEGER;
/** Ranges up to this many granules are served by the IOVA caches. */
const IOVA_CACHED_PAGES = 32;

/** Boundary mask of a device without dma_parms: 4 GiB - 1 in 4.1, none since. */
export function segBoundaryMaskDefault(era: Era): number {
  return era === "4.1" ? 0xffffffff : Number.MAX_SAFE_INTEGER;
}

/** Last address that the device and the buses above it can carry, inclusive (min_not_zero of mask and bus limit). */
export function dmaLimit(device: DmaDevice): number {
  const busLimit = device.busDmaLimit;
  return busLimit !== 0 && busLimit < device.dmaMask ? busLimit : device.dmaMask;
}

/**
 * Bus address at which dma-direct lets the device find `phys`; DMA_MAPPING_ERROR when no dma-range shows it. MMIO keeps its
 * physical address whatever the ranges say.
 */
export function directAddress(device: DmaDevice, phys: Phys, attrs: number): number {
  return device.dmaRanges === null || (attrs & ATTR.mmio) !== 0 ? phys : physToDma(device.dmaRanges, phys);
}

/**
 * True when the device reaches every byte of [dmaAddr, dmaAddr + bytes); the last one may lie on the mask (dma_capable).
 * `dmaAddr` is a bus address; DMA_MAPPING_ERROR, an address outside every range, is never reached.
 */
export function dmaCapable(device: DmaDevice, dmaAddr: number, bytes: number): boolean {
  const last = dmaAddr + bytes - 1;
  if (dmaAddr === DMA_MAPPING_ERROR) return false;
  return last <= device.dmaMask && (device.busDmaLimit === 0 || last <= device.busDmaLimit);
}

/** Smallest page of the domain, bytes. */
export function granuleBytes(domain: DmaDomain): number {
  return 1 << (domain.pageShifts[0] as number);
}

/**
 * Mask that a device needs to reach all of RAM (dma_get_required_mask): all ones up to the top bit of the bus address of
 * the last RAM page, of every bit when no dma-range shows that page. Behind an IOMMU 32 bits suffice.
 */
export function requiredMask(device: DmaDevice, lastRamPage: Phys): number {
  if (device.domain !== null) return 0xffffffff;
  const lastBusPage = physToDma(device.dmaRanges, lastRamPage);
  let limit = 1;
  while (limit <= lastBusPage) limit *= 2;
  return limit - 1;
}

/** True when some RAM is beyond the device without help (dma_addressing_limited). */
export function addressingLimited(device: DmaDevice, lastRamPage: Phys): boolean {
  return dmaLimit(device) < requiredMask(device, lastRamPage) || (device.domain === null && device.hidesRam);
}

/** True when dma_set_mask accepts the mask on the direct path: 32 bits, or reaching the last page of the DMA zone. */
export function maskSupported(device: DmaDevice, mask: number, lastRamPage: Phys, zoneDmaLast: Phys): boolean {
  if (device.domain !== null || mask >= 0xffffffff) return true;
  return mask >= physToDma(device.dmaRanges, Math.min(lastRamPage, zoneDmaLast));
}

/** Largest single mapping that can succeed (dma_max_mapping_size), bytes. */
export function maxMappingSize(device: DmaDevice, lastRamPage: Phys): number {
  const mayBounce =
    device.domain === null ? device.forceBounce || addressingLimited(device, lastRamPage) : device.untrusted;
  return mayBounce && device.pool !== null ? maxMappingBytes(device.minAlignMask) : BYTES_UNLIMITED;
}

/** Largest mapping that is still fast (dma_opt_mapping_size): what the IOVA caches serve, 128 KiB with 4 KiB pages. */
export function optMappingSize(device: DmaDevice, lastRamPage: Phys): number {
  const max = maxMappingSize(device, lastRamPage);
  if (device.domain === null) return max;
  return Math.min(max, IOVA_CACHED_PAGES * granuleBytes(device.domain));
}

/** Offset mask within which the IOMMU can join segments (dma_get_merge_boundary); 0 = no merging. */
export function mergeBoundary(device: DmaDevice): number {
  return device.domain === null ? 0 : granuleBytes(device.domain) - 1;
}
