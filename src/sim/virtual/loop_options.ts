/** What a run asks of the virtual loop. */
import type { MachineEvent } from "../profile/events.ts";
import type { FaultSpec } from "../profile/faults.ts";
import type { LaneOptions } from "./lane.ts";

/** What the loop needs of the run's options. */
export interface LoopOptions extends LaneOptions {
  /** Virtual seconds after which jobs are cut; null = none. */
  readonly limitSeconds: number | null;
  /** Arbitrate TLP by TLP instead of in quanta. */
  readonly perTlp: boolean;
  /** What happens to the machine meanwhile. */
  readonly events: readonly MachineEvent[];
  /** What goes wrong with devices and links. */
  readonly faults: readonly FaultSpec[];
  readonly seed: number;
}
