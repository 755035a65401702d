/**
 * Runs a load profile on a machine under one of the clocks and assembles the result.
 */
import type { RunResult } from "./result.ts";
import { assembleResult } from "./result_assembly.ts";
import type { RunOptions } from "./run_options.ts";
import { prepareRun } from "./run_setup.ts";
import { type LoopObserver, runVirtual } from "./virtual/run.ts";
import { runWall } from "./wall/run.ts";

/**
 * Runs the profile; resolves with a complete or, when `signal` was aborted, a partial result.
 * Rejects with a DmasimError for loads that the machine cannot carry.
 */
export function runProfile(options: RunOptions): Promise<RunResult> {
  return observeRun(options, null);
}

/** As {@link runProfile}; `observer` looks at single I/Os of a run under the virtual clock, whose result it does not change. */
export async function observeRun(options: RunOptions, observer: LoopObserver | null): Promise<RunResult> {
  const startMs = performance.now();
  const cpuStart = process.cpuUsage();
  const setup = prepareRun(options);
  const outcome = options.clock === "virtual" ? await runVirtual(setup, observer) : await runWall(setup);
  const cpu = process.cpuUsage(cpuStart);
  return assembleResult(setup, outcome, {
    wallS: (performance.now() - startMs) / 1000,
    cpuS: (cpu.user + cpu.system) / 1e6,
  });
}
