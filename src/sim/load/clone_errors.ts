/** Loads that no run can carry. */
import { DmasimError } from "../../base/errors.ts";
import { QPAIR_DEPTH, QPAIRS_MAX } from "../../shm/capacities.ts";
import type { JobSpec, Profile } from "../profile/job.ts";

/** More clones than queue pairs. */
export function tooManyClones(profile: Profile, total: number): DmasimError {
  return new DmasimError({
    code: "DMASIM_TOO_MANY_CLONES",
    what: "the profile has too many job clones",
    value: total,
    limit: `at most ${QPAIRS_MAX} (sum of numjobs)`,
    remedy: "lower numjobs",
    at: { file: profile.file },
  });
}

/** One I/O is split into more commands than a queue holds. */
export function tooManyCommands(job: JobSpec, commands: number): DmasimError {
  return new DmasimError({
    code: "DMASIM_IO_TOO_LARGE",
    what: `one I/O of job ${job.name} has more commands than a queue holds`,
    value: commands,
    limit: `below ${QPAIR_DEPTH}`,
    remedy: "lower bs",
    at: job.at,
  });
}
