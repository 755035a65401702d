/** A validation as JSON: `rows`, `groups`, `topics` (errors as ratios of the measured value). */
import { packageVersion } from "../../base/version.ts";
import type { RowResult, ValidateResult } from "../../sim/validate/result.ts";
import { toleranceOf } from "../../sim/validate/score.ts";
import { detailOf, reasonOf } from "./values.ts";

/** One row of the report; `predicted` and `measured` in `unit`. */
export interface ReportRow {
  readonly id: string;
  readonly group: string;
  readonly topic: string;
  readonly scope: string;
  readonly status: "ok" | "unsupported";
  readonly predicted: number | null;
  readonly measured: number;
  readonly unit: string;
  readonly error: number | null;
  readonly signedError: number | null;
  readonly tolerance: number;
  readonly within: boolean | null;
  /** Of a row with a baseline: `error` compares predicted / baseline's predicted with measured / baseline's measured. */
  readonly relativeTo?: { readonly id: string; readonly predicted: number | null; readonly measured: number };
  readonly reason?: string;
  readonly detail?: string;
  /** False of a row that is there as a baseline only: the summaries leave it out. */
  readonly counted: boolean;
}

/** The whole report. */
export function validateJson(result: ValidateResult): object {
  const { total, groups, topics, skipped, constants, holdout, failures } = result;
  return {
    schema: "dmasim/validate@1",
    version: packageVersion(),
    ...(result.partial === true ? { partial: true, planned: result.planned } : {}),
    rows: result.rows.map(reportRow),
    groups,
    topics,
    total,
    skipped,
    constants,
    ...(holdout.length === 0 ? {} : { holdout }),
    ...(failures.length === 0 ? {} : { failures }),
  };
}

/** One row; keys in the order of the contract. */
export function reportRow(result: RowResult): ReportRow {
  const { row, prediction, baseline, score } = result;
  const reason = reasonOf(result);
  return {
    id: row.id,
    group: row.group,
    topic: row.topic,
    scope: row.scope,
    status: reason === "" ? "ok" : "unsupported",
    predicted: prediction.status === "ok" ? prediction.valueSi : null,
    measured: row.measuredSi,
    unit: row.unitSi,
    error: score?.error ?? null,
    signedError: score?.signedError ?? null,
    tolerance: toleranceOf(row.toleranceRel),
    within: score?.within ?? null,
    ...(baseline === null ? {} : { relativeTo: relativeTo(baseline) }),
    ...(reason === "" ? {} : { reason, detail: detailOf(result) }),
    counted: result.counted,
  };
}

function relativeTo({ row, prediction }: NonNullable<RowResult["baseline"]>): NonNullable<ReportRow["relativeTo"]> {
  return {
    id: row.id,
    predicted: prediction.status === "ok" ? prediction.valueSi : null,
    measured: row.measuredSi,
  };
}
