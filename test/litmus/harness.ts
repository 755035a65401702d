/**
 * Litmus tests: tiny programs on real threads, repeated many times, whose outcomes are counted and judged by a table.
 *
 * A table names every outcome that a program can have. `forbidden` ones must never be counted, `required` ones at
 * least once, `acceptable` ones may be. `race` ones come only when threads meet at the right moment (they show that the
 * program really raced, or that a broken variant is caught): {@link judgeRuns} tries again for them.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { expect, type TestContext } from "vitest";

export type Verdict = "acceptable" | "required" | "race" | "forbidden";
export type Outcomes = Readonly<Record<string, number>>;
export type Table = Readonly<Record<string, readonly [verdict: Verdict, why: string]>>;

/** Races need two threads that run at the same time. */
export const canRace = availableParallelism() >= 2;

const START_WORDS = 8;
/** Time limits of the runs that look for a race, one after the other: a busy computer may keep the threads apart for long. */
const TIME_LIMITS_MS = [1500, 1500, 3000, 6000] as const;
/** Far above every time limit of thread.mjs: a program that is still running then hangs. */
const HANG_MS = 30_000;

/** How hard one run looks for a race. */
export interface Effort {
  /** Runs before this one. */
  readonly round: number;
  /** Longest time of the run, for the data of {@link runThreads}. */
  readonly timeLimitMs: number;
}

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

/**
 * Runs a program, longer every time, until all `race` outcomes of the table were counted, and judges the sum.
 * A race that never came skips the test with the counts: it is no fault of the program that its threads never met.
 */
export async function judgeRuns(
  { skip }: Pick<TestContext, "skip">,
  run: (effort: Effort) => Promise<Outcomes>,
  table: Table,
): Promise<void> {
  let outcomes: Outcomes = {};
  for (const [round, timeLimitMs] of TIME_LIMITS_MS.entries()) {
    outcomes = sum([outcomes, await run({ round, timeLimitMs })]);
    failOn(outcomes, table, ["forbidden"]);
    if (missing(outcomes, table, "race").length === 0) break;
  }
  failOn(outcomes, table, ["forbidden", "required"]);
  const unmet = missing(outcomes, table, "race");
  if (unmet.length > 0) skip(`the threads never met for: ${unmet.join("; ")}\n${formatTable(outcomes, table, unmet)}`);
}

/** Fails with the whole table and its counts when an outcome is forbidden, unknown, or required (a race, too) and missing. */
export function judge(outcomes: Outcomes, table: Table): void {
  failOn(outcomes, table, ["forbidden", "required", "race"]);
}

function failOn(outcomes: Outcomes, table: Table, verdicts: readonly Verdict[]): void {
  const wrong = verdicts.flatMap((verdict) =>
    verdict === "forbidden" ? forbidden(outcomes, table) : missing(outcomes, table, verdict),
  );
  if (wrong.length > 0) expect.fail(`outcomes against the table:\n${formatTable(outcomes, table, wrong)}`);
}

function forbidden(outcomes: Outcomes, table: Table): string[] {
  return Object.keys(outcomes).filter((outcome) => {
    return (outcomes[outcome] ?? 0) > 0 && (table[outcome]?.[0] ?? "forbidden") === "forbidden";
  });
}

function missing(outcomes: Outcomes, table: Table, verdict: Verdict): string[] {
  return Object.keys(table).filter((outcome) => table[outcome]?.[0] === verdict && (outcomes[outcome] ?? 0) === 0);
}

function formatTable(outcomes: Outcomes, table: Table, wrong: readonly string[]): string {
  const names = new Set([...Object.keys(table), ...Object.keys(outcomes)]);
  return [...names]
    .map((name) => {
      const [verdict, why] = table[name] ?? ["unknown", ""];
      const mark = wrong.includes(name) ? ">>" : "  ";
      return `${mark} ${String(outcomes[name] ?? 0).padStart(9)}  ${verdict.padEnd(10)}  ${name}: ${why}`;
    })
    .join("\n");
}
