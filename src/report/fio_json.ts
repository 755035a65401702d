/**
 * A result in the shape of fio 3.x `--output-format=json`, for scripts that parse fio.
 *
 * Keys and units are fio's (its HOWTO, "JSON output", and stat.c's writers): `bw` in KiB/s, `bw_bytes`
 * in B/s, `runtime` and `job_runtime` in ms, latencies in ns. What this program has no notion of is 0.
 */
import type { JobSpec } from "../sim/profile/job.ts";
import type { DirectionResult, JobResult, LatencySummary, RunResult } from "../sim/result.ts";
import { type FioJobOptions, fioJobOptions } from "./fio_options.ts";
import { renderJson } from "./json.ts";

/** fio release whose layout is written. Parsers compare the part after `fio-`. */
const FIO_LAYOUT = "fio-3.36";

/** A latency object of fio; `percentile` only in `clat_ns`. */
interface FioLatency {
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly stddev: number;
  readonly N: number;
  readonly percentile?: LatencySummary["percentile"];
}

const NO_LATENCY: FioLatency = Object.freeze({ min: 0, max: 0, mean: 0, stddev: 0, N: 0 });

/** JSON text; `writtenAt` fills fio's time stamps, so that equal results differ in nothing else. */
export function renderFioJson(result: RunResult, writtenAt: Date): string {
  return renderJson({
    "fio version": `${FIO_LAYOUT}-dmasim-${result.version}`,
    timestamp: Math.floor(writtenAt.getTime() / 1000),
    timestamp_ms: writtenAt.getTime(),
    time: ctimeText(writtenAt),
    "global options": {},
    jobs: result.jobs.map((job) => fioJob(result, job)),
    disk_util: [],
  });
}

/** `Fri Nov 21 16:03:07 2025`, as ctime() writes it, in UTC. */
function ctimeText(date: Date): string {
  const [day = "", dayOfMonth = "", month = "", year = "", time = ""] = date.toUTCString().replace(",", "").split(" ");
  return `${day} ${month} ${String(Number(dayOfMonth)).padStart(2)} ${time} ${year}`;
}

function fioJob(result: RunResult, job: JobResult): Record<string, unknown> {
  const runtimeMs = Math.max(job.read.runtime, job.write.runtime);
  return {
    jobname: job.jobname,
    groupid: job.groupid,
    job_start: 0,
    error: job.error,
    eta: 0,
    elapsed: Math.ceil(runtimeMs / 1000),
    "job options": jobOptions(result, job),
    read: fioDirection(job.read),
    write: fioDirection(job.write),
    trim: fioDirection(NO_DIRECTION),
    sync: { total_ios: 0, lat_ns: NO_LATENCY },
    job_runtime: Math.round(runtimeMs),
    usr_cpu: 0,
    sys_cpu: mappingCpuPercent(job, runtimeMs),
    ctx: 0,
    majf: 0,
    minf: 0,
    iodepth_level: depthShares(job.depth, ["1", "2", "4", "8", "16", "32", ">=64"]),
    iodepth_submit: depthShares(1, ["0", "4", "8", "16", "32", "64", ">=64"]),
    iodepth_complete: depthShares(1, ["0", "4", "8", "16", "32", "64", ">=64"]),
    latency_depth: job.latency_target?.depth ?? job.depth,
    latency_target: 0,
    latency_percentile: 100,
    latency_window: 0,
  };
}

const NO_DIRECTION: DirectionResult = Object.freeze({
  io_bytes: 0,
  bw_bytes: 0,
  iops: 0,
  total_ios: 0,
  runtime: 0,
  clat_ns: Object.freeze({ min: 0, max: 0, mean: 0, stddev: 0, percentile: {} }),
});

function fioDirection(direction: DirectionResult): Record<string, unknown> {
  const { min, max, mean, stddev, percentile } = direction.clat_ns;
  const latency: FioLatency = { min, max, mean, stddev, N: direction.total_ios };
  const kibPerS = Math.floor(direction.bw_bytes / 1024);
  return {
    io_bytes: direction.io_bytes,
    io_kbytes: Math.floor(direction.io_bytes / 1024),
    bw_bytes: Math.round(direction.bw_bytes),
    bw: kibPerS,
    iops: direction.iops,
    runtime: Math.round(direction.runtime),
    total_ios: direction.total_ios,
    short_ios: 0,
    drop_ios: 0,
    slat_ns: NO_LATENCY,
    clat_ns: direction.total_ios === 0 ? NO_LATENCY : { ...latency, percentile },
    lat_ns: latency,
    // One sample over the whole run: the model has no sampling interval.
    ...steadyRate("bw", kibPerS, ["dev", "agg"]),
    ...steadyRate("iops", direction.iops, ["stddev"]),
  };
}

/** fio's sampled rates (`bw_min` ... `bw_samples`) of a rate known only as a mean. */
function steadyRate(name: "bw" | "iops", rate: number, extras: readonly string[]): Record<string, number> {
  const samples = rate === 0 ? 0 : 1;
  const keys: Record<string, number> = {};
  for (const key of ["min", "max", "mean"]) keys[`${name}_${key}`] = rate;
  for (const key of extras) keys[`${name}_${key}`] = key === "agg" && rate > 0 ? 100 : 0;
  keys[`${name}_samples`] = samples;
  return keys;
}

/** CPU time in DMA mapping, in percent of one CPU for each clone; the model prices nothing else the kernel does. */
function mappingCpuPercent(job: JobResult, runtimeMs: number): number {
  if (runtimeMs === 0 || job.clones === 0) return 0;
  const ios = job.read.total_ios + job.write.total_ios;
  const mappingMs = ((job.map_ns + job.unmap_ns) * ios) / 1e6;
  return (100 * mappingMs) / (runtimeMs * job.clones);
}

/** fio's depth histogram of a job that holds one depth: 100 % in the bucket of that depth. */
function depthShares(depth: number, buckets: readonly string[]): Record<string, number> {
  const floors = buckets.map((bucket) => Number(bucket.replace(">=", "")));
  let at = 0;
  floors.forEach((floor, index) => {
    if (depth >= floor) at = index;
  });
  return Object.fromEntries(buckets.map((bucket, index) => [bucket, index === at ? 100 : 0]));
}

function jobOptions(result: RunResult, job: JobResult): FioJobOptions {
  const specs = result.profile.jobs as readonly Partial<JobSpec>[];
  return fioJobOptions(specs.find((spec) => spec.name === job.jobname) ?? { name: job.jobname });
}
