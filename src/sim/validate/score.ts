/**
 * How far a prediction is from the published figure, and whether that is near enough.
 *
 * error = max(0, |predicted - measured| - resolution) / |measured|; `upper_bound` and `lower_bound` rows count only what lies beyond
 * the bound. A row with a baseline compares the two ratios to the baseline instead of the two values.
 * A row is `within` when its error is at most its tolerance, and `withinTwice` when it is at most twice that.
 */

/** Least tolerance: published figures are hardly better than this. */
export const TOLERANCE_MIN = 0.05;
/** Tolerance of a row that states none (bounds and ranges, mostly): the one that rows state most often, with 0.15. */
export const TOLERANCE_DEFAULT = 0.1;

/** What is compared of a row. */
export interface Comparand {
  readonly statistic: string;
  readonly measuredSi: number;
  readonly resolutionSi: number;
  readonly toleranceRel: number | null;
}

/** The baseline of a row: its published value and its prediction, both in the row's unit. */
export interface Baseline {
  readonly measuredSi: number;
  readonly predictedSi: number;
}

/** Errors as ratios of the measured value. */
export interface Score {
  readonly error: number;
  /** Predicted above measured is positive; 0 where `error` is 0. */
  readonly signedError: number;
  readonly tolerance: number;
  readonly within: boolean;
  readonly withinTwice: boolean;
}

/** The error that is allowed to a row: what it states, at least {@link TOLERANCE_MIN}. */
export function toleranceOf(toleranceRel: number | null): number {
  return Math.max(toleranceRel ?? TOLERANCE_DEFAULT, TOLERANCE_MIN);
}

/** Scores a prediction; with `baseline` the ratios to it. */
export function scoreRow(row: Comparand, predictedSi: number, baseline: Baseline | null): Score {
  const measured = row.measuredSi / (baseline?.measuredSi ?? 1);
  const predicted = baseline === null ? predictedSi : ratio(predictedSi, baseline.predictedSi);
  const resolution = row.resolutionSi / Math.abs(baseline?.measuredSi ?? 1);
  const away = outside(row.statistic, predicted - measured);
  // A published 0 has no relative error: there the difference itself counts (a share of 0.02 where none was seen is 2 % off).
  const scale = measured === 0 ? 1 : Math.abs(measured);
  const error = Math.max(0, Math.abs(away) - resolution) / scale;
  const tolerance = toleranceOf(row.toleranceRel);
  return {
    error,
    signedError: error === 0 ? 0 : Math.sign(away) * error,
    tolerance,
    within: error <= tolerance,
    withinTwice: error <= 2 * tolerance,
  };
}

/** A baseline predicted as 0 leaves nothing to divide by: as wrong as can be, unless both are 0. */
function ratio(predictedSi: number, baselineSi: number): number {
  if (baselineSi !== 0) return predictedSi / baselineSi;
  return predictedSi === 0 ? 1 : Number.MAX_VALUE;
}

/** The part of a difference that a bound does not allow. */
function outside(statistic: string, difference: number): number {
  if (statistic === "upper_bound") return Math.max(0, difference);
  if (statistic === "lower_bound") return Math.min(0, difference);
  return difference;
}
