/**
 * The resolved description of a load: what YAML profiles and fio job files both become.
 *
 * Words are fio's (HOWTO "Job parameters"); units end the name. Immutable after loading.
 */

import type { SourceLocation } from "../../base/errors.ts";
import type { DaxMode } from "../../memory/dax_file.ts";
import type { CopyTest } from "../load/copy_test.ts";
import type { MachineEvent } from "./events.ts";

/** fio's `rw`, from the job's point of view, plus `copy` (memory to memory by a DMA engine). */
export type JobRw = "read" | "write" | "randread" | "randwrite" | "rw" | "randrw" | "copy";

/** One entry of `bs`, `bsrange` or `bssplit`: sizes [bytesMin, bytesMax], drawn with `weight` out of the sum of weights. */
export interface BlockSizeShare {
  readonly bytesMin: number;
  readonly bytesMax: number;
  readonly weight: number;
}

/** fio's `random_distribution`. */
export type Distribution =
  | { readonly kind: "random" }
  | {
      readonly kind: "zipf";
      readonly theta: number;
      readonly center: number | null;
    }
  | {
      readonly kind: "pareto";
      readonly h: number;
      readonly center: number | null;
    }
  | {
      readonly kind: "normal";
      readonly deviationPercent: number;
      readonly center: number | null;
    }
  /** Shares of accesses over consecutive shares of the extent, both in percent. */
  | { readonly kind: "zoned"; readonly zones: readonly ZoneShare[] }
  /** As zoned, with sizes in bytes. */
  | { readonly kind: "zoned_abs"; readonly zones: readonly ZoneShare[] };

/** One zone of fio's zoned distributions. */
export interface ZoneShare {
  readonly accessPercent: number;
  /** Percent of the extent (`zoned`) or bytes (`zoned_abs`; 0 = the rest of the extent). */
  readonly size: number;
}

/** How the engine submits: `depth1` engines ignore iodepth (fio's synchronous engines), `cpu` engines copy by CPU (dev-dax). */
export type Submission = "async" | "depth1" | "cpu";

/** Shape of the scatterlist of one I/O. */
export interface SgShape {
  /** Largest length of one entry, bytes. */
  readonly entryBytes: number;
  /** Offset of the first byte inside its page. */
  readonly offsetBytes: number;
  /** Share of entries without struct page (pfn only), 0..1; they lie in `pagelessTarget` or in page-less memory of `target`. */
  readonly pagelessShare: number;
  /** True: entries lie on scattered pages; false: physically contiguous. */
  readonly scatter: boolean;
}

/** Direction-dependent values; fio's `read,write` pairs. */
export interface PerDirection<T> {
  readonly read: T;
  readonly write: T;
}

/** One job with every option resolved; `at` is where the job stands in its file, for messages. */
export interface JobSpec {
  readonly name: string;
  readonly at: SourceLocation;
  readonly rw: JobRw;
  /** Percent of reads in a mixed job. */
  readonly rwmixread: number;
  /** Sequential I/Os between two random offsets (`rw=randread:8`), 1 = every I/O. */
  readonly sequentialRun: number;
  /** Bytes added to the next offset of a sequential job (`rw=read:8k`), negative to go backwards; 0 = contiguous. */
  readonly sequentialGapBytes: number;
  /** Percent of a random job's offsets that are random, the rest sequential (`percentage_random`); 100 = all. */
  readonly randomPercent: PerDirection<number>;
  readonly blockSizes: PerDirection<readonly BlockSizeShare[]>;
  readonly blockAlignBytes: PerDirection<number>;
  readonly iodepth: number;
  /** I/Os submitted in one go. */
  readonly iodepthBatch: number;
  readonly numjobs: number;
  /** fio's name of the engine. */
  readonly ioengine: string;
  readonly submission: Submission;
  /** O_DIRECT; a buffered libaio job submits at depth 1. */
  readonly direct: boolean;
  /** Bytes of the extent each clone covers; null = the whole target from `offsetBytes`. */
  readonly sizeBytes: number | null;
  /** Percent form of `size`, when given instead of bytes. */
  readonly sizePercent: number | null;
  readonly ioSizeBytes: number | null;
  /** Percent form of `io_size`: of the extent. */
  readonly ioSizePercent: number | null;
  readonly numberIos: number | null;
  readonly offsetBytes: number;
  /** Percent form of `offset`: of the whole target, rounded up to the smallest block; `offsetBytes` is 0 then. */
  readonly offsetPercent: number | null;
  readonly offsetIncrementBytes: number;
  /** Percent form of `offset_increment`, as `offsetPercent`. */
  readonly offsetIncrementPercent: number | null;
  readonly runtimeNs: number | null;
  readonly timeBased: boolean;
  readonly rampNs: number;
  readonly rateBytesPerS: PerDirection<number | null>;
  readonly rateMinBytesPerS: PerDirection<number | null>;
  readonly rateIops: PerDirection<number | null>;
  readonly rateProcess: "linear" | "poisson";
  readonly thinktimeNs: number;
  readonly thinktimeBlocks: number;
  readonly startDelayNs: readonly [number, number];
  /** Waits for every earlier job of the file to finish. */
  readonly stonewall: boolean;
  readonly distribution: PerDirection<Distribution>;
  readonly norandommap: boolean;
  readonly randrepeat: boolean;
  readonly randseed: number | null;
  /** Check the data that arrive (every clock, payload on). fio's `verify=` turns the write-then-read pass on. */
  readonly verify: boolean;
  /** fio's verify pass: after writing, read everything back and check it. */
  readonly verifyPass: boolean;
  readonly loops: number;
  /**
   * Names of the media extents: fio's `filename` split at `:`; empty = one file per clone. `$jobnum` in a name (from
   * `filename_format`) stands for the clone's number.
   */
  readonly filenames: readonly string[];
  readonly directory: string | null;
  readonly groupReporting: boolean;
  /** Latency target profiling (`latency_target`). */
  readonly latencyTarget: LatencyTarget | null;
  readonly submitMode: "inline" | "offload";
  /** Machine device that moves the data; null = the machine's default block target (or what `filenames` names). */
  readonly device: string | null;
  /** Memory the buffers lie in: `ram`, a pmem region's name, `bar:DEVICE`, or `vram:DEVICE` behind moving windows. */
  readonly target: string;
  /** Source memory of a `copy` job; same words as `target`. */
  readonly source: string;
  /** Memory of the page-less entries of mixed lists; null = the first page-less region. */
  readonly pagelessTarget: string | null;
  /** Bytes of a `vram:DEVICE` target over which the buffers roam; null = a part that fits the arena. */
  readonly workingSetBytes: number | null;
  readonly sg: SgShape;
  /** A `copy` job of dmatest: what it transfers instead. */
  readonly copyTest?: CopyTest;
  /** `raw`: no mapping, the device is given physical addresses. */
  readonly map: "per-io" | "persistent" | "raw" | "dma-buf";
  /** The memory stays pinned from before the first I/O to the end; absent = pinned for each I/O. */
  readonly pin?: "longterm";
  /** The buffers are a mapping of a DAX file on the target. */
  readonly file?: DaxMode;
  /** Buffers are taken in turn from a ring of about this size; absent = one for each command in flight. */
  readonly ringBytes?: number;
  /** What the driver does before it acknowledges data in persistent memory; absent = nothing. */
  readonly persist?: "flush";
  /** Notes for the result: options that were read but have no meaning here. */
  readonly ignored: readonly string[];
}

/** fio's `latency_target`, `latency_window` and `latency_percentile` (percent of I/Os below the target). */
export interface LatencyTarget {
  readonly targetNs: number;
  readonly windowNs: number;
  readonly percentile: number;
}

/** A load profile: jobs in order. */
export interface Profile {
  readonly name: string;
  readonly title: string;
  readonly file: string;
  /** Machine the profile is meant for; `--machine` overrides it. */
  readonly machine: string | null;
  readonly seed: number;
  /** What happens to the machine meanwhile, by rising time; absent = nothing. */
  readonly events?: readonly MachineEvent[];
  /** Check after the power cut that acknowledged data are there; absent = no cut. */
  readonly verify?: "after-power-cut";
  readonly jobs: readonly JobSpec[];
  /** What happens where Linux refuses two peers; absent = staged through memory. */
  readonly p2p?: PeerPolicy;
}

/** Peer-to-peer rules of a profile. */
export interface PeerPolicy {
  /** `allow`: data between refused peers go through memory, moved by the CPU; `forbid`: such I/O fails. */
  readonly staged: "allow" | "forbid";
}
