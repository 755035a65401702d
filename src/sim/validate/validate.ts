/** `dmasim validate`: predicts rows of published measurements and says how far off the predictions are. */
import { packagePath } from "../../base/package_root.ts";
import { sweepHere, sweepPoints } from "../../host/sweep_pool.ts";
import { allConstants } from "../../timing/calibration/all.ts";
import type { RunProgress } from "../run_options.ts";
import { runSweepTask, type SweepTask } from "../sweep_task.ts";
import { type HoldoutRow, platformsOf } from "./holdout.ts";
import { type Measurement, questionOf } from "./measurement.ts";
import type { Answer } from "./predict.ts";
import type { HoldoutMethod, HoldoutResult, RowResult, UsedConstant, ValidateResult } from "./result.ts";
import { scoreRow } from "./score.ts";
import { summarise } from "./summary.ts";

/** What to predict and how. */
export interface ValidateOptions {
  /** Only these topics; null = all. */
  readonly topics: readonly string[] | null;
  /** Count the rows that are out of scope as well. */
  readonly all: boolean;
  /** Calibrate on a part of each topic and try the rest. */
  readonly holdout: boolean;
  /** Threads; 0 = in this one. */
  readonly workers: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RunProgress) => void;
}

/** The one tool topic that counts: it is arithmetic that must come out right. */
const LINK_TOPIC = "pcie-model";
/** The worker entry of sweeps, bundled to one file. */
const SWEEP_ENTRY = packagePath("dist", "bundle", "sweep.js");

/**
 * Predicts `rows`; the result depends on the rows, the topics and the scope alone, never on the threads. After an abort of
 * `options.signal` it holds the rows that were predicted by then, baselines included, and is `partial`.
 */
export async function validateRows(rows: readonly Measurement[], options: ValidateOptions): Promise<ValidateResult> {
  const wanted = rows.filter((row) => options.topics === null || options.topics.includes(row.topic));
  const counted = new Set(wanted.filter((row) => options.all || isCounted(row)));
  const byId = new Map(rows.map((row) => [row.id, row]));
  const baselines = new Set([...counted].flatMap(({ relativeTo }) => byId.get(relativeTo ?? "") ?? []));
  const planned = rows.filter((row) => counted.has(row) || baselines.has(row));
  const found = await sweep<Answer>(
    planned.map((row) => ({ kind: "answer", question: questionOf(row) })),
    options,
    "predicting",
  );
  const byRow = new Map(planned.flatMap(({ id }, index) => withAnswer(id, found[index])));
  const run = planned.filter((row) => byRow.has(row.id) && hasBaseline(row, byRow));
  const answers = run.map(({ id }) => byRow.get(id) as Answer);
  const results = run.map((row) => resultOf(row, byId, byRow, counted.has(row)));
  const heldOut = options.holdout && !options.signal.aborted ? await holdOutTopics(results, byId, options) : [];
  return {
    ...(options.signal.aborted ? { partial: true as const, planned: planned.length } : {}),
    ...summaries(results),
    rows: results,
    skipped: {
      application: wanted.filter((row) => row.scope === "application" && !counted.has(row)).length,
      tool: wanted.filter((row) => row.scope === "tool" && !counted.has(row)).length,
    },
    constants: usedConstants(answers),
    holdout: heldOut,
    failures: run.flatMap(({ id }, index) => {
      const cause = answers[index]?.failure ?? null;
      return cause === null ? [] : [{ id, cause }];
    }),
  };
}

function withAnswer(id: string, answer: Answer | undefined): [string, Answer][] {
  return answer === undefined ? [] : [[id, answer]];
}

/** Without its baseline's prediction a relative row would be compared as if it were absolute. */
function hasBaseline({ relativeTo }: Measurement, answers: ReadonlyMap<string, Answer>): boolean {
  return relativeTo === null || answers.has(relativeTo);
}

function isCounted(row: Measurement): boolean {
  return row.scope === "simulated" || row.topic === LINK_TOPIC;
}

function resultOf(
  row: Measurement,
  byId: ReadonlyMap<string, Measurement>,
  answers: ReadonlyMap<string, Answer>,
  counted: boolean,
): RowResult {
  const { prediction } = answers.get(row.id) as Answer;
  const other = row.relativeTo === null ? undefined : byId.get(row.relativeTo);
  const baseAnswer = other === undefined ? undefined : answers.get(other.id);
  const baseline = other && baseAnswer ? { row: other, prediction: baseAnswer.prediction } : null;
  return { id: row.id, row, prediction, baseline, score: score(row, prediction, baseline), counted };
}

function score(
  row: Measurement,
  prediction: RowResult["prediction"],
  baseline: RowResult["baseline"],
): RowResult["score"] {
  if (prediction.status !== "ok") return null;
  if (baseline === null) return scoreRow(row, prediction.valueSi, null);
  if (baseline.prediction.status !== "ok") return null;
  const reference = { measuredSi: baseline.row.measuredSi, predictedSi: baseline.prediction.valueSi };
  return scoreRow(row, prediction.valueSi, reference);
}

function summaries(results: readonly RowResult[]): Pick<ValidateResult, "total" | "groups" | "topics"> {
  const rows = results.filter(({ counted }) => counted);
  const topics = [...new Set(rows.map(({ row }) => row.topic))];
  const groups = [...new Map(rows.map(({ row }) => [`${row.topic}\n${row.group}`, row])).values()];
  return {
    // Link arithmetic would only flatter the whole.
    total: summarise(rows.filter(({ row }) => row.scope === "simulated")),
    topics: topics.map((topic) => ({ topic, ...summarise(rows.filter(({ row }) => row.topic === topic)) })),
    groups: groups.map(({ group, topic }) => ({
      group,
      topic,
      ...summarise(rows.filter(({ row }) => row.group === group && row.topic === topic)),
    })),
  };
}

function usedConstants(answers: readonly Answer[]): UsedConstant[] {
  const table = allConstants();
  const names = [...new Set(answers.flatMap(({ used }) => used))].sort();
  return names.flatMap((name) => {
    const constant = table[name];
    if (constant === undefined) return [];
    const { value, unit, status, source } = constant;
    return [{ name, value, unit, status, source }];
  });
}

async function holdOutTopics(
  results: readonly RowResult[],
  byId: ReadonlyMap<string, Measurement>,
  options: ValidateOptions,
): Promise<HoldoutResult[]> {
  const all: HoldoutRow[] = results
    .filter(({ counted, score: scored }) => counted && scored !== null)
    .map(({ row }) => ({ row, baseline: byId.get(row.relativeTo ?? "") ?? null }));
  const tasks = [...new Set(all.map(({ row }) => row.topic))].flatMap((topic): SweepTask[] => {
    const rows = all.filter(({ row }) => row.topic === topic);
    const methods: HoldoutMethod[] = platformsOf(rows).length > 1 ? ["halves", "systems"] : ["halves"];
    return methods.map((method) => ({ kind: "holdout", topic, method, rows }));
  });
  const found = await sweep<HoldoutResult>(tasks, options, "calibrating");
  return found.filter((each) => each !== undefined);
}

/** Runs tasks on threads or here, with progress; results in the order of the tasks, undefined of those that an abort left out. */
async function sweep<Value>(
  tasks: readonly SweepTask[],
  options: ValidateOptions,
  text: string,
): Promise<(Value | undefined)[]> {
  const startMs = performance.now();
  const found: (Value | undefined)[] = tasks.map(() => undefined);
  const onPoint = (done: number, value: Value, index: number): void => {
    found[index] = value;
    const elapsedS = (performance.now() - startMs) / 1000;
    const etaS = (elapsedS / done) * (tasks.length - done);
    options.onProgress({ doneShare: done / tasks.length, etaS, text: `${text} ${done} of ${tasks.length}` });
  };
  const { workers, signal } = options;
  try {
    if (workers === 0) await sweepHere((task) => runSweepTask(task) as Promise<Value>, tasks, signal, onPoint);
    else await sweepPoints<SweepTask, Value>(SWEEP_ENTRY, tasks, workers, signal, onPoint);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return found;
}
