/**
 * Hold-out: calibrates the constants of a topic on some of its rows and predicts the others, which the calibration has not seen.
 *
 * `halves` splits each group by the hash of its row ids; `systems` leaves out one platform after the other. Constants that no row of
 * the training part asks for cannot be fitted by it and keep the value of the table.
 */
import type { ConstantTable } from "../../timing/calibration/constant.ts";
import { fitConstants } from "./fit.ts";
import type { Measurement } from "./measurement.ts";
import { Oracle } from "./oracle.ts";
import type { HoldoutMethod, HoldoutResult } from "./result.ts";
import { rowText } from "./row.ts";
import { scoreRow } from "./score.ts";
import { mean, median } from "./summary.ts";

/** A row to predict, with its baseline. */
export interface HoldoutRow {
  readonly row: Measurement;
  readonly baseline: Measurement | null;
}

/** One topic and method. */
export interface HoldoutTask {
  readonly topic: string;
  readonly method: HoldoutMethod;
  readonly rows: readonly HoldoutRow[];
}

interface Fold {
  readonly training: readonly HoldoutRow[];
  readonly held: readonly HoldoutRow[];
}

type Values = Readonly<Record<string, number>>;

/** Loss evaluations of one topic, over all folds; each predicts those training rows that the moved constant concerns. */
const EVALUATIONS_MAX = 150;
/** Rows that one constant needs. */
const ROWS_PER_CONSTANT = 5;
/** An error of 100 % or more counts as that: one row off the scale must not decide a fit. */
const LOSS_ERROR_MAX = 1;

/** Runs one topic. */
export async function holdOut(task: HoldoutTask, table: ConstantTable): Promise<HoldoutResult> {
  const folds = task.method === "halves" ? [halves(task.rows)] : leaveOneOut(task.rows);
  const ofTopic = Object.keys(table).filter((name) => isFitted(table, name, task.topic));
  const fitted: (number | null)[] = [];
  const held: number[] = [];
  const moved = new Set<string>();
  let evaluations = 0;
  const oracle = new Oracle(table);
  for (const fold of folds) {
    const trial = await runFold(fold, ofTopic, oracle, Math.floor(EVALUATIONS_MAX / folds.length));
    fitted.push(median(trial.fitted));
    held.push(...trial.held);
    for (const name of trial.names) moved.add(name);
    evaluations += trial.evaluations;
  }
  const fittedMedian = mean(fitted.filter((each) => each !== null));
  const heldMedian = median(held);
  return {
    topic: task.topic,
    method: task.method,
    folds: folds.length,
    rows: task.rows.length,
    constants: ofTopic.length,
    constantsMax: Math.floor(task.rows.length / ROWS_PER_CONSTANT),
    refitted: moved.size,
    fittedMedian,
    heldMedian,
    ratio: heldMedian === null || fittedMedian === null || fittedMedian === 0 ? null : heldMedian / fittedMedian,
    evaluations,
  };
}

function isFitted(table: ConstantTable, name: string, topic: string): boolean {
  const constant = table[name];
  return constant?.status === "calibrated" && constant.topics.includes(topic);
}

async function runFold({ training, held }: Fold, ofTopic: readonly string[], oracle: Oracle, max: number) {
  const before = await errorsOf(training, oracle, {});
  const names = ofTopic.filter((name) => before.used.has(name));
  const loss = async (values: Values) => {
    const { errors } = await errorsOf(training, oracle, values);
    // A row must not become unsupported to get rid of its error.
    const missing = Math.max(0, before.errors.length - errors.length);
    // Least squares: least absolute errors would meet a few rows exactly and say nothing about the others.
    const sum = errors.reduce((total, error) => total + Math.min(error, LOSS_ERROR_MAX) ** 2, 0);
    return (sum + missing * LOSS_ERROR_MAX) / Math.max(1, before.errors.length);
  };
  const fit = await fitConstants(names, oracle.table, loss, names.length === 0 ? 0 : max);
  return {
    names,
    evaluations: fit.evaluations,
    fitted: (await errorsOf(training, oracle, fit.values)).errors,
    held: (await errorsOf(held, oracle, fit.values)).errors,
  };
}

/** Errors of the rows that are supported, and the constants that any row asked for. */
async function errorsOf(rows: readonly HoldoutRow[], oracle: Oracle, values: Values) {
  const errors: number[] = [];
  const used = new Set<string>();
  for (const { row, baseline } of rows) {
    const answers = [await oracle.ask(row, values), ...(baseline === null ? [] : [await oracle.ask(baseline, values)])];
    for (const name of answers.flatMap((answer) => answer.used)) used.add(name);
    const [own, base] = answers.map(({ prediction }) => (prediction.status === "ok" ? prediction.valueSi : null));
    if (own === null || own === undefined || base === null) continue;
    const reference =
      baseline === null || base === undefined ? null : { measuredSi: baseline.measuredSi, predictedSi: base };
    errors.push(scoreRow(row, own, reference).error);
  }
  return { errors, used };
}

/** Every second row of each group in order of the ids' hashes; groups with an odd row give it to either half by their own hash. */
function halves(rows: readonly HoldoutRow[]): Fold {
  const training: HoldoutRow[] = [];
  const held: HoldoutRow[] = [];
  for (const group of new Set(rows.map(({ row }) => row.group))) {
    const members = rows
      .filter(({ row }) => row.group === group)
      .sort((a, b) => hash(a.row.id) - hash(b.row.id) || (a.row.id < b.row.id ? -1 : 1));
    const first = hash(group) % 2;
    members.forEach((each, index) => {
      (index % 2 === first ? training : held).push(each);
    });
  }
  return { training, held };
}

function leaveOneOut(rows: readonly HoldoutRow[]): Fold[] {
  return platformsOf(rows).map((platform) => ({
    training: rows.filter((each) => platformOf(each) !== platform),
    held: rows.filter((each) => platformOf(each) === platform),
  }));
}

/** Platforms of the rows, in order of appearance. */
export function platformsOf(rows: readonly HoldoutRow[]): string[] {
  return [...new Set(rows.map(platformOf))];
}

function platformOf({ row }: HoldoutRow): string {
  return rowText(row.system, "platform", "unstated");
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}
