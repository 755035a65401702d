/**
 * Latencies while they are being counted: the buckets of an HDR histogram with three digits, without its cost per value.
 *
 * A value keeps its bucket when the counts become an HDR histogram, so percentiles and mean come out as if it had been entered there.
 */
import type { Histogram } from "hdr-histogram-js";

/** Values below are counted exactly; above, 1024 buckets an octave. */
const EXACT = 2048;
const OCTAVE_SHIFT = 10;
const OCTAVE = 1 << OCTAVE_SHIFT;
const HIGHEST = 2 ** 31;
const BUCKETS = ((31 - OCTAVE_SHIFT) << OCTAVE_SHIFT) + OCTAVE;

/** Counts of values from 1 to 2^31 - 1 nanoseconds. */
export class LatencyCounts {
  readonly #counts = new Uint32Array(BUCKETS);
  #used = false;
  #minNs = HIGHEST;
  #maxNs = 0;

  /** Counts a value; false when it is too large for the buckets. */
  record(latencyNs: number): boolean {
    const value = Math.round(latencyNs);
    if (value >= HIGHEST) return false;
    const at = value < EXACT ? Math.max(1, value) : bucketOf(value);
    this.#counts[at] = (this.#counts[at] as number) + 1;
    if (value < this.#minNs) this.#minNs = value;
    if (value > this.#maxNs) this.#maxNs = value;
    this.#used = true;
    return true;
  }

  /** Moves everything counted into `histogram`. */
  drain(histogram: Histogram): void {
    if (!this.#used) return;
    this.#counts.forEach((count, bucket) => {
      if (count > 0) histogram.recordValueWithCount(this.#valueOf(bucket), count);
    });
    this.#counts.fill(0);
    this.#used = false;
    this.#minNs = HIGHEST;
    this.#maxNs = 0;
  }

  /** A value of the bucket: the extremes themselves where they are in it, so that they stay exact. */
  #valueOf(bucket: number): number {
    if (bucket === bucketOf(this.#maxNs)) return Math.max(1, this.#maxNs);
    if (bucket === bucketOf(this.#minNs)) return Math.max(1, this.#minNs);
    if (bucket < EXACT) return bucket;
    return ((bucket & (OCTAVE - 1)) + OCTAVE) * 2 ** ((bucket >>> OCTAVE_SHIFT) - 1);
  }
}

function bucketOf(value: number): number {
  if (value < EXACT) return value;
  const shift = 31 - Math.clz32(value) - OCTAVE_SHIFT;
  return (shift << OCTAVE_SHIFT) + (value >>> shift);
}
