/**
 * When one resource is busy, for users who reserve it ahead of time.
 *
 * A slow function's write is reserved at the time at which it will arrive; until then the resource is free for others. Idle
 * time before a reservation is remembered and given to those that arrive earlier, so that calls need not come in order of arrival.
 */

/** Idle spans remembered; more than functions have queued bursts in the time that a slow one takes for one. */
const GAPS = 64;

/** Busy time of a resource that serves one thing at a time. Nothing here allocates after construction. */
export class Timeline {
  #freeAtPs: number;
  /** Idle spans before `#freeAtPs`: a ring, the youngest before `#next`. */
  readonly #gapStartPs = new Float64Array(GAPS);
  readonly #gapEndPs = new Float64Array(GAPS);
  #next = 0;

  constructor(freeAtPs = 0) {
    this.#freeAtPs = freeAtPs;
  }

  /** Reserves `servicePs` from the first free time not before `nowPs`; returns its start. */
  reserve(nowPs: number, servicePs: number): number {
    const freePs = this.#freeAtPs;
    if (nowPs >= freePs) {
      this.#gapStartPs[this.#next] = freePs;
      this.#gapEndPs[this.#next] = nowPs;
      this.#next = this.#next + 1 === GAPS ? 0 : this.#next + 1;
      this.#freeAtPs = nowPs + servicePs;
      return nowPs;
    }
    const gap = this.#fitting(nowPs, servicePs);
    if (gap < 0) {
      this.#freeAtPs = freePs + servicePs;
      return freePs;
    }
    const startPs = Math.max(nowPs, this.#gapStartPs[gap] as number);
    // What lies before is given up: those who come later are rarely earlier.
    this.#gapStartPs[gap] = startPs + servicePs;
    return startPs;
  }

  rebase(shiftPs: number): void {
    this.#freeAtPs -= shiftPs;
    for (let i = 0; i < GAPS; i += 1) {
      this.#gapStartPs[i] = (this.#gapStartPs[i] as number) - shiftPs;
      this.#gapEndPs[i] = (this.#gapEndPs[i] as number) - shiftPs;
    }
  }

  /** The oldest span that ends late enough, -1 = none. Spans are in order of time, so the search ends at the first one in the past. */
  #fitting(nowPs: number, servicePs: number): number {
    let found = -1;
    let at = this.#next;
    for (let i = 0; i < GAPS; i += 1) {
      at = at === 0 ? GAPS - 1 : at - 1;
      const endPs = this.#gapEndPs[at] as number;
      if (endPs < nowPs + servicePs) break;
      if (endPs - (this.#gapStartPs[at] as number) >= servicePs) found = at;
    }
    return found;
  }
}
