/**
 * The latency of every I/O of one job and direction, so that the one at a percentile can be named.
 *
 * A histogram knows how long the median took, not which I/O it was.
 */
import type { IoWatch } from "../load/io_watch.ts";

/** An I/O by its clone and its number there; the same in every run of the same inputs. */
export interface IoName {
  readonly clone: number;
  readonly io: number;
}

/** One I/O and its latency. */
export interface IoLatency extends IoName {
  readonly latencyNs: number;
}

const FIRST_CAPACITY = 4096;

/** Collects I/Os of the clones in `clones`, those that write or those that read. */
export class IoLatencies implements IoWatch {
  count = 0;
  readonly #clones: ReadonlySet<number>;
  readonly #write: boolean;
  #clone = new Int32Array(FIRST_CAPACITY);
  #io = new Float64Array(FIRST_CAPACITY);
  #latencyNs = new Float64Array(FIRST_CAPACITY);

  constructor(clones: ReadonlySet<number>, write: boolean) {
    this.#clones = clones;
    this.#write = write;
  }

  ended(clone: number, io: number, write: boolean, latencyNs: number): void {
    if (write !== this.#write || !this.#clones.has(clone)) return;
    if (this.count === this.#clone.length) this.#grow();
    this.#clone[this.count] = clone;
    this.#io[this.count] = io;
    this.#latencyNs[this.count] = latencyNs;
    this.count += 1;
  }

  /** The I/O at each of `percentiles` (nearest rank; of equal latencies the one that ended first). */
  at(percentiles: readonly number[]): IoLatency[] {
    const order = Array.from({ length: this.count }, (_, index) => index);
    const latencyNs = this.#latencyNs;
    order.sort((a, b) => (latencyNs[a] as number) - (latencyNs[b] as number) || a - b);
    if (this.count === 0) return [];
    return percentiles.map((percentile) => {
      const rank = Math.min(Math.max(Math.ceil((percentile / 100) * this.count), 1), this.count);
      const index = order[rank - 1] as number;
      return {
        clone: this.#clone[index] as number,
        io: this.#io[index] as number,
        latencyNs: latencyNs[index] as number,
      };
    });
  }

  #grow(): void {
    const capacity = this.#clone.length * 2;
    const [clone, io, latencyNs] = [this.#clone, this.#io, this.#latencyNs];
    this.#clone = new Int32Array(capacity);
    this.#io = new Float64Array(capacity);
    this.#latencyNs = new Float64Array(capacity);
    this.#clone.set(clone);
    this.#io.set(io);
    this.#latencyNs.set(latencyNs);
  }
}
