/** A resolved job back in fio's option words, as fio's `job options` shows them: every value is text. */
import type { BlockSizeShare, JobSpec } from "../sim/profile/job.ts";

/** fio option name to text. */
export type FioJobOptions = Readonly<Record<string, string>>;

/** Options that fio-parsing scripts look at; absent keys of the job are left out. */
export function fioJobOptions(spec: Partial<JobSpec>): FioJobOptions {
  const options: Record<string, string | undefined> = {
    name: spec.name,
    rw: spec.rw,
    ...blockSizeOption(spec),
    iodepth: text(spec.iodepth),
    numjobs: text(spec.numjobs),
    ioengine: spec.ioengine,
    direct: spec.direct === undefined ? undefined : spec.direct ? "1" : "0",
    size: text(spec.sizeBytes),
    runtime: typeof spec.runtimeNs === "number" ? `${spec.runtimeNs / 1e9}s` : undefined,
    time_based: spec.timeBased === true ? "1" : undefined,
    rwmixread: spec.rw === "rw" || spec.rw === "randrw" ? text(spec.rwmixread) : undefined,
    filename: spec.filenames === undefined || spec.filenames.length === 0 ? undefined : spec.filenames.join(":"),
  };
  const present = Object.entries(options).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(present);
}

function text(value: number | null | undefined): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}

/** `bs`, `bsrange` or `bssplit`, whichever the sizes need. */
function blockSizeOption(spec: Partial<JobSpec>): Record<string, string> {
  const { read, write } = spec.blockSizes ?? { read: [], write: [] };
  const [first] = read;
  if (first === undefined) return {};
  if (read.length > 1 || write.length > 1) return { bssplit: `${splitText(read)},${splitText(write)}` };
  if (first.bytesMin !== first.bytesMax) return { bsrange: `${first.bytesMin}-${first.bytesMax}` };
  const [other] = write;
  const pair = other !== undefined && other.bytesMin !== first.bytesMin ? `,${other.bytesMin}` : "";
  return { bs: `${first.bytesMin}${pair}` };
}

function splitText(shares: readonly BlockSizeShare[]): string {
  const sum = shares.reduce((total, share) => total + share.weight, 0);
  return shares.map((share) => `${share.bytesMin}/${Math.round((100 * share.weight) / sum)}`).join(":");
}
