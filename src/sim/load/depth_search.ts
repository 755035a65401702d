/**
 * fio's `latency_target`: the largest queue depth at which enough I/Os stay below the target.
 *
 * Doubles the depth while windows pass, then halves the interval between the last pass and the first failure.
 */
import type { LatencyTarget } from "../profile/job.ts";

export class DepthSearch {
  depth = 1;
  /** The last finished window met the target; once `done`, whether any depth did. */
  met = false;
  done = false;
  readonly #target: LatencyTarget;
  readonly #depthMax: number;
  #passed = 0;
  #failed = 0;
  #windowStartNs = -1;
  #ios = 0;
  #late = 0;

  constructor(target: LatencyTarget, depthMax: number) {
    this.#target = target;
    this.#depthMax = depthMax;
  }

  /** Counts one I/O; may change `depth` when a window ends. */
  record(nowNs: number, latencyNs: number): void {
    if (this.#windowStartNs < 0) this.#windowStartNs = nowNs;
    this.#ios += 1;
    if (latencyNs > this.#target.targetNs) this.#late += 1;
    if (nowNs - this.#windowStartNs < this.#target.windowNs || this.done) return;
    this.#endWindow();
    this.#windowStartNs = nowNs;
    this.#ios = 0;
    this.#late = 0;
  }

  #endWindow(): void {
    this.met = this.#late <= this.#ios * (1 - this.#target.percentile / 100);
    if (this.met) this.#passed = this.depth;
    else this.#failed = this.depth;
    const doubling = this.#failed === 0;
    const next = doubling ? this.depth * 2 : Math.floor((this.#passed + this.#failed) / 2);
    this.done = doubling ? this.depth === this.#depthMax : this.#failed - this.#passed <= 1;
    if (this.done) {
      // The last window probes a depth that may fail; what counts is the depth that is kept.
      this.depth = Math.max(1, this.#passed);
      this.met = this.#passed > 0;
    } else this.depth = Math.max(1, Math.min(next, this.#depthMax));
  }
}
