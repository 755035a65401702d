/** Runs dmatest's load on a machine and reads the result in dmatest's words. */
import type { Machine } from "../machine/description.ts";
import { runProfile } from "../run.ts";
import { type RunDefaults, runOptions } from "../run_options.ts";
import { dmatestProfile } from "./dmatest_load.ts";
import { parseDmatestParams } from "./dmatest_params.ts";
import { type DmatestResult, dmatestResult } from "./dmatest_result.ts";

/** How the test runs; `limitIos` ends threads without iterations. */
export type DmatestOptions = Pick<
  RunDefaults,
  "clock" | "workers" | "payload" | "dmaDebug" | "limitIos" | "limitSeconds" | "signal" | "onProgress" | "testHook"
> & { readonly seed: number };

/** Tests `machine` with parameters `name=value`. Rejects with a DmasimError for wrong parameters or a machine without engines. */
export async function runDmatest(
  machine: Machine,
  words: readonly string[],
  options: DmatestOptions,
): Promise<DmatestResult> {
  const { params, ignored } = parseDmatestParams(words);
  const profile = dmatestProfile(machine, params, options.seed);
  const limitIos = params.iterations === 0 ? options.limitIos : null;
  const verify = options.payload && !params.noverify;
  const run = await runProfile(runOptions(profile, machine, { ...options, limitIos, verify }));
  return dmatestResult(params, ignored, profile, run);
}
