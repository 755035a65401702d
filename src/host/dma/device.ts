/**
 * The immutable description of a device as the DMA API sees it (struct device with its dma_parms), and
 * the API's constants.
 */
import type { PageTableFormat } from "../../pagetable/format.ts";
import type { DmaRange } from "./range_map.ts";

/** enum dma_data_direction. */
export const DIR = Object.freeze({ bidirectional: 0, toDevice: 1, fromDevice: 2, none: 3 });
/** Names of the directions as the kernel's messages print them, at the index that DIR gives. */
export const DIR_NAMES = ["BIDIRECTIONAL", "TO_DEVICE", "FROM_DEVICE", "NONE"] as const;

/** DMA_ATTR_* as bit masks (include/linux/dma-mapping.h). */
export const ATTR = Object.freeze({
  weakOrdering: 1 << 1,
  writeCombine: 1 << 2,
  noKernelMapping: 1 << 4,
  skipCpuSync: 1 << 5,
  forceContiguous: 1 << 6,
  allocSinglePages: 1 << 7,
  noWarn: 1 << 8,
  privileged: 1 << 9,
  mmio: 1 << 10,
  /** [7.0] Fail rather than bounce or maintain caches. */
  requireCoherent: 1 << 12,
});

/** How a lazy domain defers its invalidations (struct iommu_dma_options). */
export interface FlushQueueOptions {
  /** One queue for all CPUs (IOMMU_DMA_OPTS_SINGLE_QUEUE) instead of one each. */
  readonly shared: boolean;
  /** Slots of a queue, a power of two; one of them stays free (fq_size). */
  readonly entries: number;
  /** Age of the oldest range at which everything is flushed (fq_timeout). */
  readonly timeoutNs: number;
}

/** An IOMMU domain: the address space shared by the devices of a group. */
export interface DmaDomain {
  /** Index of its DOMAIN record. */
  readonly index: number;
  readonly mode: "lazy" | "strict";
  /** Of a lazy domain; default a queue of 256 slots a CPU and 10 ms. */
  readonly flushQueue?: FlushQueueOptions;
  /** Index of the IOMMU unit that holds its IOTLB entries. */
  readonly unit: number;
  /** Width of an IOVA. */
  readonly addressBits: number;
  /** log2 of the page sizes of the format, rising; the first is the granule. */
  readonly pageShifts: readonly number[];
  /** iommu.forcedac: never try below 4 GiB first. */
  readonly forcedac: boolean;
  readonly cpus: number;
  /** The device caches translations itself (ATS). Absent: false. */
  readonly ats?: boolean;
  /** Page-table format; default four-level VT-d second level. Its page sizes and width agree with the fields above. */
  readonly format?: PageTableFormat;
}

/** swiotlb pool geometry (struct io_tlb_pool without its state). */
export interface BouncePool {
  /** Index of its POOL record. */
  readonly index: number;
  /** Index of its first SLOT and AREA record. */
  readonly slotBase: number;
  readonly areaBase: number;
  readonly nslabs: number;
  readonly nareas: number;
  readonly areaNslabs: number;
  /** Physical address of slot 0. */
  readonly start: number;
  /** The booted pool of a kernel with SWIOTLB_DYNAMIC; absent = never grows. */
  readonly growth?: PoolGrowth;
}

/** RAM that a machine sets aside for the pools which growth adds, and for transient ones; [start, end) each. */
export interface PoolGrowth {
  /** Grown pools, one after the other; 4 MiB aligned. */
  readonly grownStart: number;
  readonly grownEnd: number;
  /** Windows of 256 KiB, one a transient pool. */
  readonly transientStart: number;
  readonly transientEnd: number;
}

/** One device. Masks and limits are inclusive last bus addresses, sizes are bytes; equal on every thread. */
export interface DmaDevice {
  /** Index of its DEVICE record; also names its media and its leaks. */
  readonly index: number;
  readonly name: string;
  /** Last address the device can put on the bus, inclusive (dma_mask). */
  readonly dmaMask: number;
  /** bus_dma_limit, inclusive; 0 = none. */
  readonly busDmaLimit: number;
  /** dma_range_map: where the bus shows memory; null = at its physical address. */
  readonly dmaRanges: readonly DmaRange[] | null;
  /** Some RAM lies outside the ranges, and the kernel looks (dma_direct_all_ram_mapped, since 6.8). */
  readonly hidesRam: boolean;
  readonly maxSegBytes: number;
  /** Mask such as 0xffffffff: a segment may not cross a multiple of mask + 1. */
  readonly segBoundaryMask: number;
  readonly minAlignMask: number;
  readonly coherent: boolean;
  readonly untrusted: boolean;
  /** Domain of a device behind a translating IOMMU; null = dma-direct. */
  readonly domain: DmaDomain | null;
  /** Pool for bounces; null = none. */
  readonly pool: BouncePool | null;
  /** swiotlb=force, or a confidential guest. */
  readonly forceBounce: boolean;
}
