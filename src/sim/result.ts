/**
 * The result of a run: schema `dmasim/result@1`, the contract that scripts rely on.
 *
 * Everything outside `host` is identical for any number of workers and with payload on or off under
 * the virtual clock; `host` holds what depends on this computer or on host options. Keys are fio's where fio has the quantity.
 */
import type { PathName } from "../base/cost.ts";

/** Value of `schema`; the number rises when a key changes its meaning or goes. */
export const RESULT_SCHEMA = "dmasim/result@1";

/** Which clock a run's figures come from: predicted (`virtual`) or measured on this computer (`wall`). */
export type Clock = "virtual" | "wall";

/** Nanoseconds. */
export interface LatencySummary {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly stddev: number;
  /** fio's keys: "50.000000", "99.000000", ... */
  readonly percentile: Readonly<Record<string, number>>;
}

/** One direction of a job; fio's names and units. */
export interface DirectionResult {
  readonly io_bytes: number;
  /** Bytes a second. */
  readonly bw_bytes: number;
  readonly iops: number;
  readonly total_ios: number;
  /** Milliseconds. */
  readonly runtime: number;
  readonly clat_ns: LatencySummary;
}

/** One job, all its clones together. */
export interface JobResult {
  readonly jobname: string;
  readonly groupid: number;
  /** Clones of the job (`numjobs`). */
  readonly clones: number;
  readonly device: string;
  readonly target: string;
  /** Depth at which the job really submitted, and why it differs from `iodepth`. */
  readonly depth: number;
  readonly depth_note?: string;
  readonly read: DirectionResult;
  readonly write: DirectionResult;
  readonly error: number;
  /** Text of the first failure in the kernel's words. */
  readonly error_text?: string;
  readonly path: Readonly<Record<PathName, number>>;
  /** Mean cost on the CPU per I/O. */
  readonly map_ns: number;
  readonly unmap_ns: number;
  readonly faults: number;
  readonly retries: number;
  readonly verified_ios: number;
  readonly notes: readonly string[];
  readonly latency_target?: { readonly depth: number; readonly met: boolean };
}

/** One modelled resource; the virtual clock only. */
export interface ResourceResult {
  readonly name: string;
  readonly kind: string;
  /** 0..1 of the run. */
  readonly utilization: number;
  /** Total waiting, nanoseconds. */
  readonly wait_ns: number;
}

/**
 * What limits the run: `resource` and its utilization `share` (0..1), or, when no resource is saturated (`bound` latency, pace or
 * mixed), the busiest one; `moves` say what would raise the throughput.
 */
export interface Bottleneck {
  readonly bound: "resource" | "latency" | "pace" | "mixed";
  readonly resource: string;
  readonly share: number;
  readonly why: string;
  readonly moves: readonly string[];
  /** What would limit next, the nearest first. */
  readonly next: readonly NextLimit[];
}

/** A resource that is less busy; the throughput may rise `headroom`-fold until it is saturated. */
export interface NextLimit {
  readonly resource: string;
  readonly share: number;
  readonly headroom: number;
}

/** A part of the machine that a run used, and what is known of it. */
export interface ConfidencePart {
  readonly part: string;
  readonly level: "calibrated" | "extrapolated" | "fabric ceiling";
  /** Nine of ten published rows of such parts (of its relatives, when extrapolated) are within it; null = no rows. */
  readonly band: number | null;
  /** Topics of the measurements that the band is of. */
  readonly topics: readonly string[];
  /** Why it is not calibrated; "" when it is. */
  readonly why: string;
}

/** How far the figures may be trusted, and what the model leaves out; `host` under the wall clock. */
export interface Confidence {
  readonly level: ConfidencePart["level"] | "host";
  /** Relative half width: the widest of the parts'; null unless calibrated. */
  readonly band: number | null;
  readonly parts: readonly ConfidencePart[];
  readonly not_modelled: readonly string[];
}

/** Something mapped, allocated or pinned that the run did not give back. */
export interface Leak {
  readonly kind: "swiotlb slot" | "iova" | "page-table entry" | "pin" | "scatterlist" | "ring entry";
  readonly where: string;
  readonly count: number;
}

/** One failed comparison; addresses are hexadecimal text, `expected` and `actual` the first wrong byte. */
export interface Mismatch {
  readonly kind: "corrupt" | "stale" | "misdirected" | "under-copy" | "over-copy" | "all-ones";
  readonly job: string;
  readonly io: number;
  /** Offset of the first wrong byte in the I/O. */
  readonly offset: number;
  readonly phys: string;
  readonly dma_addr: string;
  readonly expected: number;
  readonly actual: number;
  readonly version: number;
  readonly seed: number;
}

/** What `--dma-debug` found; deterministic under the virtual clock. */
export interface DmaDebugResult {
  /** error_count: wrong uses of the DMA API. */
  readonly errors: number;
  /** Mappings that were checked; a list counts once. */
  readonly mappings: number;
  /** Most shadow entries in use at the same time; a list has one for each DMA entry. */
  readonly entries_hiwater: number;
  /** True when the checker ran out of entries and gave up. */
  readonly disabled?: true;
  /** The first errors in the kernel's words. */
  readonly first: readonly string[];
}

/** A device's reach before and after RAM came or went; masks inclusive. */
export interface DeviceReach {
  readonly device: string;
  readonly required_mask_before: number;
  readonly required_mask: number;
  readonly way_before: string;
  readonly way: string;
}

/** What became of a hotplug event. */
export interface MemoryEventResult {
  readonly at_ns: number;
  readonly event: "hot_add" | "hot_remove" | "truncate";
  readonly region: string;
  /** `refused`: not whole memory blocks, or a file that cannot be truncated; `busy`: pages were still pinned when the wait was over. */
  readonly outcome: "online" | "refused" | "offline" | "truncated" | "busy" | "not reached";
  /** 0 or -errno. */
  readonly ret: number;
  readonly tries: number;
  readonly waited_ns: number;
  /** Most pages found pinned by one try. */
  readonly pinned_pages: number;
  readonly blocks: number;
  readonly memmap_bytes: number;
  readonly usable_bytes: number;
  readonly devices: readonly DeviceReach[];
  /** Bytes of every job by path, before the event and after it. */
  readonly paths: readonly {
    readonly job: string;
    readonly before: Readonly<Partial<Record<PathName, number>>>;
    readonly after: Readonly<Partial<Record<PathName, number>>>;
  }[];
}

/** What was left of acknowledged data after the power failed. */
export interface PowerCutResult {
  readonly at_ns: number;
  /** Device writes go to the cache; caches are in the persistence domain. */
  readonly ddio: boolean;
  readonly eadr: boolean;
  /** Bytes that had been written and were not persistent, acknowledged or not. */
  readonly rolled_back_bytes: number;
  /** I/Os into persistent memory that had been acknowledged and not been overwritten since. */
  readonly acknowledged_ios: number;
  /** Of those, I/Os with bytes that are gone. */
  readonly lost_ios: number;
  readonly in_flight_ios: number;
  readonly first_lost: readonly {
    readonly job: string;
    readonly io: number;
    readonly acknowledged_ns: number;
    /** First lost byte, in the I/O and in memory. */
    readonly offset: number;
    readonly phys: string;
  }[];
}

/** What depends on this computer or on host options. */
export interface HostResult {
  readonly workers: number;
  readonly payload: boolean;
  readonly integrity: {
    readonly bytes_verified: number;
    readonly mismatches: number;
    readonly first: readonly Mismatch[];
  };
  /** SHA-256 of the memory image, when it was asked for. */
  readonly memory_image?: string;
  readonly wall_s: number;
  readonly cpu_s: number;
  readonly bytes_per_s: number;
  readonly ios_per_s: number;
  readonly peak_rss_bytes: number;
  readonly node: string;
  readonly cpus: number;
  /** Simulated memory that the run touched, in whole chunks. */
  readonly touched_bytes: number;
  /** Report of a worker that died or hung. */
  readonly worker_failure?: WorkerFailure;
}

/** What the coordinator found when a worker died or stood still. */
export interface WorkerFailure {
  readonly worker: number;
  readonly cause: string;
  /** Names of the locks it holds. */
  readonly locks: readonly string[];
  /** "engine nvme0q3: tags 4, 5" lines. */
  readonly in_flight: readonly string[];
}

/** Everything `--json` writes; new keys may come, see {@link RESULT_SCHEMA}. */
export interface RunResult {
  readonly schema: typeof RESULT_SCHEMA;
  readonly version: string;
  readonly seed: number;
  readonly clock: Clock;
  readonly machine: {
    readonly name: string;
    readonly title: string;
    readonly era: string;
    readonly defects: string;
    readonly iommu: string;
  };
  readonly profile: {
    readonly name: string;
    readonly jobs: readonly unknown[];
  };
  readonly scaled?: {
    readonly limit: string;
    readonly full: string;
    readonly jobs: readonly string[];
  };
  readonly partial?: true;
  readonly jobs: readonly JobResult[];
  readonly resources: readonly ResourceResult[];
  readonly bottleneck: Bottleneck | null;
  readonly confidence: Confidence;
  readonly counters: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly integrity: { readonly leaks: readonly Leak[] };
  /** Only of a run with `--dma-debug`. */
  readonly dma_debug?: DmaDebugResult;
  readonly virtual: {
    readonly duration_ns: number;
    readonly events: number;
  } | null;
  /** Only of a profile with hotplug events. */
  readonly memory_events?: readonly MemoryEventResult[];
  /** Only of a profile with verify: after-power-cut. */
  readonly power_cut?: PowerCutResult;
  readonly notes: readonly string[];
  readonly host: HostResult;
}
