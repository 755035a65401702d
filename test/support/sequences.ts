/**
 * Random operation sequences against a model: many short ones, all from seeds, the failing one shortened.
 *
 * ```
 * seed ── setting (the target draws it from the seed)
 *     └── operations, OP_WORDS random numbers each; the target gives them a meaning in the state that it has reached
 * ```
 * Leaving an operation out leaves the others valid, so that a failing sequence can be cut down. `DMASIM_DEEP=1` runs ten
 * times as many sequences; `DMASIM_SEED=n` runs the sequence of one seed.
 */
import { Prng } from "#dmasim/base/prng.js";

export const OP_WORDS = 4;
const SEQUENCES = 10_000;
const SEQUENCES_DEEP = 100_000;
/** Longest time of a target in each mode, for vitest. */
export const SEQUENCES_TIMEOUT_MS = process.env.DMASIM_DEEP === "1" ? 1_800_000 : 180_000;
/** Tries to leave operations out before the rest is shown as it is. */
const SHORTENINGS_MAX = 2000;

/** One operation of a running sequence: random numbers with any range. */
export class Draw {
  readonly #ops: Uint32Array;
  #at = 0;
  /** Called with a description of every operation; null = nobody listens. */
  readonly log: ((line: string) => void) | null;

  constructor(ops: Uint32Array, log: ((line: string) => void) | null) {
    this.#ops = ops;
    this.log = log;
  }

  /** Number of operations. */
  get length(): number {
    return this.#ops.length / OP_WORDS;
  }

  /** Goes to operation `index`. */
  seek(index: number): void {
    this.#at = index * OP_WORDS;
  }

  /** Word `word` of the operation, as a number below `n`. */
  below(word: number, n: number): number {
    return Math.floor(((this.#ops[this.#at + word] as number) / 2 ** 32) * n);
  }
}

/** What is compared with a model. */
export interface Target {
  /** Operations of the sequence of `seed`. */
  readonly length: (seed: number) => number;
  /** Runs one sequence from an empty state; throws at the first difference. */
  readonly run: (seed: number, ops: Draw) => void;
}

/** What ran. */
export interface Totals {
  readonly sequences: number;
  readonly operations: number;
}

/** Runs the sequences of a target; throws with seed, shortened operations and the difference of the first that fails. */
export function runSequences(target: Target): Totals {
  const only = process.env.DMASIM_SEED;
  const last = process.env.DMASIM_DEEP === "1" ? SEQUENCES_DEEP : SEQUENCES;
  let operations = 0;
  const first = only === undefined ? 1 : Number(only);
  const end = only === undefined ? last : first;
  for (let seed = first; seed <= end; seed += 1) {
    const ops = operationsOf(target, seed);
    operations += ops.length / OP_WORDS;
    if (differenceOf(target, seed, ops) !== null) fail(target, seed, ops);
  }
  return { sequences: end - first + 1, operations };
}

function operationsOf(target: Target, seed: number): Uint32Array {
  const prng = new Prng(seed, 1);
  const ops = new Uint32Array(target.length(seed) * OP_WORDS);
  for (let i = 0; i < ops.length; i += 1) ops[i] = prng.u32();
  return ops;
}

function differenceOf(target: Target, seed: number, ops: Uint32Array, lines?: string[]): string | null {
  try {
    target.run(seed, new Draw(ops, lines === undefined ? null : (line) => void lines.push(line)));
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function fail(target: Target, seed: number, ops: Uint32Array): never {
  const short = shorten(ops, (fewer) => differenceOf(target, seed, fewer) !== null);
  const lines: string[] = [];
  const difference = differenceOf(target, seed, short, lines);
  const counts = `${short.length / OP_WORDS} of ${ops.length / OP_WORDS} operations`;
  throw new Error(`seed ${seed} (DMASIM_SEED=${seed} runs it alone), ${counts}: ${difference}\n${lines.join("\n")}`);
}

/** Leaves out ever smaller stretches while the rest still fails. */
export function shorten(ops: Uint32Array, fails: (ops: Uint32Array) => boolean): Uint32Array {
  let left = ops;
  let tries = 0;
  for (let step = Math.ceil(left.length / OP_WORDS / 2); step >= 1; step = step === 1 ? 0 : Math.ceil(step / 2)) {
    for (let at = 0; at < left.length && tries < SHORTENINGS_MAX; tries += 1) {
      const fewer = new Uint32Array([...left.subarray(0, at), ...left.subarray(at + step * OP_WORDS)]);
      if (fails(fewer)) left = fewer;
      else at += step * OP_WORDS;
    }
  }
  return left;
}
