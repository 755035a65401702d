/**
 * What a suite hands to the runner: groups of cases that are measured side by side.
 *
 * ```
 * suite (a file of suites/)  ->  groups, made one after the other  ->  cases, each beside its baseline
 * ```
 * Figures of one group come from the same minutes of the same process; compare ratios, not nanoseconds, across runs.
 */

/** One measured stretch: `ops` operations took `ms` milliseconds. */
export interface Sample {
  readonly ops: number;
  readonly ms: number;
}

export interface BenchCase {
  readonly name: string;
  /** Name of the case of the same group that this one is compared with. */
  readonly baseline?: string;
  /** Takes one sample; long enough (about a millisecond) that the clock's resolution does not matter. */
  readonly sample: () => Sample | Promise<Sample>;
  /** Samples that are long by themselves: one a round and no warm-up round. */
  readonly long?: boolean;
}

export interface BenchGroup {
  readonly title: string;
  readonly cases: readonly BenchCase[];
  /** After the last sample: what is wrong with the bytes or the state that the cases left, null = nothing. */
  readonly check: () => string | null;
}

export interface BenchSuite {
  /** For `--only`. */
  readonly name: string;
  readonly title: string;
  readonly groups: (effort: Effort) => Iterable<BenchGroup>;
}

/** How long the runner and the suites take. */
export interface Effort {
  readonly smoke: boolean;
  /** Every case is sampled this often, in turn with the others of its group. */
  readonly rounds: number;
  /** Milliseconds of samples of one case in one round. */
  readonly roundMs: number;
  readonly warmupMs: number;
}

export const FULL: Effort = Object.freeze({ smoke: false, rounds: 5, roundMs: 60, warmupMs: 150 });
export const SMOKE: Effort = Object.freeze({ smoke: true, rounds: 1, roundMs: 1, warmupMs: 0 });

/** One line of the result. */
export interface CaseResult {
  readonly suite: string;
  readonly group: string;
  readonly name: string;
  /** Operations a second. */
  readonly hz: number;
  /** Nanoseconds an operation. */
  readonly ns: number;
  /** Speed relative to the baseline: 1 = as fast, 0.5 = half as fast. */
  readonly ratio?: number;
  readonly baseline?: string;
}

/** Times `work`, which does `ops` operations. */
export function timed(ops: number, work: () => void): Sample {
  const startMs = performance.now();
  work();
  return { ops, ms: performance.now() - startMs };
}
