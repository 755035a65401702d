/** Defaults of the bounce pool: size, areas and place, as Linux chooses them at boot. */
import { alignDown, roundUpPow2 } from "../../base/addr.ts";
import type { Era } from "../../base/era.ts";
import type { MemoryRegion } from "./description.ts";

/** IO_TLB_SEGSIZE slots of 2 KiB: the longest contiguous bounce, and the grain of pool sizes. */
export const SWIOTLB_SEGMENT_BYTES = 256 * 1024;
/** IO_TLB_DEFAULT_SIZE. */
const DEFAULT_BYTES = 64 * 1024 * 1024;
const CONFIDENTIAL_BYTES_MAX = 2 ** 30;
const FOUR_GIB = 2 ** 32;
/** `placeSwiotlb` found no room; `checkSwiotlb` refuses the machine. */
export const SWIOTLB_NOWHERE = -1;
/** The pool is placed on this boundary, so that a decrypted pool fills whole 2 MiB pages. */
const PLACE_ALIGN_BYTES = 2 * 1024 * 1024;

/**
 * 64 MiB; in a confidential guest 6 % of RAM between 64 MiB and 1 GiB (mem_encrypt_setup_arch), in kernels with
 * areas rounded up to a power of two (round_up_default_nslabs).
 */
export function defaultSwiotlbBytes(memory: readonly MemoryRegion[], confidential: boolean, era: Era): number {
  if (!confidential) return DEFAULT_BYTES;
  const ramBytes = memory.filter((region) => region.memmap === "ram").reduce((sum, region) => sum + region.bytes, 0);
  const wanted = Math.ceil((ramBytes * 0.06) / SWIOTLB_SEGMENT_BYTES) * SWIOTLB_SEGMENT_BYTES;
  const bytes = Math.min(CONFIDENTIAL_BYTES_MAX, Math.max(DEFAULT_BYTES, wanted));
  return era === "4.1" ? bytes : roundUpPow2(bytes);
}

/** One area per CPU, a power of two, each of whole segments (limit_nareas); one lock in era 4.1. */
export function defaultSwiotlbAreas(bytes: number, cpuCount: number, era: Era): number {
  if (era === "4.1" || bytes === 0) return 1;
  return Math.min(roundUpPow2(cpuCount), swiotlbAreasMax(bytes));
}

/** Largest power of two of areas that cuts the pool between segments. */
export function swiotlbAreasMax(bytes: number): number {
  const segments = Math.max(1, Math.floor(bytes / SWIOTLB_SEGMENT_BYTES));
  return segments & -segments;
}

/** Top of the highest RAM that holds the pool below 4 GiB (memblock allocates downwards); `any` lifts the limit. */
export function placeSwiotlb(memory: readonly MemoryRegion[], bytes: number, any: boolean): number {
  if (bytes === 0) return 0;
  const limit = any ? Number.MAX_SAFE_INTEGER : FOUR_GIB;
  const starts = memory
    .filter((region) => region.memmap === "ram")
    .map((region) => ({ region, start: topStart(region, bytes, limit) }))
    .filter(({ region, start }) => start >= region.start)
    .map(({ start }) => start);
  return starts.length === 0 ? SWIOTLB_NOWHERE : Math.max(...starts);
}

function topStart(region: MemoryRegion, bytes: number, limit: number): number {
  return alignDown(Math.min(region.start + region.bytes, limit) - bytes, PLACE_ALIGN_BYTES);
}
