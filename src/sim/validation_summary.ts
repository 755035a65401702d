/**
 * How far off the predictions of published measurements were, topic by topic: `data/validation.json`, which
 * `scripts/validation_table.mjs` makes of a run of `dmasim validate`.
 */
import { readFileSync } from "node:fs";
import { packagePath } from "../base/package_root.ts";

/** A kind of system that has rows in a topic; null = the rows do not say. */
export interface MeasuredSystem {
  readonly uarch: string | null;
  readonly iommu: string | null;
}

/** One topic; errors are ratios of the measured value, null where no row is predicted. */
export interface TopicValidation {
  readonly topic: string;
  readonly rows: number;
  readonly supported: number;
  readonly within: number;
  readonly withinTwice: number;
  readonly median: number | null;
  /** Nine of ten predicted rows are off by at most this. */
  readonly p90: number | null;
  readonly worst: number | null;
  readonly bias: number | null;
  readonly systems: readonly MeasuredSystem[];
}

/** The whole file; `total` leaves link arithmetic out. */
export interface ValidationSummary {
  readonly schema: "dmasim/validation@1";
  readonly version: string;
  readonly total: Omit<TopicValidation, "topic" | "systems">;
  readonly topics: readonly TopicValidation[];
}

/** The summary that ships with the package. */
export function loadValidation(): ValidationSummary {
  return JSON.parse(readFileSync(packagePath("data", "validation.json"), "utf8")) as ValidationSummary;
}

/** Error band over `topics`: the widest p90 among them; null when none of their rows is predicted. */
export function bandOf(summary: ValidationSummary, topics: readonly string[]): number | null {
  const bands = summary.topics.flatMap(({ topic, p90 }) => (topics.includes(topic) && p90 !== null ? [p90] : []));
  return bands.length === 0 ? null : Math.max(...bands);
}

/** Systems that predicted rows of `topics` are of. */
export function systemsOf(summary: ValidationSummary, topics: readonly string[]): readonly MeasuredSystem[] {
  return summary.topics.flatMap((each) => (topics.includes(each.topic) ? each.systems : []));
}
