/** What `dmasim dmatest` found: schema `dmasim/dmatest@1`. */
import { packageVersion } from "../../base/version.ts";
import { CopyTestDraw } from "../load/copy_test.ts";
import type { Profile } from "../profile/job.ts";
import type { JobResult, LatencySummary, RunResult } from "../result.ts";
import { summarise, summaryLine, type TestTotals } from "./dmatest.ts";
import type { DmatestParams } from "./dmatest_params.ts";

/** Value of `schema`; the number rises when a key changes its meaning or goes. */
export const DMATEST_SCHEMA = "dmasim/dmatest@1";
/** Return value of a thread that ended by a failure of the mapping, as the kernel's -ENOMEM. */
const ENOMEM = 12;

/** One thread; `runtime_us` is the sum of its transfers, mapping included, filling and comparing left out as far as the clock can. */
export interface DmatestThread {
  readonly name: string;
  readonly device: string;
  readonly tests: number;
  readonly failures: number;
  readonly iops: number;
  /** Of 1024 bytes. */
  readonly kb_per_s: number;
  readonly ret: number;
  readonly bytes: number;
  readonly runtime_us: number;
  /** Nanoseconds of one transfer, from the first mapping to the last unmapping. */
  readonly latency_ns: LatencySummary;
}

/** The whole test; `lines` is what the kernel's log would show, `run` the load that it was. */
export interface DmatestResult {
  readonly schema: typeof DMATEST_SCHEMA;
  readonly version: string;
  readonly clock: RunResult["clock"];
  readonly params: DmatestParams;
  readonly ignored: readonly string[];
  readonly partial?: true;
  readonly threads: readonly DmatestThread[];
  readonly lines: readonly string[];
  readonly run: RunResult;
}

/** Reads a run of {@link dmatestProfile}. */
export function dmatestResult(
  params: DmatestParams,
  ignored: readonly string[],
  profile: Profile,
  run: RunResult,
): DmatestResult {
  const threads = run.jobs.map((job) => threadOf(job, run));
  return {
    schema: DMATEST_SCHEMA,
    version: packageVersion(),
    clock: run.clock,
    params,
    ignored,
    ...(run.partial === true ? { partial: true } : {}),
    threads: threads.map(({ thread }) => thread),
    lines: threads.flatMap(({ thread, totals }, index) => [
      ...resultLines(profile, params, run, index, totals.tests),
      summaryLine(thread.name, totals, -thread.ret),
    ]),
    run,
  };
}

/** I/Os whose data were wrong, as far as the run kept them, with the number of wrong bytes' places. */
function badIos(run: RunResult, name: string): ReadonlyMap<number, number> {
  const bad = new Map<number, number>();
  for (const { job, io } of run.host.integrity.first) if (job === name) bad.set(io, (bad.get(io) ?? 0) + 1);
  return bad;
}

function threadOf(job: JobResult, run: RunResult): { readonly thread: DmatestThread; readonly totals: TestTotals } {
  const { total_ios: done, io_bytes: bytes, clat_ns } = job.read;
  const refused = job.error > 0 && job.faults === 0 ? 1 : 0;
  const totals = {
    tests: done + job.faults + refused,
    failures: badIos(run, job.jobname).size + job.faults + refused,
    runtimeUs: (done * clat_ns.mean) / 1000,
    bytes,
  };
  const { iopsText, kBytesPerS } = summarise(totals);
  const thread = {
    name: job.jobname,
    device: job.device,
    tests: totals.tests,
    failures: totals.failures,
    iops: Number(iopsText),
    kb_per_s: kBytesPerS,
    ret: refused === 0 ? 0 : ENOMEM,
    bytes,
    runtime_us: Math.round(totals.runtimeUs * 1000) / 1000,
    latency_ns: clat_ns,
  };
  return { thread, totals };
}

/** `THREAD: result #N: 'TEXT' with src_off=0x.. dst_off=0x.. len=0x.. (DATA)`: failures, and with verbose the good ones as well. */
function resultLines(profile: Profile, params: DmatestParams, run: RunResult, index: number, tests: number): string[] {
  const job = profile.jobs[index];
  const result = run.jobs[index];
  if (job?.copyTest === undefined || result === undefined) return [];
  const draw = new CopyTestDraw(job.copyTest, run.seed);
  const bad = badIos(run, job.name);
  const lines: string[] = [];
  const shown = params.verbose ? Array.from({ length: tests }, (_, io) => io) : [...bad.keys()].sort((a, b) => a - b);
  for (const io of shown) {
    draw.at(io);
    const errors = bad.get(io) ?? 0;
    const text = errors === 0 ? "test passed" : "data error";
    const place = `src_off=${hex(draw.sourceOffset)} dst_off=${hex(draw.destinationOffset)} len=${hex(draw.bytes)}`;
    lines.push(`${job.name}: result #${io + 1}: '${text}' with ${place} (${errors})`);
  }
  if (result.error_text !== undefined) lines.push(`${job.name}: ${result.error_text}`);
  return lines;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
