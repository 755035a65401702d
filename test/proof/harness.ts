/** Runs explorations on threads of their own and says what they saw. */
import { Worker } from "node:worker_threads";
import { Arena } from "#dmasim/shm/arena.js";
import type { Table } from "../litmus/harness.ts";
import { makeShared } from "./control.ts";
import type { Exploration, Finding, Report } from "./explorer.ts";

/** Far above what an exploration takes: a thread that is still running then hangs. */
const HANG_MS = process.env.DMASIM_DEEP === "1" ? 1_500_000 : 100_000;

/** One thread per role over the bundle. Ends at the first outcome that is not acceptable. */
export function explore(
  bundle: string,
  program: string,
  roles: readonly string[],
  exploration: Exploration,
): Promise<Report> {
  const data = { shared: makeShared(), handle: Arena.create().handle, program, roles, exploration };
  const workers = roles.map((_, thread) => new Worker(bundle, { workerData: { ...data, thread } }));
  let hung: NodeJS.Timeout | undefined;
  return new Promise<Report>((resolve, reject) => {
    hung = setTimeout(() => reject(new Error(`the exploration of ${program} hangs`)), HANG_MS);
    workers[0]?.once("message", resolve);
    for (const worker of workers) worker.once("error", reject);
  }).finally(() => {
    clearTimeout(hung);
    return Promise.all(workers.map((worker) => worker.terminate()));
  });
}

/** Outcomes of a table that are not forbidden. */
export function acceptableOf(table: Table): string[] {
  return Object.keys(table).filter((outcome) => table[outcome]?.[0] !== "forbidden");
}

/** All schedules with at most `bound` preemptions. */
export function bounded(bound: number, acceptable: readonly string[]): Exploration {
  return { bound, walks: 0, seed: 0, acceptable, replay: null, racy: [] };
}

/** Random schedules. */
export function random(walks: number, seed: number, acceptable: readonly string[]): Exploration {
  return { bound: 0, walks, seed, acceptable, replay: null, racy: [] };
}

/** One schedule again. */
export function replayOf({ choices }: Finding, acceptable: readonly string[]): Exploration {
  return { bound: 0, walks: 0, seed: 0, acceptable, replay: choices, racy: [] };
}

/** The schedule that led to a finding, to read. */
export function formatFinding({ outcome, schedule, preemptions, choices, steps }: Finding): string {
  return [
    `${outcome}: schedule ${schedule}, preemptions ${preemptions}, replay with [${choices.join(",")}]`,
    ...steps.map((step) => `  ${step}`),
  ].join("\n");
}

/** One line: what was explored and how often each outcome came. */
export function summary(
  program: string,
  roles: readonly string[],
  { bound, walks, seed }: Exploration,
  report: Report,
): string {
  const how = walks === 0 ? `all with preemptions <= ${bound}` : `random, seed ${seed}`;
  const outcomes = Object.entries(report.outcomes).map(([outcome, count]) => `${outcome} ${count}`);
  return `${program} (${roles.join(", ")}): ${report.schedules} schedules, ${how}, ${report.steps} operations: ${outcomes.join(", ")}`;
}
