/** Where DAX files may lie. */
import { DmasimError } from "../../base/errors.ts";
import type { PhysRegion } from "../../memory/physmap.ts";
import type { JobSpec } from "../profile/job.ts";

/** Refuses a file on memory that is not persistent. */
export function checkDaxTarget(job: JobSpec, region: PhysRegion): void {
  if (job.file === undefined || region.kind === "pmem") return;
  throw new DmasimError({
    code: "DMASIM_FILE_TARGET",
    what: `the DAX file of job ${job.name} lies in persistent memory`,
    value: job.target,
    limit: `${region.name} is ${region.kind}`,
    remedy: "name a pmem region as target, or leave file out",
    at: job.at,
  });
}
