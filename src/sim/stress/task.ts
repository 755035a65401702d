/** What crosses to a stress worker, and what comes back. */
import type { ArenaHandle } from "../../shm/arena.ts";
import type { Machine } from "../machine/description.ts";
import type { Area, Target } from "./areas.ts";
import type { FaultCount } from "./faults/log.ts";
import type { FaultName } from "./faults/table.ts";
import type { Finding } from "./finding.ts";

/** Sent as structured clone: one worker's part of one round. */
export interface StressTask {
  readonly kind: "stress";
  readonly arena: ArenaHandle;
  readonly worker: number;
  readonly seed: number;
  readonly round: number;
  readonly machine: Machine;
  readonly areas: readonly Area[];
  readonly targets: readonly Target[];
  readonly faults: readonly FaultName[];
  /** Ends after this time or these operations, whichever is first; null = no such limit. */
  readonly limitNs: number | null;
  readonly limitOps: number | null;
  readonly counters: SharedArrayBuffer;
}

/** How it ended. */
export interface StressOutcome {
  /** Operations begun. */
  readonly steps: number;
  readonly faults: readonly FaultCount[];
  readonly finding: Finding | null;
}
