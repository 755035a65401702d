/** What `dmasim explain` finds: schema `dmasim/explain@1`. Times are nanoseconds of virtual time, shares 0..1 of the latency. */
import type { RunResult } from "../result.ts";

/** Value of `schema`; the number rises when a key changes its meaning or goes. */
export const EXPLAIN_SCHEMA = "dmasim/explain@1";

/** Stages of an I/O. `copy` is that of a CPU (DAX), `engine` the device's DMA block with its tags and credits. */
export type StageName =
  | "submit"
  | "map"
  | "bounce"
  | "doorbell"
  | "fetch"
  | "media"
  | "engine"
  | "link"
  | "walk"
  | "root complex"
  | "memory"
  | "copy"
  | "completion"
  | "unmap";

/** One step in time: a wait for a place, then its service. Steps follow one another without gaps. */
export interface ExplainedStep {
  readonly stage: StageName;
  readonly place: string;
  readonly start_ns: number;
  readonly wait_ns: number;
  readonly service_ns: number;
}

/** All steps of a stage; `place` is where it spent most. */
export interface ExplainedStage {
  readonly stage: StageName;
  readonly place: string;
  readonly wait_ns: number;
  readonly service_ns: number;
  readonly share: number;
}

/** One I/O: the steps, and the stages, sum to `latency_ns`. */
export interface ExplainedIo {
  readonly which: "median" | "p99";
  readonly clone: number;
  readonly io: number;
  readonly bytes: number;
  readonly latency_ns: number;
  readonly wait_ns: number;
  readonly service_ns: number;
  /** Commands of the I/O; the one that ended last is shown, with its bytes, quanta on the link, IOTLB misses and levels walked. */
  readonly commands: number;
  readonly command_bytes: number;
  readonly quanta: number;
  readonly iotlb_misses: number;
  readonly walk_levels: number;
  readonly steps: readonly ExplainedStep[];
  readonly stages: readonly ExplainedStage[];
}

/** A median and a p99 I/O of one job and direction, and the run that they are of. */
export interface Explanation {
  readonly schema: typeof EXPLAIN_SCHEMA;
  /** Interrupted: `transfers` is empty, and `run` may hold less than the load. */
  readonly partial?: true;
  readonly job: string;
  readonly direction: "read" | "write";
  /** I/Os that the percentiles are of. */
  readonly ios: number;
  readonly transfers: readonly ExplainedIo[];
  readonly run: RunResult;
}
