/** Figures of one run among many: rates, latencies and what limits, in the form of a row. */
import { formatNs } from "../../base/units.ts";
import type { LatencySummary, RunResult } from "../../sim/result.ts";
import type { VaryRun } from "../../sim/vary/result.ts";
import { activeDirections, shareText } from "../figures.ts";

/** A run that has a result. */
export interface VaryRow {
  readonly run: VaryRun;
  readonly result: RunResult;
  readonly bytesPerS: number;
  readonly iops: number;
}

/** Runs that finished; those that the machine refused have no figures. */
export function rowsOf(runs: readonly VaryRun[]): VaryRow[] {
  return runs.flatMap((run) => (run.result === undefined ? [] : [{ run, result: run.result, ...ratesOf(run.result) }]));
}

/** Rates of all jobs that run beside each other; of groups that take turns, the mean over the run. */
function ratesOf({ jobs, virtual }: RunResult): { bytesPerS: number; iops: number } {
  const all = jobs.flatMap((job) => activeDirections(job).map(({ result }) => ({ group: job.groupid, result })));
  const sum = (of: (each: (typeof all)[number]) => number) => all.reduce((total, each) => total + of(each), 0);
  const seconds = (virtual?.duration_ns ?? 0) / 1e9;
  if (new Set(all.map(({ group }) => group)).size > 1 && seconds > 0) {
    return {
      bytesPerS: sum(({ result }) => result.io_bytes) / seconds,
      iops: sum(({ result }) => result.total_ios) / seconds,
    };
  }
  return { bytesPerS: sum(({ result }) => result.bw_bytes), iops: sum(({ result }) => result.iops) };
}

/** Latency percentile of the slowest job, nanoseconds; undefined when nothing finished. */
export function slowestNs({ jobs }: RunResult, key: string): number | undefined {
  const latencies = jobs.flatMap((job) => activeDirections(job).map(({ result }) => result.clat_ns));
  const found = latencies.flatMap((latency: LatencySummary) => latency.percentile[key] ?? []);
  return found.length === 0 ? undefined : Math.max(...found);
}

/** Mean map and unmap cost of an I/O, over all jobs. */
export function mapCosts({ jobs }: RunResult): readonly [mapNs: number, unmapNs: number] {
  const ios = jobs.map(({ read, write }) => read.total_ios + write.total_ios);
  const total = Math.max(
    1,
    ios.reduce((sum, count) => sum + count, 0),
  );
  const mean = (of: (index: number) => number) => ios.reduce((sum, count, index) => sum + count * of(index), 0) / total;
  return [mean((index) => jobs[index]?.map_ns ?? 0), mean((index) => jobs[index]?.unmap_ns ?? 0)];
}

/** `invalidation queue 0 (>99 %)`, or what else bounds the run. */
export function limitText({ bottleneck, jobs }: RunResult): string {
  const failed = jobs.find((job) => job.error !== 0);
  if (failed !== undefined) return `failed: ${failed.error_text ?? failed.jobname}`;
  if (bottleneck === null) return "measured, not modelled";
  const { bound, resource, share, why } = bottleneck;
  if (bound === "pace") return "the load's own pace";
  if (bound === "latency") return `latency: ${why.slice(why.indexOf(":") + 2, why.indexOf(";"))}`;
  return `${resource} (${shareText(share)})`;
}

/** A latency cell. */
export function latencyText(result: RunResult, key: string): string {
  const ns = slowestNs(result, key);
  return ns === undefined ? "–" : formatNs(ns);
}
