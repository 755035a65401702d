/**
 * What a preview shows, as plain data: addresses are Numbers, ranges inclusive where they say `last`.
 */
import type { DmaAddr, Iova, Phys } from "../../base/addr.ts";
import type { Defects, Era } from "../../base/era.ts";
import type { DmaRange } from "../../host/dma/range_map.ts";
import type { EntryKind, PrivatePlace } from "./entry.ts";

/**
 * What a DMA address names: translated by an IOMMU, physical, memory in a bus window (dma-ranges), a bounce slot, or a
 * peer's bus address.
 */
export type DmaSpace = "iova" | "phys" | "window" | "bounce" | "bus";

/** Neighbouring pages of one size that map neighbouring memory. */
export interface PageRun {
  readonly iova: Iova;
  readonly phys: Phys;
  readonly pageBytes: number;
  readonly count: number;
  /** The first page's entry as the IOMMU reads it, 16 hexadecimal digits. */
  readonly word: string;
  /** What the device may do: `R`, `W` or `RW`. */
  readonly access: string;
  /** True when the page began in an entry before this one. */
  readonly shared: boolean;
}

/** Slots of the bounce pool that stand for one entry. */
export interface BounceView {
  /** Physical address of the first bounced byte. */
  readonly tlb: Phys;
  readonly area: number;
  /** First slot taken, padding included, and the number of them. */
  readonly slot: number;
  readonly slots: number;
  /** Slots before the data that only keep its alignment, and the offset of the data in its first slot, bytes. */
  readonly padSlots: number;
  readonly offset: number;
  /** Bytes copied into the slots when mapping, and back when unmapping. */
  readonly copiedIn: number;
  readonly copiedOut: number;
}

/**
 * Fate of one entry. `undone`: mapped, then released because a later entry failed; `not mapped`: passed the check of a
 * list that failed before anything was mapped.
 */
export type EntryState = "mapped" | "undone" | "not mapped" | "refused" | "not reached";

/** One CPU-side entry and where it went. */
export interface EntryView {
  readonly index: number;
  readonly text: string;
  readonly kind: EntryKind;
  readonly region: string;
  readonly phys: Phys;
  readonly bytes: number;
  readonly hasPage: boolean;
  readonly state: EntryState;
  /** Null when nothing is mapped. */
  readonly dmaAddr: DmaAddr | null;
  readonly space: DmaSpace | null;
  /** Index of the segment it belongs to. */
  readonly segment: number | null;
  readonly pages: readonly PageRun[];
  readonly bounce: BounceView | null;
  /** Set for private device memory: what it was resolved to before it was mapped. */
  readonly privatePage?: PrivatePlace;
  /** Way to peer memory in words; null for other memory. */
  readonly via: string | null;
}

/** One DMA entry: what the device is given. Entries [firstEntry, firstEntry + entryCount) lie in it. */
export interface SegmentView {
  readonly index: number;
  readonly dmaAddr: DmaAddr;
  readonly bytes: number;
  readonly space: DmaSpace;
  readonly firstEntry: number;
  readonly entryCount: number;
}

/** Reasons for joining two neighbours or not; the class by which long lists are summed up. */
export type SeamReason =
  | "page seam"
  | "unsigned wrap"
  | "ends inside a page"
  | "starts inside a page"
  | "max_seg"
  | "boundary"
  | "peer memory"
  | "one by one";

/** The border between entry `after` and the next. */
export interface SeamView {
  readonly after: number;
  readonly joined: boolean;
  readonly reason: SeamReason;
  /** With the numbers that decide. */
  readonly why: string;
}

/** IOVA of the whole list: `pages` are mapped from `start`, `allocatedPages` are taken from the allocator. */
export interface IovaView {
  readonly start: Iova;
  readonly bytes: number;
  readonly granuleBytes: number;
  readonly pages: number;
  readonly allocatedPages: number;
}

/** [start, last] that the device reaches on pages of the list without being in the list. */
export interface ExposedRange {
  readonly start: Phys;
  readonly last: Phys;
}

/** What the device can reach beyond the list while it is mapped. */
export interface ExposureView {
  /**
   * `pages`: what shares a page with the list. `everything`: nothing stands between the device and memory up to `limit`.
   * `pool`: memory encryption keeps it out of all but the bounce pool.
   */
  readonly reach: "pages" | "everything" | "pool";
  readonly access: string;
  readonly ranges: readonly ExposedRange[];
  /** Bytes of `ranges`; otherwise of the RAM, PMEM or pool within reach that the list does not hold. */
  readonly bytes: number;
  /** Last address that the device can name, with `everything`. */
  readonly limit: number | null;
  /** True when the ranges lie in bounce slots, which hold zeros there and nobody's data. */
  readonly padding: boolean;
  /** Peer BARs that the device reaches as a whole, past the IOMMU. */
  readonly peers: readonly string[];
}

/** One invalidation that unmap issues and waits for. */
export interface InvalidationView {
  readonly iova: Iova;
  /** Bytes whose translations end; 0 = all of the domain. */
  readonly bytes: number;
  /** In the words of the IOMMU. */
  readonly command: string;
  /** Granules asked for, and granules whose entries are lost: more where only aligned blocks can be named; null = all. */
  readonly wanted: number;
  readonly pages: number | null;
}

/** What one call cost, in units of work, and its CPU time by the model (uncalibrated). */
export interface CostView {
  readonly ptesWritten: number;
  readonly ptesCleared: number;
  readonly tablesAllocated: number;
  readonly treeOps: number;
  readonly magazineHits: number;
  readonly slotsProbed: number;
  readonly slotsTaken: number;
  readonly bytesBounced: number;
  readonly linesFlushed: number;
  readonly invalidations: number;
  readonly cpuNs: number;
}

/** Cache maintenance of a device that does not snoop, in lines of 64 bytes. */
export interface CacheView {
  readonly coherent: boolean;
  readonly linesAtMap: number;
  readonly linesAtUnmap: number;
  /** Entries without a struct page, whose lines are left alone. */
  readonly skipped: readonly number[];
}

/** Pages that get_user_pages would hold for the time of the mapping. */
export interface PinView {
  readonly pages: number;
  /** Entries that have no page to pin. */
  readonly pageless: readonly number[];
}

/** Why a list could not be mapped. */
export interface RefusalView {
  /** Entry that failed; null when the list as a whole did. */
  readonly entry: number | null;
  readonly name: string;
  /** The comparison that failed, with its numbers. */
  readonly comparison: string;
  /** What the kernel logs, without its `driver device: ` prefix. */
  readonly kernelLines: readonly string[];
  /** What lies behind the kernel's words, when they do not say it. */
  readonly why: string | null;
  readonly remedy: string;
  readonly mayRetry: boolean;
  /** dma_map_sgtable's value, negative; 0 in kernel 4.1, which had none. */
  readonly errno: number;
  readonly errnoName: string;
}

/** Something that unmap did not give back. */
export interface LeakView {
  readonly kind: string;
  readonly count: number;
}

/** Kernel call that maps: a list as a whole, or MMIO range by range. */
export type MapCall = "dma_map_sg" | "dma_map_resource";

/** The request as it was resolved: machine, device and every limit that decides the outcome. */
export interface RequestView {
  readonly machine: string;
  readonly title: string;
  readonly era: Era;
  readonly defects: Defects;
  /** Name in the machine, and on the bus. */
  readonly device: string;
  readonly address: string;
  readonly call: MapCall;
  /** DIR_NAMES. */
  readonly dir: string;
  /** DMA_ATTR names without their prefix. */
  readonly attrs: readonly string[];
  readonly dmaMask: number;
  readonly busDmaLimit: number;
  /** Where the bus shows memory; null = at its physical address. */
  readonly dmaRanges: readonly DmaRange[] | null;
  readonly maxSegBytes: number;
  readonly segBoundaryMask: number;
  readonly minAlignMask: number;
  readonly coherent: boolean;
  readonly untrusted: boolean;
  readonly forceBounce: boolean;
  readonly poolBytes: number;
  readonly iommu: {
    readonly kind: string;
    /** `strict`, `lazy`, `passthrough`, or `none` without an IOMMU. */
    readonly mode: string;
    readonly unit: string | null;
    readonly format: string | null;
    readonly triesBelow4GiB: boolean;
  };
  /** What the driver would build at most: entries of a list, bytes of a command. */
  readonly maxSegments: number;
  readonly maxTransferBytes: number;
}

/** A mapping that succeeded. */
export interface Mapped {
  readonly segments: readonly SegmentView[];
  readonly seams: readonly SeamView[];
  /** Null without translation, and for untrusted devices, whose entries have ranges of their own. */
  readonly iova: IovaView | null;
  readonly exposure: ExposureView;
  readonly mapCost: CostView;
  readonly unmapCost: CostView;
  /** What unmap issues before it returns; empty in lazy mode. */
  readonly invalidations: readonly InvalidationView[];
  readonly cache: CacheView;
}

/** Everything about one list: either `mapped` or `refusal` is set. */
export interface MappingPreview {
  readonly request: RequestView;
  readonly pins: PinView;
  readonly mapped: Mapped | null;
  readonly refusal: RefusalView | null;
  readonly entries: readonly EntryView[];
  readonly leaks: readonly LeakView[];
}
