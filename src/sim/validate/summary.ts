/** Rows of one group or topic in figures. */
import type { Score } from "./score.ts";

/** A row as far as a summary needs it; without a score it is not supported. */
export interface Scored {
  readonly id: string;
  readonly score: Score | null;
}

/** Counts of rows; errors of the supported ones as ratios, null when there is none. */
export interface Summary {
  readonly rows: number;
  readonly supported: number;
  /** Supported rows whose error is at most their tolerance. */
  readonly within: number;
  /** The same for twice the tolerance. */
  readonly withinTwice: number;
  readonly mape: number | null;
  readonly median: number | null;
  readonly worst: number | null;
  /** Row that `worst` is of. */
  readonly worstId: string | null;
  /** Mean of the signed errors: above 0 the predictions are too high. */
  readonly bias: number | null;
}

/** Summary of rows; those that are not counted must have been left out. */
export function summarise(rows: readonly Scored[]): Summary {
  const scored = rows.flatMap((row) => (row.score === null ? [] : [{ id: row.id, score: row.score }]));
  const errors = scored.map(({ score }) => score.error);
  const worst = scored.reduce<(typeof scored)[number] | null>(
    (most, each) => (most === null || each.score.error > most.score.error ? each : most),
    null,
  );
  return {
    rows: rows.length,
    supported: scored.length,
    within: scored.filter(({ score }) => score.within).length,
    withinTwice: scored.filter(({ score }) => score.withinTwice).length,
    mape: mean(errors),
    median: median(errors),
    worst: worst?.score.error ?? null,
    worstId: worst?.id ?? null,
    bias: mean(scored.map(({ score }) => score.signedError)),
  };
}

/** Arithmetic mean; null of nothing. */
export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Median, the mean of the middle two of an even count; null of nothing. */
export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle];
  if (upper === undefined) return null;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
