/** The one line that a table of runs comes down to. */
import { defined } from "../../base/assert.ts";
import { formatNumber } from "../../base/units.ts";
import type { VaryResult, VaryRun } from "../../sim/vary/result.ts";
import { gigabytes, plural } from "../figures.ts";
import { limitText, rowsOf, type VaryRow } from "./figures.ts";

/** Throughputs that differ by less are the same. */
const SAME_SHARE = 0.03;
/** This near to the peak is as good. */
const PEAK_SHARE = 0.995;
/** This near to the best is the ceiling. */
const CEILING_SHARE = 0.95;

/** What the values do; `warn` when nothing can be said. */
export interface VaryVerdict {
  readonly level: "good" | "warn";
  readonly words: string;
}

/** Verdict over the runs that finished. */
export function judgeVaried(varied: VaryResult): VaryVerdict {
  const rows = rowsOf(varied.runs).filter((row) => row.bytesPerS > 0);
  const [first] = rows;
  if (first === undefined) return { level: "warn", words: "NO RUN FINISHED ANY I/O" };
  if (rows.length === 1) return { level: "warn", words: `ONLY ${nameOf(first.run)} FINISHED: ${ratesText(first)}` };
  const best = bestOf(rows);
  const worst = rows.reduce((low, row) => (row.bytesPerS < low.bytesPerS ? row : low));
  if (worst.bytesPerS >= best.bytesPerS * (1 - SAME_SHARE)) {
    const keys = varied.keys.join(" and ").toUpperCase();
    return {
      level: "good",
      words: `${keys} MAKES NO DIFFERENCE: ${ratesText(best)}, ${limitWords(best)}`,
    };
  }
  return { level: "good", words: isRising(varied, rows) ? ceilingWords(varied, rows, best) : costWords(worst, best) };
}

/** The first row whose throughput is the highest, or so near that the rest costs more than it gives. */
export function bestOf(rows: readonly VaryRow[]): VaryRow {
  const peak = Math.max(...rows.map(({ bytesPerS }) => bytesPerS));
  return defined(
    rows.find(({ bytesPerS }) => bytesPerS >= peak * PEAK_SHARE),
    "there is a row",
  );
}

/** `strict`, or `iommu.mode=strict bs=4k` where several keys vary. */
export function nameOf({ params }: VaryRun): string {
  const entries = Object.entries(params);
  if (entries.length === 1) return shortName(entries[0] as [string, string | number]);
  return entries.map(([key, value]) => `${lastKey(key)}=${value}`).join(" ");
}

/** `5.9×`. */
export function timesText(ratio: number): string {
  return `${formatNumber(ratio)}×`;
}

/** A word says itself; a number needs its key. */
function shortName([key, value]: [string, string | number]): string {
  return typeof value === "number" || /^\d/.test(value) ? `${lastKey(key)} ${value}` : value;
}

/** `iodepth` of `jobs[*].iodepth`; a key of the machine needs its whole path. */
export function lastKey(key: string): string {
  return key.startsWith("jobs") ? key.slice(key.lastIndexOf(".") + 1) : key;
}

/** One key, rising numbers. */
function isRising({ keys }: VaryResult, rows: readonly VaryRow[]): boolean {
  const [key] = keys;
  if (keys.length !== 1 || key === undefined || rows.length < 3) return false;
  const values = rows.map(({ run }) => Number.parseFloat(String(run.params[key])));
  return values.every((value) => Number.isFinite(value));
}

function ceilingWords({ runs }: VaryResult, rows: readonly VaryRow[], best: VaryRow): string {
  const knee = rows.find(({ bytesPerS }) => bytesPerS >= best.bytesPerS * CEILING_SHARE) ?? best;
  const [first] = rows;
  const gain =
    first === undefined || first === knee
      ? ""
      : `, ${timesText(knee.bytesPerS / first.bytesPerS)} of ${nameOf(first.run)}`;
  const limit = limitWords(knee);
  const isLast = knee.run === runs.at(-1);
  const isSaturated = knee.result.bottleneck?.bound === "resource";
  const name = nameOf(knee.run).toUpperCase();
  const words = !isLast ? `${name} IS ENOUGH` : isSaturated ? `${name} IS THE BEST` : `STILL RISING AT ${name}`;
  return `${words}: ${ratesText(knee)}${gain}; ${limit}`;
}

function costWords(worst: VaryRow, best: VaryRow): string {
  const times = timesText(best.bytesPerS / worst.bytesPerS);
  return `${nameOf(worst.run).toUpperCase()} COSTS ${times}: ${limitWords(worst)}`;
}

/** What the verdict says of a row's limit. */
function limitWords({ result }: VaryRow): string {
  const bound = result.bottleneck?.bound;
  if (bound === undefined) return "measured on this computer";
  if (bound === "pace") return "at the load's own pace";
  return bound === "latency" ? `bound by ${limitText(result)}` : `limited by ${limitText(result)}`;
}

function ratesText(row: VaryRow): string {
  return `${gigabytes(row.bytesPerS)} GB/s`;
}

/** `4 runs`, or how many of them an interruption left. */
export function runsText({ runs, planned }: VaryResult): string {
  return runs.length === planned ? plural(planned, "run") : `${runs.length} of ${plural(planned, "run")}`;
}
