/**
 * The report of `dmasim validate` for people: verdict, a table by topic (and group), the worst rows, what is not predicted.
 *
 * ```
 *  478 of 504 simulated rows predicted (95 %), 400 within their tolerance (79 %), 455 within twice that (90 %)
 *
 *  topic   rows  predicted  within  2 x  median  mean  worst  bias
 * ```
 */
import type { HoldoutResult, RowResult, ValidateResult } from "../../sim/validate/result.ts";
import type { Summary } from "../../sim/validate/summary.ts";
import { plain, type Screen, wrap } from "../style.ts";
import { type Column, renderTable } from "../table.ts";
import { describeRow, detailOf, formatBias, formatError, formatShare, formatSi, reasonOf } from "./values.ts";

/** What of the report is wanted. */
export interface ValidateView {
  readonly groups: boolean;
  /** Rows of largest error that are listed. */
  readonly worst: number;
}

const right = (head: string): Column => ({ head, align: "right" });
const left = (head: string): Column => ({ head, align: "left" });
const FIGURES = ["rows", "predicted", "within", "within 2x", "median", "mean", "worst", "bias"].map(right);
/** Shares that a good model reaches: of rows within, and within twice the tolerance. */
const WITHIN_GOAL = 0.75;
const DETAILS_SHOWN = 12;

/** Whole report, ending in a newline. */
export function renderValidate(screen: Screen, result: ValidateResult, view: ValidateView): string {
  const blocks = [
    verdict(screen, result),
    table(screen, [left("topic")], result.topics, ({ topic }) => [topic]),
    view.groups ? table(screen, [left("group"), left("topic")], result.groups, (each) => [each.group, each.topic]) : [],
    worstRows(screen, result.rows, view.worst),
    notPredicted(screen, result.rows),
    heldOut(screen, result.holdout),
    result.failures.map(({ id, cause }) => ` ${screen.colors.red("FAILED")} ${plain(id)}: ${plain(cause)}`),
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join("\n"))
    .join("\n\n")}\n`;
}

function verdict(screen: Screen, result: ValidateResult): string[] {
  const { total, skipped, constants, rows } = result;
  const { bold, dim, green, yellow } = screen.colors;
  const cut =
    result.partial === true
      ? [` ${yellow(`partial: interrupted after ${rows.length} of ${result.planned} rows`)}`]
      : [];
  if (rows.length === 0 && result.partial === true) return cut;
  if (rows.length === 0) return [" No row to predict: see --topic and --all"];
  const calibrated = constants.filter(({ status }) => status === "calibrated").length;
  const leftOut = skipped.application + skipped.tool;
  const notes = [
    `within: error at most the row's tolerance, which is at least 5 %; shares are of all rows`,
    constants.length === 0 ? "" : `${constants.length} constants used, ${calibrated} of them calibrated`,
    leftOut === 0
      ? ""
      : `left out: ${skipped.application} application and ${skipped.tool} tool rows (--all takes them in)`,
  ];
  const head =
    total.rows === 0
      ? "No simulated row in this choice"
      : `${total.within} of ${total.rows} simulated rows within tolerance (${percent(total.within, total.rows)}), ${total.withinTwice} within twice that (${percent(total.withinTwice, total.rows)}), ${total.rows - total.supported} not predicted; median error ${formatError(total.median)}`;
  const paint = total.within >= WITHIN_GOAL * total.rows ? green : yellow;
  return [
    ...cut,
    ...wrap(head, screen.width - 2).map((line) => ` ${bold(paint(line))}`),
    ...notes.filter((text) => text !== "").map((text) => ` ${dim(text)}`),
  ];
}

function percent(count: number, of: number): string {
  return of === 0 ? "–" : `${((100 * count) / of).toFixed(0)} %`;
}

function table<Each extends Summary>(
  screen: Screen,
  names: readonly Column[],
  summaries: readonly Each[],
  nameOf: (each: Each) => string[],
): string[] {
  if (summaries.length === 0) return [];
  const rows = summaries.map((each) => [...nameOf(each).map(plain), ...figures(each)]);
  const withinAt = names.length + 2;
  return renderTable(screen, [...names, ...FIGURES], rows, (cell, row, column) => {
    const each = summaries[row];
    if (each === undefined || column !== withinAt || each.rows === 0) return cell;
    return each.within >= WITHIN_GOAL * each.rows ? screen.colors.green(cell) : screen.colors.yellow(cell);
  });
}

function figures(each: Summary): string[] {
  return [
    String(each.rows),
    formatShare(each.supported, each.rows),
    formatShare(each.within, each.rows),
    formatShare(each.withinTwice, each.rows),
    formatError(each.median),
    formatError(each.mape),
    formatError(each.worst),
    formatBias(each.bias),
  ];
}

function worstRows(screen: Screen, rows: readonly RowResult[], count: number): string[] {
  const errorOf = (row: RowResult) => row.score?.error ?? 0;
  const beyond = rows.filter(({ counted, score }) => counted && score !== null && !score.within);
  const worst = [...beyond].sort((a, b) => errorOf(b) - errorOf(a)).slice(0, count);
  if (worst.length === 0) return [];
  const columns = [
    left("worst row"),
    right("measured"),
    right("predicted"),
    right("error"),
    right("allowed"),
    left("what"),
  ];
  return renderTable(screen, columns, worst.map(worstCells), (cell, _row, column) =>
    column === 3 ? screen.colors.red(cell) : cell,
  );
}

/** A row with a baseline shows both values over it. */
function worstCells(result: RowResult): string[] {
  const { row, prediction, baseline, score } = result;
  const predictedSi = prediction.status === "ok" ? prediction.valueSi : 0;
  const base = baseline?.prediction.status === "ok" ? baseline.prediction.valueSi : null;
  const over = (value: number, by: number | null) =>
    by === null ? formatSi(value, row.unitSi) : `${formatSi(value / by, "count")} x`;
  return [
    plain(row.id),
    over(row.measuredSi, base === null ? null : (baseline?.row.measuredSi ?? null)),
    over(predictedSi, base),
    formatBias(score?.signedError ?? null),
    formatError(score?.tolerance ?? null),
    plain(describeRow(result)),
  ];
}

function notPredicted(screen: Screen, rows: readonly RowResult[]): string[] {
  const without = rows.filter((row) => row.counted && reasonOf(row) !== "");
  if (without.length === 0) return [];
  const kinds = new Map<string, RowResult[]>();
  for (const row of without) {
    const kind = `${row.row.topic}\n${reasonOf(row)}\n${detailOf(row)}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), row]);
  }
  const sorted = [...kinds.entries()].sort((a, b) => b[1].length - a[1].length);
  const cells = sorted.slice(0, DETAILS_SHOWN).map(([kind, members]) => {
    const [topic = "", reason = "", detail = ""] = kind.split("\n");
    return [plain(topic), String(members.length), plain(reason), plain(detail)];
  });
  const columns = [left("not predicted"), right("rows"), left("reason"), left("because")];
  const more = sorted.length - cells.length;
  const lines = renderTable(screen, columns, cells, (cell, _row, column) =>
    column === 2 ? screen.colors.yellow(cell) : cell,
  );
  return more > 0 ? [...lines, ` and ${more} more kinds (--json has all)`] : lines;
}

function heldOut(screen: Screen, results: readonly HoldoutResult[]): string[] {
  if (results.length === 0) return [];
  const columns = [
    left("held out"),
    left("by"),
    ...["rows", "constants", "allowed", "refitted", "fitted median", "held median", "ratio"].map(right),
  ];
  const cells = results.map((each) => [
    plain(each.topic),
    each.method === "halves" ? "half" : `system (${each.folds})`,
    String(each.rows),
    String(each.constants),
    String(each.constantsMax),
    String(each.refitted),
    formatError(each.fittedMedian),
    formatError(each.heldMedian),
    each.ratio === null ? "–" : each.ratio.toFixed(2),
  ]);
  return renderTable(screen, columns, cells, (cell, row, column) => {
    const each = results[row];
    if (each === undefined) return cell;
    if (column === 3 && each.constants > each.constantsMax) return screen.colors.yellow(cell);
    return column === 8 && (each.ratio ?? 0) > 1.5 ? screen.colors.yellow(cell) : cell;
  });
}
