/**
 * How large a request of the block layer may be, and how a larger I/O is cut (block/blk-settings.c, block/blk-merge.c; the
 * drivers' use of dma_opt_mapping_size and dma_max_mapping_size).
 *
 * ```
 * controller (MDTS)      \
 * what DMA maps well      } smallest = max_hw_sectors \
 * (128 KiB behind an     /                             } smallest = max_sectors, then the number of segments
 *  IOMMU, 252 KiB where      the kernel's default cap /
 *  NVMe may bounce)
 * ```
 * A request above what can bounce would fail with "swiotlb buffer is full" for ever, so drivers ask for the limit first.
 */
import { alignDownWide, lowBits, type Phys } from "../../base/addr.ts";
import type { Era } from "../../base/era.ts";
import type { DmaDevice } from "./device.ts";
import { BYTES_UNLIMITED, maxMappingSize, optMappingSize } from "./limits.ts";

/**
 * Which limit of the DMA layer a driver takes over: `optimal` nvme and SAS, `maximum` other SCSI (AHCI) and virtio-blk,
 * `none` everything that is not a block device.
 */
export type DmaClamp = "optimal" | "maximum" | "none";

/** What controller and driver say about a queue. */
export interface QueueLimits {
  /** Largest transfer of one command, bytes (MDTS of NVMe). */
  readonly maxTransferBytes: number;
  readonly maxSegments: number;
  readonly maxSegBytes: number;
  readonly logicalBlockBytes: number;
  readonly clamp: DmaClamp;
}

const KIB = 1024;
/** BLK_DEF_MAX_SECTORS_CAP: 4 MiB since 6.17. */
const DEFAULT_CAP_BYTES: Readonly<Record<Era, number>> = {
  "4.1": 512 * KIB,
  "6.1": 1280 * KIB,
  "6.12": 1280 * KIB,
  "7.x": 4096 * KIB,
};

/** Largest request that the driver's clamp leaves, bytes (max_hw_sectors). */
export function maxHwRequestBytes(era: Era, device: DmaDevice, queue: QueueLimits, lastRamPage: Phys): number {
  const limit = Math.min(queue.maxTransferBytes, clampBytes(era, device, queue.clamp, lastRamPage));
  return Math.max(queue.logicalBlockBytes, alignDownWide(limit, queue.logicalBlockBytes));
}

/** Largest request that the block layer makes, bytes (max_sectors). */
export function maxRequestBytes(era: Era, device: DmaDevice, queue: QueueLimits, lastRamPage: Phys): number {
  return Math.min(maxHwRequestBytes(era, device, queue, lastRamPage), DEFAULT_CAP_BYTES[era]);
}

/** Largest request of a buffer whose pieces are `entryBytes` long: max_segments of them at most, whole blocks. */
export function requestBytes(maxBytes: number, queue: QueueLimits, entryBytes: number): number {
  const bySegments = queue.maxSegments * Math.min(entryBytes, queue.maxSegBytes);
  const limit = Math.min(maxBytes, bySegments);
  return Math.max(queue.logicalBlockBytes, alignDownWide(limit, queue.logicalBlockBytes));
}

/**
 * Bytes of the first request of an I/O of `bytes` at byte `offset` of the device; what is left is cut in the same way. A request
 * that does not end the I/O ends on a physical block (`blockBytes`, a power of two).
 */
export function splitBytes(offset: number, bytes: number, maxBytes: number, blockBytes: number): number {
  if (bytes <= maxBytes) return bytes;
  const end = offset + maxBytes;
  const aligned = end - lowBits(end, blockBytes);
  return aligned > offset ? aligned - offset : maxBytes;
}

/** nvme clamps since 5.5 (maximum) and 6.4 (optimal), SCSI since 5.3, virtio-blk since 5.1. */
function clampBytes(era: Era, device: DmaDevice, clamp: DmaClamp, lastRamPage: Phys): number {
  if (clamp === "none" || era === "4.1") return BYTES_UNLIMITED;
  const optimal = clamp === "optimal" && era !== "6.1";
  return optimal ? optMappingSize(device, lastRamPage) : maxMappingSize(device, lastRamPage);
}
