import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DmasimError } from "#dmasim/base/errors.js";
import type { JobSpec } from "#dmasim/sim/profile/job.js";
import { type LoadProfileOptions, loadProfile } from "#dmasim/sim/profile/load.js";

/** A folder of files that exists while `run` does. */
export function withFiles<T>(files: Readonly<Record<string, string | Uint8Array>>, run: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "dmasim-profile-"));
  try {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    return run(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Jobs of a job file's text. */
export function fioJobs(text: string, options: LoadProfileOptions = {}): readonly JobSpec[] {
  return withFiles({ "job.fio": text }, (folder) => loadProfile(join(folder, "job.fio"), options).jobs);
}

/** The only job of a section that is given without its heading. */
export function fioJob(text: string, options: LoadProfileOptions = {}): JobSpec {
  const [job, ...rest] = fioJobs(`[job]\n${text}\n`, options);
  if (job === undefined || rest.length > 0) throw new Error("expected one job");
  return job;
}

/** Jobs of a YAML profile's text. */
export function yamlJobs(text: string, options: LoadProfileOptions = {}): readonly JobSpec[] {
  return withFiles({ "load.yaml": text }, (folder) => loadProfile(join(folder, "load.yaml"), options).jobs);
}

/** The one DmasimError that `run` throws; anything else fails the test. */
export function userError(run: () => unknown): DmasimError {
  try {
    run();
  } catch (error) {
    if (error instanceof DmasimError) return error;
    throw error;
  }
  throw new Error("expected a DmasimError, but nothing was thrown");
}
