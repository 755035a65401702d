/**
 * Follows a median and a p99 I/O of a job through a run.
 *
 * ```
 * first run    latency of every I/O ─► which I/O is the median, which the p99
 * second run   the same inputs, so the same run: these two are logged stage by stage
 * ```
 */
import { isDeepStrictEqual } from "node:util";
import { assert } from "../../base/assert.ts";
import { closestWord } from "../../base/closest.ts";
import { DmasimError } from "../../base/errors.ts";
import type { RunResult } from "../result.ts";
import { observeRun } from "../run.ts";
import type { RunOptions } from "../run_options.ts";
import { IoLatencies, type IoLatency } from "../virtual/io_latencies.ts";
import { IoTrace } from "../virtual/io_trace.ts";
import { EXPLAIN_SCHEMA, type ExplainedIo, type Explanation } from "./result.ts";
import { explainIo } from "./stages.ts";

const WHICH = ["median", "p99"] as const;
const PERCENTILES = [50, 99];
const PASSES = 2;
/** A latency in nanoseconds and one in picoseconds differ by less, however late in a run. */
const TOLERANCE_NS = 1;

/**
 * Explains `jobName` (null = the first job). When `options.signal` ends it early the explanation is `partial`: the I/Os and the
 * run as far as they went, and no I/O followed. The clock must be virtual.
 */
export async function explainRun(options: RunOptions, jobName: string | null): Promise<Explanation> {
  const jobIndex = jobIndexOf(options, jobName);
  const first = await firstPass(options, jobIndex);
  const { run, latencies, direction } = first;
  const job = options.profile.jobs[jobIndex]?.name ?? "";
  const cut = {
    schema: EXPLAIN_SCHEMA,
    partial: true,
    job,
    direction,
    ios: latencies.count,
    transfers: [],
    run,
  } as const;
  if (run.partial === true) return cut;
  const ios = latencies.at(PERCENTILES);
  const trace = new IoTrace(ios);
  const again = await observeRun(passOptions(options, 1), { watch: null, trace });
  if (again.partial === true) return cut;
  assert(isDeepStrictEqual(withoutHost(run), withoutHost(again)), "the second run is the same run");
  return {
    schema: EXPLAIN_SCHEMA,
    job,
    direction,
    ios: latencies.count,
    transfers: transfersOf(trace, ios),
    run: again,
  };
}

interface FirstPass {
  readonly run: RunResult;
  readonly latencies: IoLatencies;
  readonly direction: Explanation["direction"];
}

async function firstPass(options: RunOptions, jobIndex: number): Promise<FirstPass> {
  const clones = clonesOf(options, jobIndex);
  const reads = new IoLatencies(clones, false);
  const writes = new IoLatencies(clones, true);
  const watch: IoLatencies["ended"] = (clone, io, write, latencyNs) =>
    (write ? writes : reads).ended(clone, io, write, latencyNs);
  const run = await observeRun(passOptions(options, 0), { watch: { ended: watch }, trace: null });
  const direction = writes.count > reads.count ? "write" : "read";
  const latencies = direction === "write" ? writes : reads;
  if (latencies.count === 0 && run.partial !== true) throw nothingFinished(run, jobIndex);
  return { run, latencies, direction };
}

function transfersOf(trace: IoTrace, ios: readonly IoLatency[]): ExplainedIo[] {
  return trace.results().map((traced, index) => {
    const measuredNs = ios[index]?.latencyNs ?? 0;
    assert(
      Math.abs(traced.latencyPs / 1000 - measuredNs) < TOLERANCE_NS,
      "the followed I/O is the one that was measured",
    );
    return explainIo(WHICH[index] ?? "median", traced);
  });
}

/** No bytes move: the run under the virtual clock is the same without. Progress covers both passes. */
function passOptions(options: RunOptions, pass: number): RunOptions {
  return {
    ...options,
    payload: false,
    verify: false,
    onProgress: ({ doneShare, etaS, text }) => {
      const left = etaS === null ? null : etaS + (PASSES - 1 - pass) * (etaS / Math.max(1 - doneShare, 0.01));
      options.onProgress({ doneShare: (pass + doneShare) / PASSES, etaS: left, text });
    },
  };
}

function clonesOf({ profile }: RunOptions, jobIndex: number): ReadonlySet<number> {
  const first = profile.jobs.slice(0, jobIndex).reduce((sum, job) => sum + job.numjobs, 0);
  return new Set(Array.from({ length: profile.jobs[jobIndex]?.numjobs ?? 0 }, (_, number) => first + number));
}

function withoutHost({ host: _host, ...result }: RunResult): Omit<RunResult, "host"> {
  return result;
}

function jobIndexOf({ profile }: RunOptions, name: string | null): number {
  if (name === null) return 0;
  const names = profile.jobs.map((job) => job.name);
  const index = names.indexOf(name);
  if (index >= 0) return index;
  const closest = closestWord(name, names);
  throw new DmasimError({
    code: "DMASIM_JOB_UNKNOWN",
    what: "the profile has no job of this name",
    value: name,
    remedy: closest === undefined ? `its jobs are ${names.join(", ")}` : `did you mean "${closest}"?`,
  });
}

function nothingFinished(run: RunResult, jobIndex: number): DmasimError {
  const job = run.jobs[jobIndex];
  const because = job?.error_text === undefined ? "" : `: ${job.error_text}`;
  return new DmasimError({
    code: "DMASIM_NOTHING_TO_EXPLAIN",
    what: `job ${job?.jobname ?? "?"} finished no I/O${because}`,
    remedy: "see dmasim run with the same arguments",
  });
}
