/** When a clone may start its next I/O: fio's `rate`, `rate_iops` and `thinktime`. Times are nanoseconds. */
import type { Prng } from "../../base/prng.ts";
import type { JobSpec } from "../profile/job.ts";

/** Rate and think time of one clone; the later of the two decides. */
export class Pace {
  readonly #job: JobSpec;
  readonly #prng: Prng;
  readonly #paced: boolean;
  /** Times that the rates allow for the next read and the next write: each direction has a clock of its own. */
  readonly #rateNs = new Float64Array(2);
  #sinceThink = 0;

  constructor(job: JobSpec, prng: Prng) {
    this.#job = job;
    this.#prng = prng;
    this.#paced = isPaced(job);
  }

  /** The clone starts at `startNs`: rates count from then. */
  start(startNs: number): void {
    this.#rateNs.fill(startNs);
  }

  /** Counts an I/O that could start at `nowNs`; returns when it may, `readyNs` at the earliest. */
  next(write: boolean, bytes: number, nowNs: number, readyNs: number): number {
    if (!this.#paced) return readyNs;
    let atNs = readyNs;
    const gapNs = this.#gapNs(write, bytes);
    if (gapNs > 0) {
      const side = write ? 1 : 0;
      const allowedNs = this.#rateNs[side] as number;
      atNs = Math.max(atNs, allowedNs);
      this.#rateNs[side] = allowedNs + (this.#job.rateProcess === "poisson" ? this.#prng.exponential(gapNs) : gapNs);
    }
    if (this.#job.thinktimeNs === 0) return atNs;
    if (this.#sinceThink >= this.#job.thinktimeBlocks) {
      this.#sinceThink = 0;
      // The pause begins when the clone would have gone on, not when the I/O before it started.
      atNs = Math.max(atNs, nowNs) + this.#job.thinktimeNs;
    }
    this.#sinceThink += 1;
    return atNs;
  }

  /** Time between two I/Os of the direction under its rate; 0 = no rate. */
  #gapNs(write: boolean, bytes: number): number {
    const side = write ? "write" : "read";
    const bytesPerS = this.#job.rateBytesPerS[side];
    const iops = this.#job.rateIops[side];
    const byBytes = bytesPerS === null ? 0 : (bytes * 1e9) / bytesPerS;
    return iops === null ? byBytes : Math.max(byBytes, 1e9 / iops);
  }
}

/** The job has a rate or thinks between I/Os: it may not want more than it gets. */
export function isPaced({ rateBytesPerS, rateIops, thinktimeNs }: JobSpec): boolean {
  const rates = [rateBytesPerS.read, rateBytesPerS.write, rateIops.read, rateIops.write];
  return thinktimeNs > 0 || rates.some((rate) => rate !== null);
}
