/** Which mapping path served the I/Os of a job. */
import { PATH_NAMES, type PathName } from "../base/cost.ts";
import type { JobResult } from "../sim/result.ts";
import { shareText } from "./figures.ts";

/** One path's part of a job. */
export interface PathShare {
  readonly path: PathName;
  /** 0..1 of the job's I/Os. */
  readonly share: number;
}

/** Paths a job used, the most used first. */
export function pathShares(job: JobResult): PathShare[] {
  return PATH_NAMES.map((path) => ({ path, share: job.path[path] }))
    .filter((entry) => entry.share > 0)
    .sort((a, b) => b.share - a.share);
}

/** `iommu`, or `iommu 83 %, bounce 17 %`. */
export function pathSharesText(job: JobResult): string {
  const shares = pathShares(job);
  if (shares.length === 1 && shares[0] !== undefined) return shares[0].path;
  return shares.map((entry) => `${entry.path} ${shareText(entry.share)}`).join(", ");
}
