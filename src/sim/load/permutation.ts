import { mix32 } from "../../base/prng.ts";

const ROUNDS = 4;

/**
 * A pseudo-random permutation of 0..n-1 that needs no memory: what fio's random map gives, each block once.
 *
 * A four-round Feistel network over the next even power of two, walked until the value falls below n
 * (fewer than four steps on average).
 */
export class Permutation {
  readonly #n: number;
  readonly #half: number;
  /** Key of each round. */
  readonly #keys: Int32Array;

  constructor(n: number, seed: number) {
    this.#n = n;
    let half = 2;
    while (half * half < n) half *= 2;
    this.#half = half;
    this.#keys = Int32Array.from({ length: ROUNDS }, (_, round) => mix32(seed + round));
  }

  /** Image of `index`. */
  at(index: number): number {
    let value = index;
    do {
      value = this.#round(value);
    } while (value >= this.#n);
    return value;
  }

  #round(value: number): number {
    const half = this.#half;
    let high = Math.floor(value / half);
    let low = value - high * half;
    for (let round = 0; round < ROUNDS; round += 1) {
      const next = (high ^ mix32(low ^ (this.#keys[round] as number))) & (half - 1);
      high = low;
      low = next;
    }
    return high * half + low;
  }
}
