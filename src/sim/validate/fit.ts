/**
 * Calibration: moves constants one at a time inside their ranges as long as a loss falls. Deterministic, and bounded in evaluations.
 *
 * A first round tries values all over the range of a constant, so that where the search starts decides little; later rounds try
 * ever nearer neighbours of the best value.
 */
import { assert } from "../../base/assert.ts";
import type { Constant, ConstantTable } from "../../timing/calibration/constant.ts";

/** Loss of some values of the constants; smaller is better. */
export type Loss = (values: Readonly<Record<string, number>>) => Promise<number>;

/** The best values that were found. */
export interface Fit {
  readonly values: Readonly<Record<string, number>>;
  readonly loss: number;
  readonly evaluations: number;
}

/** Values of the first round, evenly over the range (in ratio where the range is positive). */
const GRID_POINTS = 5;
/** Steps of the later rounds, as shares of the range. */
const ROUND_STEPS: readonly number[] = [0.08, 0.025];
/** A round that gains less than this share of the loss is the last. */
const GAIN_MIN = 0.01;
/** Range of a constant that states none: a factor of two either way. */
const RANGE_FACTOR = 2;

/** Fits the constants `names` of `table`, in their order, with at most `evaluationsMax` evaluations of `loss`. */
export async function fitConstants(
  names: readonly string[],
  table: ConstantTable,
  loss: Loss,
  evaluationsMax: number,
): Promise<Fit> {
  const search = new Search(loss, evaluationsMax);
  await search.start();
  for (let round = 0; round <= ROUND_STEPS.length; round += 1) {
    const before = search.result().loss;
    for (const name of names) {
      const constant = table[name];
      assert(constant !== undefined, "a constant that is fitted is in the table");
      await search.tryAll(name, candidates(constant, search.valueOf(name, constant), round));
    }
    // The first round looks far away; that it found nothing there says little about the neighbourhood.
    if (round > 0 && search.result().loss > before * (1 - GAIN_MIN)) break;
  }
  return search.result();
}

class Search {
  readonly #loss: Loss;
  readonly #max: number;
  #values: Readonly<Record<string, number>> = {};
  #best = Number.POSITIVE_INFINITY;
  #evaluations = 0;

  constructor(loss: Loss, max: number) {
    this.#loss = loss;
    this.#max = max;
  }

  async start(): Promise<void> {
    await this.#try(this.#values);
  }

  valueOf(name: string, constant: Constant): number {
    return this.#values[name] ?? constant.value;
  }

  async tryAll(name: string, values: readonly number[]): Promise<void> {
    for (const value of values) await this.#try({ ...this.#values, [name]: value });
  }

  async #try(values: Readonly<Record<string, number>>): Promise<void> {
    if (this.#evaluations >= this.#max) return;
    this.#evaluations += 1;
    const loss = await this.#loss(values);
    if (loss >= this.#best) return;
    this.#best = loss;
    this.#values = values;
  }

  result(): Fit {
    return { values: this.#values, loss: this.#best, evaluations: this.#evaluations };
  }
}

/** Values to try for one constant in one round, inside its range. */
function candidates(constant: Constant, current: number, round: number): number[] {
  const [low, high] = rangeOf(constant);
  if (high <= low) return [];
  const scale = scaleOf(low, high);
  if (round === 0) return Array.from({ length: GRID_POINTS }, (_, i) => scale.at(i / (GRID_POINTS - 1)));
  const step = ROUND_STEPS[round - 1] ?? 0;
  const place = scale.place(current);
  return [place - step, place + step].filter((each) => each >= 0 && each <= 1).map(scale.at);
}

/** Inclusive bounds of a constant. */
function rangeOf({ value, range }: Constant): readonly [number, number] {
  if (range !== undefined) return range;
  const bounds = [value / RANGE_FACTOR, value * RANGE_FACTOR] as const;
  return value >= 0 ? bounds : [bounds[1], bounds[0]];
}

/** Places 0..1 in a range, and back: by ratio where both bounds are above 0, else by difference. */
function scaleOf(low: number, high: number) {
  if (low <= 0) {
    return {
      at: (place: number) => low + place * (high - low),
      place: (value: number) => (value - low) / (high - low),
    };
  }
  const span = Math.log(high / low);
  return {
    at: (place: number) => low * Math.exp(place * span),
    place: (value: number) => Math.log(value / low) / span,
  };
}
