/** The load in a few words: `4 KiB randread QD32 ×8`. */
import { formatBytes } from "../base/units.ts";
import type { BlockSizeShare, JobSpec } from "../sim/profile/job.ts";

/** Distinct shapes that are spelled out before the rest is only counted. */
const SHAPES_SHOWN = 3;

/** What the jobs do; jobs that do the same are named once. */
export function describeLoad({ jobs }: { readonly jobs: readonly unknown[] }): string {
  const shapes = [...new Set(jobs.map(jobShape))];
  const shown = shapes.slice(0, SHAPES_SHOWN).join(", ");
  const more = shapes.length > SHAPES_SHOWN ? ` +${shapes.length - SHAPES_SHOWN} more` : "";
  return `${shown}${more}`;
}

/** A result may come from a file, so every key of its resolved job may be absent. */
function jobShape(job: unknown): string {
  const spec = (typeof job === "object" && job !== null ? job : {}) as Partial<JobSpec>;
  const depth = spec.submission === "async" && spec.iodepth !== undefined ? `QD${spec.iodepth}` : "";
  const clones = spec.numjobs !== undefined && spec.numjobs > 1 ? `×${spec.numjobs}` : "";
  return [blockSizeText(spec), spec.rw ?? "", depth, clones].filter((word) => word !== "").join(" ");
}

/** `4 KiB`, `4 KiB-64 KiB`, or `mixed sizes`; the size of the direction that the job has. */
export function blockSizeText(spec: Partial<JobSpec>): string {
  const writes = spec.rw === "write" || spec.rw === "randwrite";
  const shares: readonly BlockSizeShare[] = (writes ? spec.blockSizes?.write : spec.blockSizes?.read) ?? [];
  const [first] = shares;
  if (first === undefined) return "";
  if (shares.length > 1) return "mixed sizes";
  const min = formatBytes(first.bytesMin);
  return first.bytesMax === first.bytesMin ? min : `${min}-${formatBytes(first.bytesMax)}`;
}
