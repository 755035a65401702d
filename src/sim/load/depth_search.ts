/**
 * fio's `latency_target`: the largest queue depth at which enough I/Os stay below the target.
 *
 * Doubles the depth while windows pass, then halves the interval between the last pass and the first failure.
 */
import type { LatencyTarget } from "../profile/job.ts";

/** The search of one clone; `done` once the depth no longer changes. */
export class DepthSearch {
  /** Depth that is tried now; once `done`, the one that is kept. */
  depth = 1;
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

  /** Deepest queue that met the target in a whole window; 1 before any did. */
  get found(): number {
    return Math.max(1, this.#passed);
  }

  /** Some depth met the target; as long as no window has ended, the I/Os so far did. */
  get met(): boolean {
    return this.#passed > 0 || (this.#failed === 0 && this.#isWithin());
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
    if (this.#isWithin()) this.#passed = this.depth;
    else this.#failed = this.depth;
    const doubling = this.#failed === 0;
    const next = doubling ? this.depth * 2 : Math.floor((this.#passed + this.#failed) / 2);
    this.done = doubling ? this.depth === this.#depthMax : this.#failed - this.#passed <= 1;
    this.depth = this.done ? this.found : Math.max(1, Math.min(next, this.#depthMax));
  }

  #isWithin(): boolean {
    return this.#late <= this.#ios * (1 - this.#target.percentile / 100);
  }
}
