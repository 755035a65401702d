/** One run among many, in whichever thread: plain options in, a plain result out. */
import { DmasimError } from "../../base/errors.ts";
import { runProfile } from "../run.ts";
import type { RunOptions } from "../run_options.ts";
import type { VaryRun } from "./result.ts";

/** Everything of a run that crosses threads. */
export type PointOptions = Omit<RunOptions, "signal" | "onProgress">;

/** The result, or why the machine cannot carry the load; a broken simulator still throws. */
export async function runPoint(
  options: PointOptions,
  signal: AbortSignal,
  onProgress: RunOptions["onProgress"],
): Promise<Omit<VaryRun, "params">> {
  try {
    return { result: await runProfile({ ...options, signal, onProgress }) };
  } catch (error) {
    if (!(error instanceof DmasimError)) throw error;
    return { error: { code: error.code, message: error.message } };
  }
}
