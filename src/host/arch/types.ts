/**
 * The words of the ops tables: what an architecture's row says, what a mapping asks for and what comes back.
 *
 * A list is the arena's scatterlist, as on the modern path; a device is the modern path's DmaDevice. Rows describe
 * kernel 4.1, one release before the page-less series of August 2015, unless their source names another.
 */
import type { DmaAddr, Phys } from "../../base/addr.ts";
import type { Arena } from "../../shm/arena.ts";
import type { HostContext } from "../context.ts";
import type { DmaDevice, DmaDomain } from "../dma/device.ts";
import type { LinearTable } from "./linear_iommu.ts";
import type { MergeFamily } from "./merge.ts";
import type { CacheOp, CacheOpName, Refusal, TableWord } from "./operations.ts";
import type { ArchWork } from "./work.ts";

/** The kernel before or after the 31 patches of August 2015. */
export type Series = "before" | "after";

/** Operation by direction; `none` = nothing is done. */
export interface CacheRule {
  readonly toDevice: CacheOpName | "none";
  readonly fromDevice: CacheOpName | "none";
  readonly bidirectional: CacheOpName | "none";
}

/** Cache maintenance of a row. `by` says which address the operation takes; `whole` = the whole cache, whatever the list. */
export interface CacheRules {
  readonly by: "none" | "va" | "phys" | "whole";
  readonly map: CacheRule;
  readonly unmap: CacheRule;
  readonly syncCpu: CacheRule;
  readonly syncDevice: CacheRule;
}

/**
 * What happens to an entry without a struct page.
 * works: mapped by its physical address. skips-flush: mapped, its cache work left out and counted. untouched: the entry
 * is passed over, its DMA side keeps what it held. The others refuse the list: needs-page and needs-va name what the code
 * dereferences, needs-map-pfn is the map_page loop without its proposed pfn sibling, coherence-index is an IOMMU entry
 * that must carry bits of a kernel virtual address.
 */
export type PagelessOutcome =
  | "works"
  | "skips-flush"
  | "untouched"
  | "needs-page"
  | "needs-va"
  | "needs-map-pfn"
  | "coherence-index";

/** A row's answer to an entry without a page, in one kernel. */
export interface PagelessRule {
  readonly outcome: PagelessOutcome;
  /** One clause: what in the code decides. */
  readonly why: string;
}

/** Answers to a missing coherence index (the 2015 discussion): refuse, index 0, a line nobody touches, or the user's alias. */
export type PagelessPolicy = "refuse" | "index0" | "untouched-line" | "user-alias";

/** How sure a row is: its numbers came from compiled kernel code, from reading it, or are inferred. */
export type Evidence = "compiled" | "read" | "inferred";

/** How a row reports failure. */
export interface ErrorRule {
  /** What dma_map_sg returns on failure. */
  readonly ret: number;
  /** What the kernel logs; empty = silent. */
  readonly text: string;
}

/** Settings of one IOMMU instance or platform; every field has a default in its row. Sizes are bytes, counts are entries. */
export interface ArchOptions {
  /** CPU page. */
  readonly pageBytes?: number;
  readonly iommuPageBytes?: number;
  /** Entries of the table, and the DMA address of entry 0. */
  readonly entries?: number;
  readonly dmaBase?: DmaAddr;
  /** Entries at the start that are never given out. */
  readonly reserved?: number;
  /** The same at the end. */
  readonly reservedEnd?: number;
  /** Cache line. */
  readonly lineBytes?: number;
  /** x86: iommu=force; GART: iommu=merge and iommu=fullflush; panic instead of a failed mapping. */
  readonly force?: boolean;
  readonly merge?: boolean;
  readonly fullFlush?: boolean;
  readonly panicOnOverflow?: boolean;
  /** alpha: a TLB-invalidate hook (scatter-gather hardware), direct window, DAC window (0 = none), ISA bridge alignment. */
  readonly hasTlbHook?: boolean;
  readonly directBase?: DmaAddr;
  readonly directBytes?: number;
  readonly dacOffset?: number;
  readonly alignEntries?: number;
  /** ia64 sba: single mappings bypass the IOMMU when the device reaches the memory. */
  readonly bypass?: boolean;
  /** powerpc: small pools, which of them this CPU uses, and the block to which small allocations advance. */
  readonly pools?: number;
  readonly pool?: number;
  readonly blockEntries?: number;
  /** sparc32: page colours of the CPU cache; one flush for all pages of a list. */
  readonly colours?: number;
  readonly globalFlush?: boolean;
  /** sparc64: streaming buffer. */
  readonly streaming?: boolean;
  /** metag: L2 prefetch is on. mips: the CPU refills lines speculatively (R10000). */
  readonly prefetches?: boolean;
  /** ARM: unmapped high memory is mapped for the flush (VIPT) or skipped (VIVT). */
  readonly vivt?: boolean;
  /** Largest alignment of an allocation, log2 of pages (CONFIG_ARM_DMA_IOMMU_ALIGNMENT). */
  readonly alignOrderMax?: number;
}

/** One opened IOMMU instance: immutable, its state lies in the arena. */
export interface ArchUnit {
  readonly row: string;
  readonly options: ArchOptions;
  readonly pageBytes: number;
  readonly iommuPageBytes: number;
  /** Null for rows without a linear table. */
  readonly table: LinearTable | null;
  /** Domain of the rows that use IOVAs and page tables; else null. */
  readonly domain: DmaDomain | null;
}

/** A list to map, unmap or sync. `nents` is always the original count. */
export interface ArchRequest {
  readonly ctx: HostContext;
  readonly unit: ArchUnit;
  readonly device: DmaDevice;
  /** Handle of the first entry. */
  readonly sg: number;
  readonly nents: number;
  /** A DIR. */
  readonly dir: number;
  readonly series: Series;
  /** Kernel virtual address by entry, null = none; missing = the linear map (virtual = physical) for pages below highmemStart. */
  readonly entryKva?: readonly (number | null)[];
  /** First physical address without a permanent kernel mapping. */
  readonly highmemStart?: Phys;
  /** What an IOMMU with a coherence index does for an entry without a kernel address; default refuse. */
  readonly pagelessPolicy?: PagelessPolicy;
  /** User virtual address by entry, for the user-alias policy. */
  readonly userVa?: readonly number[];
  /** First entry of private device memory that nobody resolved, for a DMA layer that looks at the page. */
  readonly unresolved?: number;
  /** The conversion that the row's `pageless.conversion` describes has been made. */
  readonly converted?: boolean;
}

/** One DMA entry: what the device is programmed with. */
export interface ArchSegment {
  readonly dmaAddr: DmaAddr;
  readonly length: number;
}

/** Everything a call on a row did and returned. */
export interface ArchResult {
  /** The kernel's return value: DMA entries, or 0. */
  readonly ret: number;
  /** DMA side of the first `ret` entries. */
  readonly segments: readonly ArchSegment[];
  readonly cacheOps: readonly CacheOp[];
  /** Flushes left out because the entry has no page. */
  readonly skippedFlushes: number;
  readonly tableEntries: readonly TableWord[];
  /** Kernel log, one line each. */
  readonly message: string;
  readonly refusal: Refusal | null;
  /** Translation flushes issued: commands, not pages. */
  readonly tlbFlushes: number;
  /** Snoops of a stand-in line: lines that the device moves for page-less entries under such a policy. */
  readonly repeatedFlushes: number;
  /** Lines that the IOMMU reads, modifies and writes because the device writes a part of them. */
  readonly lineReadModifyWrites: number;
  /** Calls of a hypervisor that writes the translations. */
  readonly hypercalls: number;
  /** What goes wrong without anybody noticing; one clause each. */
  readonly hazards: readonly string[];
}

/** The mechanism behind a row; called through table.ts only, which gates page-less lists first. */
export interface ArchOps {
  /** Sets up the allocator's cursors of a new table, where zero is not their beginning. */
  open?(arena: Arena, unit: ArchUnit): void;
  /** Writes the DMA side of the list; returns the kernel's value. */
  map(row: ArchRow, request: ArchRequest, work: ArchWork): number;
  unmap(row: ArchRow, request: ArchRequest, work: ArchWork): void;
  sync(row: ArchRow, request: ArchRequest, work: ArchWork, forCpu: boolean): void;
}

/** One architecture: its dma_map_sg as a description, and the mechanism that executes it. */
export interface ArchRow {
  readonly name: string;
  readonly title: string;
  /** File and function of the kernel, with the version. */
  readonly source: string;
  readonly evidence: Evidence;
  /** How the address that the device gets is made. */
  readonly addressRule: string;
  readonly merging: MergeFamily;
  /** IOMMU page; 0 = no translation. */
  readonly granularityBytes: number;
  readonly pageBytes: number;
  readonly cache: CacheRules;
  readonly errors: ErrorRule;
  readonly pageless: {
    readonly before: PagelessRule;
    readonly after: PagelessRule;
    /** What would make the row take page-less entries, where the series left it out. */
    readonly conversion?: string;
  };
  /** `linear`: a table in the arena; `domain`: IOVAs and page tables; `none`. */
  readonly translation: "none" | "linear" | "domain";
  readonly defaults: ArchOptions;
  readonly ops: ArchOps;
}
