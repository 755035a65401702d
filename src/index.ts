/**
 * The public surface of the package: run a load profile on a machine, from code.
 *
 * ```ts
 * import { resolveMachine, resolveProfile, runOptions, runProfile } from "dmasim";
 *
 * const profile = resolveProfile("rand-read-4k");
 * const machine = resolveMachine("intel-vtd-2s", [{ path: "iommu.mode", value: "lazy" }]);
 * const result = await runProfile(runOptions(profile, machine));
 * console.log(result.jobs[0]?.read.iops, result.host.integrity.mismatches);
 * ```
 * Order of calls: resolve profile and machine, in either order, then run. A run neither prints nor changes what it was
 * given, and several may follow one another; at the same time, give each its own process: worker threads share cores.
 * Wrong input throws a {@link DmasimError} with a code, the value, the limit and a remedy.
 */

/** Exit codes of the command line; `DmasimError.exitCode` is one of them. */
/** Wrong use: coded, with what, value, limit and remedy in `parts` and in the message. */
export { DmasimError, type ErrorParts, EXIT, type SourceLocation } from "./base/errors.ts";
/** Version of the package, as results carry it. */
export { packageVersion as version } from "./base/version.ts";
/** A resolved machine; immutable, plain data that crosses threads. */
export type { Machine } from "./sim/machine/description.ts";
/** A machine of a YAML file (`loadMachine`), or of a shipped name or file (`resolveMachine`); both check it whole. */
export { listShippedMachines, loadMachine, resolveMachine, type ShippedMachine } from "./sim/machine/load.ts";
/** `path=value` over a key of a machine or profile, as the command line's `--set`. */
export type { Override } from "./sim/override.ts";
/** A resolved load profile and its jobs; immutable, plain data that crosses threads. */
export type { JobSpec, Profile } from "./sim/profile/job.ts";
/** A load of a `.yaml` or `.fio` file (`loadProfile`), or of a shipped name or file (`resolveProfile`). */
export {
  type LoadProfileOptions,
  listShippedProfiles,
  loadProfile,
  resolveProfile,
  type ShippedProfile,
} from "./sim/profile/load.ts";
/** What a run returns: `dmasim/result@1`. Everything outside `host` is reproducible under the virtual clock. */
export {
  type Bottleneck,
  type Clock,
  type Confidence,
  type ConfidencePart,
  type DirectionResult,
  type DmaDebugResult,
  type HostResult,
  type JobResult,
  type LatencySummary,
  type Leak,
  type Mismatch,
  RESULT_SCHEMA,
  type ResourceResult,
  type RunResult,
  type WorkerFailure,
} from "./sim/result.ts";
/** Runs a profile on a machine. Rejects with a `DmasimError` for loads that the machine cannot carry. */
export { runProfile } from "./sim/run.ts";
/** Options of a run: `runOptions` fills in every default. */
export { type RunDefaults, type RunOptions, type RunProgress, runOptions } from "./sim/run_options.ts";
