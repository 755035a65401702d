/** Words and figures of the validation reports. */
import { formatBytes, formatCount, formatNs, formatNumber } from "../../base/units.ts";
import type { UnitSi } from "../../sim/validate/measurement.ts";
import type { RowResult } from "../../sim/validate/result.ts";
import { type RowScalar, rowText } from "../../sim/validate/row.ts";

/** `3.58 GB/s`, `587 ns`, `145 k/s`, `12.5 %`, `1.3`. */
export function formatSi(value: number, unit: UnitSi): string {
  if (unit === "s") return formatNs(value * 1e9);
  if (unit === "ratio") return `${formatNumber(value * 100)} %`;
  if (unit === "count") return formatNumber(value);
  const text = formatCount(value);
  const suffix = unit === "bytes_per_s" ? "B/s" : "/s";
  return /[A-Za-z]$/.test(text) ? `${text}${suffix}` : `${text} ${suffix}`;
}

/** `4.1 %`; a dash for nothing. */
export function formatError(error: number | null): string {
  if (error === null) return "–";
  const percent = error * 100;
  if (Math.abs(percent) >= 1000) return `${formatCount(percent)} %`;
  return `${Math.abs(percent) >= 10 ? percent.toFixed(0) : percent.toFixed(1)} %`;
}

/** `+4.1 %`, `-12 %`. */
export function formatBias(bias: number | null): string {
  return bias !== null && bias > 0 ? `+${formatError(bias)}` : formatError(bias);
}

/** `401 (79 %)`. */
export function formatShare(count: number, of: number): string {
  return of === 0 ? String(count) : `${count} (${((100 * count) / of).toFixed(0)} %)`;
}

const TOLD: readonly string[] = [
  "access_bytes",
  "window_bytes",
  "threads",
  "jobs",
  "flows",
  "iommu_mode",
  "cache",
  "step",
];

/** What a row is about, in the keys that differ most often. */
export function describeRow({ row }: RowResult): string {
  const told = TOLD.flatMap((key) => {
    const value: RowScalar | undefined = row.workload[key];
    return value === undefined ? [] : [tell(key, value)];
  });
  const what = `${rowText(row.system, "platform", "unstated")} ${rowText(row.workload, "op", "")} ${row.quantity}`;
  return [what.replace("  ", " "), ...told].join(", ");
}

function tell(key: string, value: RowScalar): string {
  if (typeof value !== "number") return `${key.split("_")[0]} ${value}`;
  return key.endsWith("_bytes") ? `${key.replace("_bytes", "")} ${formatBytes(value)}` : `${value} ${key}`;
}

/** Why a row has no score; empty when it has one. */
export function reasonOf({ prediction, baseline }: RowResult): string {
  if (prediction.status === "unsupported") return prediction.reason;
  if (baseline?.prediction.status === "unsupported") return baseline.prediction.reason;
  return "";
}

/** The key or word that decides it. */
export function detailOf({ prediction, baseline }: RowResult): string {
  if (prediction.status === "unsupported") return prediction.detail;
  if (baseline?.prediction.status === "unsupported") return `its baseline: ${baseline.prediction.detail}`;
  return "";
}
