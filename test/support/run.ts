/** Runs of the simulator from short texts: a profile's jobs in YAML, a shipped machine and changes to it. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { Machine } from "#dmasim/sim/machine/description.js";
import { resolveMachine } from "#dmasim/sim/machine/load.js";
import type { Profile } from "#dmasim/sim/profile/job.js";
import { loadProfile } from "#dmasim/sim/profile/load.js";
import type { Clock, JobResult, RunResult } from "#dmasim/sim/result.js";
import { runProfile } from "#dmasim/sim/run.js";
import type { RunOptions } from "#dmasim/sim/run_options.js";

export const CLOCKS: readonly Clock[] = ["virtual", "wall"];
/** Under the wall clock nothing but the work ends these runs; this ends one that would never. */
const WALL_LIMIT_S = 20;

/** What a test changes of a run; the rest are the defaults of {@link optionsOf}. */
export interface RunChanges extends Partial<Omit<RunOptions, "machine" | "profile">> {
  /** A shipped machine's name or a file; default intel-vtd-2s. */
  readonly machine?: string;
  /** `path: value`, as `--set` takes them. */
  readonly set?: Readonly<Record<string, string | number | boolean>>;
  /** The profile's `p2p.staged`; absent = allowed. */
  readonly staged?: "allow" | "forbid";
}

/** The machine with changes. */
export function machineOf(name = "intel-vtd-2s", set: RunChanges["set"] = {}): Machine {
  const overrides = Object.entries(set).map(([path, value]) => ({ path, value: String(value) }));
  return resolveMachine(name, overrides);
}

/** A folder of text files that exists while `use` runs. */
export async function withFolder<T>(
  files: Readonly<Record<string, string>>,
  use: (folder: string) => T | Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "dmasim-run-"));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The profile whose `jobs:` list is `jobs`, one flow map an entry: `{ name: a, rw: read, bs: 4k }`. */
export function profileOf(...jobs: readonly string[]): Profile {
  const folder = mkdtempSync(join(tmpdir(), "dmasim-run-"));
  try {
    const file = join(folder, "load.yaml");
    writeFileSync(file, `name: load\ntitle: A load\njobs:\n${jobs.map((job) => `  - ${job}\n`).join("")}`);
    // The file's place is random; a result must not depend on it.
    return { ...loadProfile(file), file: "load.yaml" };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Options of a run of `profile`: virtual clock, one worker, payload and checks on, no limits. */
export function optionsOf(profile: Profile, changes: RunChanges = {}): RunOptions {
  const { machine, set, ...rest } = changes;
  return {
    profile,
    machine: machineOf(machine, set),
    clock: "virtual",
    workers: 1,
    seed: null,
    payload: true,
    verify: true,
    perTlp: false,
    dmaDebug: false,
    image: false,
    assumeDirect: false,
    limitIos: null,
    limitSeconds: rest.clock === "wall" ? WALL_LIMIT_S : null,
    signal: new AbortController().signal,
    onProgress: () => {},
    testHook: null,
    ...rest,
  };
}

/** Runs jobs given as YAML flow maps. */
export function runJobs(jobs: readonly string[], changes: RunChanges = {}): Promise<RunResult> {
  const { staged = "allow", ...rest } = changes;
  return runProfile(optionsOf({ ...profileOf(...jobs), p2p: { staged } }, rest));
}

/** SHA-256 of the part of a result that no host option may change. */
export function hashOf({ host: _host, ...result }: RunResult): string {
  return createHash("sha256").update(JSON.stringify(result)).digest("hex");
}

/** Bytes of a job, both directions. */
export function bytesOf(job: JobResult): number {
  return job.read.io_bytes + job.write.io_bytes;
}

/** The only job of a result, or the one at `index`. */
export function jobOf(result: RunResult, index = 0): JobResult {
  const job = result.jobs[index];
  if (job === undefined) throw new Error(`the result has no job ${index}`);
  return job;
}

/** Complete, every byte right, nothing left behind. */
export function expectClean(result: RunResult): void {
  const { partial, jobs, integrity, host } = result;
  const { mismatches, first } = host.integrity;
  const errors = jobs.flatMap((job) => (job.error_text === undefined ? [] : [`${job.jobname}: ${job.error_text}`]));
  const faults = jobs.reduce((sum, job) => sum + job.faults, 0);
  const failure = host.worker_failure ?? null;
  expect({ partial: partial ?? false, errors, faults, mismatches, first, leaks: integrity.leaks, failure }).toEqual({
    partial: false,
    errors: [],
    faults: 0,
    mismatches: 0,
    first: [],
    leaks: [],
    failure: null,
  });
}
