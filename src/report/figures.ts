/** Quantities as the reports write them: three significant digits, decimal GB, `–` for what does not exist. */
import { formatNs, formatNumber } from "../base/units.ts";
import type { DirectionResult, JobResult, LatencySummary } from "../sim/result.ts";

/** Stands for a figure that does not exist, such as the latency of no I/O. */
export const ABSENT = "–";

/** Decimal gigabytes without the unit, for a column headed GB/s: `11.5`. */
export function gigabytes(bytes: number): string {
  return formatNumber(bytes / 1e9);
}

const DECIMAL_NAMES = ["B", "kB", "MB", "GB", "TB", "PB"];

/** `4 GB`, `512 kB`: decimal, as throughput is. */
export function dataText(bytes: number): string {
  let value = bytes;
  let step = 0;
  while (value >= 1000 && step < DECIMAL_NAMES.length - 1) {
    value /= 1000;
    step += 1;
  }
  return `${formatNumber(value)} ${DECIMAL_NAMES[step]}`;
}

/** `98 %` of a share 0..1; what rounds to nothing or to everything without being it says so. */
export function shareText(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.5) return "<1 %";
  if (percent < 100 && percent >= 99.5) return ">99 %";
  return `${percent.toFixed(0)} %`;
}

/** ` ±15 %`, or nothing when the band is unknown. */
export function bandText(band: number | null): string {
  return band === null ? "" : ` ±${Math.round(band * 100)} %`;
}

/** A latency percentile by fio's key, nanoseconds. */
export function percentileText(latency: LatencySummary, key: string): string {
  const ns = latency.percentile[key];
  return ns === undefined ? ABSENT : formatNs(ns);
}

/** `3 jobs`, `1 job`. */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`;
}

/** fio's two data directions, from the job's point of view. */
export type DirectionName = "read" | "write";

/** A job's result in one direction, with the direction's name for the row's head. */
export interface NamedDirection {
  readonly name: DirectionName;
  readonly result: DirectionResult;
}

/** The directions in which a job did any I/O, reads first. */
export function activeDirections(job: JobResult): NamedDirection[] {
  const both: NamedDirection[] = [
    { name: "read", result: job.read },
    { name: "write", result: job.write },
  ];
  return both.filter((direction) => direction.result.total_ios > 0);
}
