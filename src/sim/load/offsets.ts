/**
 * Random offsets inside an extent by fio's `random_distribution`.
 *
 * Works in blocks: `draw` returns a block number in [0, blocks). Does not allocate per draw.
 */
import { mix32, type Prng } from "../../base/prng.ts";
import type { Distribution } from "../profile/job.ts";

/** Harmonic terms summed exactly before the integral takes over; keeps set-up time bounded for large extents. */
const ZETA_EXACT = 10000;

/** Draws block numbers of one clone; `seed` scatters the hot blocks of zipf and pareto over the extent. */
export class OffsetDraw {
  readonly #distribution: Distribution;
  readonly #blocks: number;
  readonly #blockBytes: number;
  readonly #zetaN: number;
  readonly #scramble: number;

  constructor(distribution: Distribution, blocks: number, blockBytes: number, seed: number) {
    this.#distribution = distribution;
    this.#blocks = blocks;
    this.#blockBytes = blockBytes;
    this.#zetaN = distribution.kind === "zipf" ? zeta(blocks, distribution.theta) : 0;
    this.#scramble = mix32(seed);
  }

  draw(prng: Prng): number {
    const distribution = this.#distribution;
    if (distribution.kind === "random") return prng.below(this.#blocks);
    if (distribution.kind === "zipf") return this.#spread(this.#zipf(prng.unit(), distribution.theta));
    if (distribution.kind === "pareto") return this.#spread(this.#pareto(prng.unit(), distribution.h));
    if (distribution.kind === "normal") return this.#normal(prng, distribution.deviationPercent);
    return this.#zoned(prng, distribution.zones, distribution.kind === "zoned_abs");
  }

  /** Zipf rank by inversion of the approximated distribution (Gray et al., SIGMOD 1994, as fio uses). */
  #zipf(u: number, theta: number): number {
    const n = this.#blocks;
    const uz = u * this.#zetaN;
    if (uz < 1) return 0;
    if (uz < 1 + 0.5 ** theta) return Math.min(1, n - 1);
    if (Math.abs(theta - 1) < 1e-9) return Math.min(n - 1, Math.floor(Math.exp(uz - 1)));
    const alpha = 1 / (1 - theta);
    const zeta2 = 1 + 0.5 ** theta;
    const eta = (1 - (2 / n) ** (1 - theta)) / (1 - zeta2 / this.#zetaN);
    return Math.min(n - 1, Math.floor(n * Math.abs(eta * u - eta + 1) ** alpha));
  }

  /** Pareto rank: fio's (n - 1) * u^power with power = log(h) / log(1 - h). */
  #pareto(u: number, h: number): number {
    const power = Math.log(h) / Math.log(1 - h);
    return Math.floor((this.#blocks - 1) * u ** power);
  }

  #normal(prng: Prng, deviationPercent: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - prng.unit()));
    const gauss = radius * Math.cos(2 * Math.PI * prng.unit());
    const value = this.#blocks * (0.5 + (gauss * deviationPercent) / 100);
    return Math.min(this.#blocks - 1, Math.max(0, Math.floor(value)));
  }

  #zoned(prng: Prng, zones: readonly { accessPercent: number; size: number }[], absolute: boolean): number {
    const unit = absolute ? 1 / this.#blockBytes : this.#blocks / 100;
    let pick = prng.unit() * 100;
    let start = 0;
    for (let i = 0; i < zones.length; i += 1) {
      const zone = zones[i] as { accessPercent: number; size: number };
      const span = zone.size === 0 ? this.#blocks - start : zone.size * unit;
      if (pick < zone.accessPercent || i === zones.length - 1) {
        return Math.min(this.#blocks - 1, Math.floor(start + prng.unit() * span));
      }
      pick -= zone.accessPercent;
      start += span;
    }
    return 0;
  }

  /** Hot ranks are scattered over the extent, as fio does. */
  #spread(rank: number): number {
    return (rank * 2654435761 + this.#scramble) % this.#blocks;
  }
}

function zeta(n: number, theta: number): number {
  let sum = 0;
  const exact = Math.min(n, ZETA_EXACT);
  for (let i = 1; i <= exact; i += 1) sum += 1 / i ** theta;
  if (n <= exact) return sum;
  const tail =
    Math.abs(theta - 1) < 1e-9 ? Math.log(n / exact) : (n ** (1 - theta) - exact ** (1 - theta)) / (1 - theta);
  return sum + tail;
}
