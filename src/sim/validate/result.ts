/** What `dmasim validate` found out. */
import type { ConstantStatus } from "../../timing/calibration/constant.ts";
import type { Measurement } from "./measurement.ts";
import type { Prediction } from "./row.ts";
import type { Score } from "./score.ts";
import type { Summary } from "./summary.ts";

/** One row with its prediction. */
export interface RowResult {
  readonly id: string;
  readonly row: Measurement;
  readonly prediction: Prediction;
  /** Prediction of the baseline row; null when the row has none. */
  readonly baseline: { readonly row: Measurement; readonly prediction: Prediction } | null;
  /** Null of an unsupported row, or when the baseline is unsupported. */
  readonly score: Score | null;
  /** False of a row that is there as a baseline only. */
  readonly counted: boolean;
}

/** A constant that some prediction asked for. */
export interface UsedConstant {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly status: ConstantStatus;
  readonly source: string;
}

/** How a topic's rows are split: half of each group, or one platform left out after the other. */
export type HoldoutMethod = "halves" | "systems";

/** A calibration on some rows of a topic, tried on the others. Errors are medians, null where no row is supported. */
export interface HoldoutResult {
  readonly topic: string;
  readonly method: HoldoutMethod;
  /** Platforms left out, one after the other; 1 of `halves`. */
  readonly folds: number;
  readonly rows: number;
  /** Calibrated constants of the topic, and how many its rows may have (one a five rows). */
  readonly constants: number;
  readonly constantsMax: number;
  /** Those of them that the fit could move: its rows ask for them. */
  readonly refitted: number;
  readonly fittedMedian: number | null;
  readonly heldMedian: number | null;
  /** held / fitted; null when either is missing or the fitted one is 0. */
  readonly ratio: number | null;
  /** Predictions that the calibration took. */
  readonly evaluations: number;
}

/** All rows and what they come to. */
export interface ValidateResult {
  /** An interruption left rows out. */
  readonly partial?: true;
  /** Rows that were to be predicted, baselines included; only of a partial result. */
  readonly planned?: number;
  readonly rows: readonly RowResult[];
  /** The `simulated` rows. */
  readonly total: Summary;
  readonly groups: readonly (Summary & { readonly group: string; readonly topic: string })[];
  readonly topics: readonly (Summary & { readonly topic: string })[];
  /** Rows of the file that were left out, by scope. */
  readonly skipped: { readonly application: number; readonly tool: number };
  readonly constants: readonly UsedConstant[];
  /** One entry a topic and method; empty unless asked for. */
  readonly holdout: readonly HoldoutResult[];
  /** Predictions that ended in a failure of the model itself. */
  readonly failures: readonly { readonly id: string; readonly cause: string }[];
}
