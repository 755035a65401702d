/**
 * A result as CSV (RFC 4180): one row per job and direction, units in the column names.
 * A job that did no I/O keeps one row, so that it is not lost.
 */
import { PATH_NAMES } from "../base/cost.ts";
import type { DirectionResult, JobResult, RunResult } from "../sim/result.ts";
import { activeDirections, type NamedDirection } from "./figures.ts";

type Cell = string | number;

interface CsvColumn {
  readonly head: string;
  readonly cell: (result: RunResult, job: JobResult, direction: NamedDirection) => Cell;
}

function ofResult(head: string, pick: (result: RunResult) => Cell): CsvColumn {
  return { head, cell: (result) => pick(result) };
}

function ofJob(head: string, pick: (job: JobResult) => Cell): CsvColumn {
  return { head, cell: (_result, job) => pick(job) };
}

function ofDirection(head: string, pick: (direction: DirectionResult) => Cell): CsvColumn {
  return { head, cell: (_result, _job, direction) => pick(direction.result) };
}

function percentile(head: string, key: string): CsvColumn {
  return ofDirection(head, (direction) => direction.clat_ns.percentile[key] ?? "");
}

const COLUMNS: readonly CsvColumn[] = [
  ofResult("version", (result) => result.version),
  ofResult("machine", (result) => result.machine.name),
  ofResult("era", (result) => result.machine.era),
  ofResult("iommu", (result) => result.machine.iommu),
  ofResult("profile", (result) => result.profile.name),
  ofResult("seed", (result) => result.seed),
  ofResult("clock", (result) => result.clock),
  ofResult("confidence", (result) => result.confidence.level),
  ofResult("band", (result) => result.confidence.band ?? ""),
  ofJob("jobname", (job) => job.jobname),
  ofJob("groupid", (job) => job.groupid),
  ofJob("clones", (job) => job.clones),
  ofJob("device", (job) => job.device),
  ofJob("target", (job) => job.target),
  ofJob("depth", (job) => job.depth),
  { head: "direction", cell: (_result, _job, direction) => direction.name },
  ofDirection("io_bytes", (direction) => direction.io_bytes),
  ofDirection("bw_bytes", (direction) => direction.bw_bytes),
  ofDirection("iops", (direction) => direction.iops),
  ofDirection("total_ios", (direction) => direction.total_ios),
  ofDirection("runtime_ms", (direction) => direction.runtime),
  ofDirection("clat_min_ns", (direction) => direction.clat_ns.min),
  ofDirection("clat_mean_ns", (direction) => direction.clat_ns.mean),
  percentile("clat_p50_ns", "50.000000"),
  percentile("clat_p99_ns", "99.000000"),
  percentile("clat_p99_9_ns", "99.900000"),
  ofDirection("clat_max_ns", (direction) => direction.clat_ns.max),
  ofJob("map_ns", (job) => job.map_ns),
  ofJob("unmap_ns", (job) => job.unmap_ns),
  ...PATH_NAMES.map((path) => ofJob(`path_${path}`, (job) => job.path[path])),
  ofJob("faults", (job) => job.faults),
  ofJob("retries", (job) => job.retries),
  ofJob("error", (job) => job.error),
  ofJob("error_text", (job) => job.error_text ?? ""),
];

/** Header line and rows, each ended by CRLF. */
export function renderCsv(result: RunResult): string {
  return csvRows(result)
    .map((cells) => `${cells.join(",")}\r\n`)
    .join("");
}

/** The header and the rows as quoted cells; null = the header alone. */
export function csvRows(result: RunResult | null): string[][] {
  const lines = [COLUMNS.map((column) => column.head)];
  for (const job of result?.jobs ?? []) {
    for (const direction of rowDirections(job)) {
      lines.push(COLUMNS.map((column) => quoteCell(column.cell(result as RunResult, job, direction))));
    }
  }
  return lines;
}

function rowDirections(job: JobResult): readonly NamedDirection[] {
  const active = activeDirections(job);
  return active.length > 0 ? active : [{ name: "read", result: job.read }];
}

/** Quotes a cell that holds a comma, a quote or a line break, and doubles its quotes. */
export function quoteCell(cell: Cell): string {
  const text = String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
