/** What crosses to a wall worker, and what comes back. */
import type { ArenaHandle } from "../../shm/arena.ts";
import type { LoadOptions } from "../load/clones.ts";
import type { Machine } from "../machine/description.ts";
import type { Profile } from "../profile/job.ts";
import type { JobPlain } from "../stats.ts";

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
  /** Test hook: I/O of clone 0 whose data get one wrong byte; -1 = none. */
  readonly flipIo: number;
}

/** What one worker measured; outcomes of all workers add up. */
export interface WallOutcome {
  readonly jobs: readonly JobPlain[];
  readonly iotlbLookups: number;
  readonly iotlbMisses: number;
  /** Sums of the cost records of all mappings of this worker. */
  readonly mapCounters: Readonly<Record<string, number>>;
}
