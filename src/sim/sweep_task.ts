/** What a sweep hands to its threads, and what they do with it: plain data in, plain data out. */
import { allConstants } from "../timing/calibration/all.ts";
import { type HoldoutTask, holdOut } from "./validate/holdout.ts";
import { answerRow } from "./validate/predict.ts";
import type { RowQuestion } from "./validate/row.ts";
import { type PointOptions, runPoint } from "./vary/point.ts";

/** One point of a sweep; a thread knows by `kind` what to do. */
export type SweepTask =
  | { readonly kind: "answer"; readonly question: RowQuestion }
  | ({ readonly kind: "holdout" } & HoldoutTask)
  | { readonly kind: "run"; readonly options: PointOptions };

/** Runs one point, in whichever thread this is; the result depends on the task alone. */
export async function runSweepTask(task: SweepTask): Promise<unknown> {
  if (task.kind === "run") return runPoint(task.options, new AbortController().signal, () => {});
  if (task.kind === "holdout") return holdOut(task, allConstants());
  return answerRow(task.question, allConstants(), {});
}
