import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/**
 * Deterministic random numbers for one stream (a job clone, a machine, a test).
 *
 * Streams with different `stream` numbers under one seed are independent, so that adding a job
 * does not change what another job does. Drawing does not allocate.
 */
export class Prng {
  readonly #generator: RandomGenerator;

  constructor(seed: number, stream = 0) {
    this.#generator = xoroshiro128plus(mix32(seed ^ mix32(stream + 0x9e3779b9)));
    for (let i = 0; i < 4; i += 1) this.#generator.next();
  }

  /** Uniform integer in [0, 2^32). */
  u32(): number {
    return this.#generator.next() >>> 0;
  }

  /** Uniform in [0, 1) with 53 bits. */
  unit(): number {
    const high = this.#generator.next() >>> 5;
    const low = this.#generator.next() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** Uniform integer in [0, n); n up to 2^53. */
  below(n: number): number {
    return Math.floor(this.unit() * n);
  }

  /** Exponentially distributed with the given mean. */
  exponential(mean: number): number {
    return -Math.log(1 - this.unit()) * mean;
  }
}

/** 32-bit finaliser (murmur3): spreads close seeds apart. */
export function mix32(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
