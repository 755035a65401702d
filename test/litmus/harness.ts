/**
 * Litmus tests: tiny programs on real threads, repeated many times, whose outcomes are counted and judged by a table.
 *
 * A table names every outcome that a program can have. `forbidden` ones must never be counted, `required` ones at
 * least once (they show that the program really raced, or that a broken variant is caught), `acceptable` ones may be.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { expect } from "vitest";

export type Verdict = "acceptable" | "required" | "forbidden";
export type Outcomes = Readonly<Record<string, number>>;
export type Table = Readonly<Record<string, readonly [verdict: Verdict, why: string]>>;

/** Races need two threads that run at the same time. */
export const canRace = availableParallelism() >= 2;

const START_WORDS = 8;
const RUNS_MAX = 8;
/** Far above the time limit of thread.mjs: a program that is still running then hangs. */
const HANG_MS = 20_000;

/**
 * Runs `fixture` (a file of fixtures/, which exports one function per role) with one thread per role.
 * All threads start together; resolves with the outcome counts of all of them, summed.
 */
export async function runThreads(
  fixture: string,
  roles: readonly string[],
  data: Readonly<Record<string, unknown>>,
): Promise<Outcomes> {
  const start = new Int32Array(new SharedArrayBuffer(START_WORDS * 4));
  const counts = await Promise.all(
    roles.map((role, thread) => runThread({ fixture, role, thread, threads: roles.length, start, ...data })),
  );
  return sum(counts);
}

function runThread(workerData: Readonly<Record<string, unknown>>): Promise<Outcomes> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./fixtures/thread.mjs", import.meta.url), { workerData });
    const hung = setTimeout(() => {
      reject(new Error(`thread ${workerData.thread} (${workerData.role}) hangs`));
      void worker.terminate();
    }, HANG_MS);
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => {
      clearTimeout(hung);
      reject(new Error(`thread left with code ${code} before it reported`));
    });
  });
}

function sum(all: readonly Outcomes[]): Outcomes {
  const total: Record<string, number> = {};
  for (const counts of all) {
    for (const [outcome, count] of Object.entries(counts)) total[outcome] = (total[outcome] ?? 0) + count;
  }
  return total;
}

/** Runs a program again, a few times at most, until `outcome` was counted: a rare race may need more than one try. */
export async function until(outcome: string, run: () => Promise<Outcomes>): Promise<Outcomes> {
  let outcomes = await run();
  for (let again = 0; again < RUNS_MAX && (outcomes[outcome] ?? 0) === 0; again += 1) {
    outcomes = sum([outcomes, await run()]);
  }
  return outcomes;
}

/** Fails with the whole table and its counts when an outcome is forbidden, unknown, or required and missing. */
export function judge(outcomes: Outcomes, table: Table): void {
  const wrong = new Set<string>();
  for (const [outcome, count] of Object.entries(outcomes)) {
    if (count > 0 && (table[outcome]?.[0] ?? "forbidden") === "forbidden") wrong.add(outcome);
  }
  for (const [outcome, [verdict]] of Object.entries(table)) {
    if (verdict === "required" && (outcomes[outcome] ?? 0) === 0) wrong.add(outcome);
  }
  if (wrong.size > 0) expect.fail(`outcomes against the table:\n${formatTable(outcomes, table, wrong)}`);
}

function formatTable(outcomes: Outcomes, table: Table, wrong: ReadonlySet<string>): string {
  const names = new Set([...Object.keys(table), ...Object.keys(outcomes)]);
  return [...names]
    .map((name) => {
      const [verdict, why] = table[name] ?? ["unknown", ""];
      const mark = wrong.has(name) ? ">>" : "  ";
      return `${mark} ${String(outcomes[name] ?? 0).padStart(9)}  ${verdict.padEnd(10)}  ${name}: ${why}`;
    })
    .join("\n");
}
