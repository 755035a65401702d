/**
 * Virtual time: integer picoseconds since an epoch that moves before precision is lost.
 *
 * Queues and servers work in picoseconds relative to the epoch, everything else in nanoseconds since
 * the start of the run.
 */
/** A quarter of the exact range: times this far ahead of `nowPs` can still be queued. */
const EPOCH_PS = 2 ** 51;

/** The clock of one run. `nowPs` counts from the epoch, `nowNs` from the start. */
export class VirtualClock {
  nowPs = 0;
  #epochNs = 0;

  get nowNs(): number {
    return this.#epochNs + this.nowPs / 1000;
  }

  nsAt(timePs: number): number {
    return this.#epochNs + timePs / 1000;
  }

  /** Picoseconds of a time in nanoseconds, now at the earliest and no farther ahead than can be queued. */
  psAt(timeNs: number): number {
    const ps = Math.ceil((timeNs - this.#epochNs) * 1000);
    return Math.min(Math.max(ps, this.nowPs), this.nowPs + EPOCH_PS);
  }

  /** When the epoch has to move: moves it to now and returns the picoseconds to take off every queued time, else 0. */
  rebase(): number {
    if (this.nowPs < EPOCH_PS) return 0;
    // A whole number of nanoseconds, so that no time changes by rounding.
    const shiftNs = Math.floor(this.nowPs / 1000);
    this.#epochNs += shiftNs;
    this.nowPs -= shiftNs * 1000;
    return shiftNs * 1000;
  }
}
