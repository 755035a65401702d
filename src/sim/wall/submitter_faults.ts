/** What a free-running driver does with commands that a fault of the profile has struck: notes the outcome, repeats. */
import { AER } from "../../pcie/aer.ts";
import { DMA_STATUS, DMA_STATUS_NAMES } from "../../shm/dma_status.ts";
import type { FaultPlan } from "../fault_plan.ts";

/** nvme_core.max_retries. */
const REPEATS_MAX = 5;

/** Of one clone. */
export class SubmitterFaults {
  readonly #plan: FaultPlan;
  readonly #device: string;
  /** By tag: failures in a row. */
  readonly #failures: Uint8Array;

  constructor(plan: FaultPlan, device: string, tags: number) {
    this.#plan = plan;
    this.#device = device;
    this.#failures = new Uint8Array(tags);
  }

  /** A command completed with `status`; true when the driver repeats it. */
  repeats(tag: number, status: number, bytes: number): boolean {
    const timedOut = status === DMA_STATUS.completionTimeout;
    if (!timedOut && status !== DMA_STATUS.poisoned) {
      this.#failures[tag] = 0;
      return false;
    }
    const fault = timedOut ? "completion-timeout" : "poisoned-tlp";
    const spec = this.#plan.specs.findIndex(
      (each) => each.fault === fault && (each.device === null || each.device === this.#device),
    );
    const error = timedOut ? AER.completionTimeout : AER.poisonedTlp;
    if (spec >= 0) this.#plan.ended(spec, `completion: ${DMA_STATUS_NAMES[status]}, AER ${error.word}`, 0, bytes);
    this.#failures[tag] = (this.#failures[tag] as number) + 1;
    return (this.#failures[tag] as number) <= REPEATS_MAX;
  }
}
