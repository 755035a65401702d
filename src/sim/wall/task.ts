/** What crosses to a wall worker, and what comes back. */
import type { ArenaHandle } from "../../shm/arena.ts";
import type { FaultResult } from "../fault_plan.ts";
import type { LoadOptions } from "../load/clones.ts";
import type { Machine } from "../machine/description.ts";
import type { Profile } from "../profile/job.ts";
import type { RunDebugPlain } from "../run_debug.ts";
import type { JobPlain } from "../stats.ts";
import type { IoHook } from "../test_hook.ts";

/** Sent as structured clone; the worker derives system and clones from it as every other does. */
export interface WallTask {
  readonly kind: "wall";
  readonly arena: ArenaHandle;
  readonly worker: number;
  readonly workers: number;
  readonly machine: Machine;
  readonly profile: Profile;
  readonly load: LoadOptions;
  readonly verify: boolean;
  readonly limitNs: number | null;
  /** Test hook: what an I/O of clone 0 does wrong. */
  readonly ioHook: IoHook;
}

/** What one worker measured; outcomes of all workers add up. */
export interface WallOutcome {
  readonly jobs: readonly JobPlain[];
  /** What dma-debug found on this thread; null = off. */
  readonly debug: RunDebugPlain | null;
  /** How the profile's faults ended on this thread, and commands that its engines saw struck, by fault. */
  readonly faults: readonly FaultResult[];
  readonly struck: readonly (readonly number[])[];
  readonly iotlbLookups: number;
  readonly iotlbMisses: number;
  /** Sums of the cost records of all mappings of this worker. */
  readonly mapCounters: Readonly<Record<string, number>>;
}
