/** A line per job and direction, and what has to be said about single jobs. */
import { formatCount, formatNumber } from "../base/units.ts";
import type { JobResult, RunResult } from "../sim/result.ts";
import { ABSENT, activeDirections, gigabytes, type NamedDirection, percentileText, plural } from "./figures.ts";
import { pathSharesText } from "./path_shares.ts";
import { labelled, plain, type Screen, shorten } from "./style.ts";
import { type Column, renderTable } from "./table.ts";

const ROWS_MAX = 40;
const NAME_WIDTH = 18;
const DEVICE_WIDTH = 14;

const COLUMNS: readonly Column[] = [
  { head: "dir", align: "left" },
  { head: "device", align: "left" },
  { head: "QD", align: "right" },
  { head: "GB/s", align: "right" },
  { head: "IOPS", align: "right" },
  { head: "p50", align: "right" },
  { head: "p99", align: "right" },
  { head: "p99.9", align: "right" },
  { head: "map/unmap ns", align: "right" },
  { head: "path", align: "left" },
];

/** Table of the jobs; its corner names the clock that all its figures belong to. */
export function renderJobTable(screen: Screen, result: RunResult): string[] {
  const rows = result.jobs.flatMap(jobRows);
  const corner: Column = { head: `job (${result.clock === "wall" ? "host" : "virtual"})`, align: "left" };
  const throughputColumn = 4;
  const lines = renderTable(screen, [corner, ...COLUMNS], rows.slice(0, ROWS_MAX), (cell, _row, column) =>
    column === throughputColumn || column === throughputColumn + 1 ? screen.colors.bold(cell) : cell,
  );
  if (rows.length > ROWS_MAX)
    lines.push(screen.colors.dim(` ${rows.length - ROWS_MAX} more rows: see --json or --csv`));
  return lines;
}

function jobRows(job: JobResult): string[][] {
  const directions = activeDirections(job);
  if (directions.length > 0) return directions.map((direction) => directionRow(job, direction));
  return [[...identityCells(job, ABSENT), ...Array<string>(COLUMNS.length - 3).fill(ABSENT)]];
}

function identityCells(job: JobResult, direction: string): string[] {
  const clones = job.clones > 1 ? ` ×${job.clones}` : "";
  const name = `${shorten(plain(job.jobname), NAME_WIDTH - clones.length)}${clones}`;
  const device = job.target === "ram" ? job.device : `${job.device}→${job.target}`;
  return [name, direction, shorten(plain(device), DEVICE_WIDTH), String(job.depth)];
}

function directionRow(job: JobResult, { name, result }: NamedDirection): string[] {
  return [
    ...identityCells(job, name),
    gigabytes(result.bw_bytes),
    formatCount(result.iops),
    percentileText(result.clat_ns, "50.000000"),
    percentileText(result.clat_ns, "99.000000"),
    percentileText(result.clat_ns, "99.900000"),
    mappingText(job),
    pathSharesText(job),
  ];
}

/** CPU cost of mapping and unmapping one I/O; nothing when the job maps nothing per I/O. */
function mappingText(job: JobResult): string {
  if (job.map_ns === 0 && job.unmap_ns === 0) return ABSENT;
  return `${formatNumber(job.map_ns)} / ${formatNumber(job.unmap_ns)}`;
}

/** Errors, faults, retries and notes of single jobs, one labelled paragraph each. */
export function renderJobNotes(screen: Screen, result: RunResult): string[] {
  const why =
    result.faults === undefined ? "because a resource was exhausted" : "because of a fault or an exhausted resource";
  return result.jobs.flatMap((job) => {
    const label = shorten(plain(job.jobname), LABEL_TEXT_MAX);
    const errors = job.error === 0 ? [] : [job.error_text ?? `error ${job.error}`];
    return [
      ...errors.flatMap((text) => labelled(screen, label, text, screen.colors.red)),
      ...jobRemarks(job, why).flatMap((text, index) =>
        labelled(screen, errors.length + index === 0 ? label : "", text),
      ),
    ];
  });
}

const LABEL_TEXT_MAX = 14;

function jobRemarks(job: JobResult, why: string): string[] {
  const remarks: string[] = [];
  if (job.depth_note !== undefined) remarks.push(job.depth_note);
  if (job.latency_target !== undefined) {
    const met = job.latency_target.met ? "meets" : "misses";
    remarks.push(`${met} its latency target at depth ${job.latency_target.depth}`);
  }
  if (job.faults > 0) remarks.push(`${plural(job.faults, "DMA fault")} (aborted by the hardware)`);
  if (job.retries > 0) remarks.push(`${plural(job.retries, "mapping")} retried ${why}`);
  return [...remarks, ...job.notes];
}
