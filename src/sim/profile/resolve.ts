/** One job's options become its JobSpec; the one conversion that both syntaxes use. */
import { DmasimError, type SourceLocation } from "../../base/errors.ts";
import { blockBytesMin } from "./block_sizes.ts";
import type { JobSpec } from "./job.ts";
import { resolveExtent, resolvePace } from "./job_extent.ts";
import { CLONES_MAX, type Dialect, resolveIo, resolveQueue } from "./job_io.ts";
import { type OptionSet, optionError } from "./option_set.ts";

/** Seed of profiles that name none. */
export const DEFAULT_SEED = 1;

/** What the two syntaxes say in their own ways: memory, device, verification. */
export type JobPlacement = Pick<
  JobSpec,
  "verify" | "verifyPass" | "device" | "target" | "source" | "pagelessTarget" | "sg" | "map" | "ringBytes" | "persist"
>;

/** One job as its reader hands it over: options merged with the global ones, placement already understood. */
export interface JobInput {
  readonly name: string;
  readonly at: SourceLocation;
  readonly options: OptionSet;
  readonly dialect: Dialect;
  readonly placement: JobPlacement;
  /** Notes of the reader: options without meaning here. */
  readonly notes: readonly string[];
}

/** Converts and checks. Throws one `DmasimError` at the first option that is wrong. */
export function resolveJob(input: JobInput): JobSpec {
  const { options, dialect } = input;
  const notes = [...input.notes];
  const io = resolveIo(options, dialect);
  const queue = resolveQueue(options, dialect, notes);
  const extent = resolveExtent(options, input.name);
  const pace = resolvePace(options, notes);
  const waitsFor = options.get("wait_for");
  if (waitsFor !== undefined) notes.push(`wait_for=${waitsFor.text} (waits for every earlier job)`);
  const job: JobSpec = {
    name: input.name,
    at: input.at,
    ...io,
    ...queue,
    ...extent,
    ...pace,
    ...input.placement,
    stonewall: options.flag("stonewall", false) || waitsFor !== undefined,
    groupReporting: options.flag("group_reporting", false),
    ignored: notes,
  };
  checkSize(options, job);
  return job;
}

/** fio: an extent smaller than the smallest block cannot be worked on. */
function checkSize(options: OptionSet, job: JobSpec): void {
  const bytes = Math.min(blockBytesMin(job.blockSizes.read), blockBytesMin(job.blockSizes.write));
  const option = options.get("size") ?? options.get("filesize");
  if (option === undefined || job.sizeBytes === null || job.sizeBytes >= bytes) return;
  throw optionError(option, "smaller than the smallest block", "raise size or lower bs", `at least ${bytes} bytes`);
}

/** A profile has jobs, and not more clones than a run can hold. */
export function checkJobs(file: string, jobs: readonly JobSpec[]): void {
  if (jobs.length === 0) {
    throw new DmasimError({
      code: "DMASIM_PROFILE_EMPTY",
      what: "no job is defined",
      remedy: "add a job section: [name] and rw=, bs=, iodepth=",
      at: { file },
    });
  }
  const clones = jobs.reduce((sum, job) => sum + job.numjobs, 0);
  if (clones <= CLONES_MAX) return;
  throw new DmasimError({
    code: "DMASIM_PROFILE_CLONES",
    what: "too many clones over all jobs",
    value: clones,
    limit: `at most ${CLONES_MAX}`,
    remedy: "lower numjobs, or raise iodepth instead",
    at: { file },
  });
}
