/** One published figure, as its row in a measurement file states it. */
import { z } from "zod";
import type { RowKeys, RowQuestion } from "./row.ts";

/** SI units of values; a percentage is a ratio. */
export const UNITS_SI = ["bytes_per_s", "per_s", "s", "count", "ratio"] as const;
/** One of them. */
export type UnitSi = (typeof UNITS_SI)[number];

/** `simulated` rows count; the others are set by something outside a DMA path, or are no measurement. */
export const SCOPES = ["simulated", "application", "tool"] as const;
/** One of them. */
export type Scope = (typeof SCOPES)[number];

const text = z.string().min(1);
const keys = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

/** The fields of a row that are read. Further ones (`raw`, `note`, ...) are for people. */
export const ROW_SCHEMA = z.looseObject({
  id: text.describe("unique name of the row"),
  group: text.describe("rows of one table or figure on one system"),
  topic: text.describe("what is measured"),
  source: z.looseObject({}).optional().describe("where it was published"),
  system: keys.describe("the machine"),
  workload: keys.describe("what ran"),
  quantity: text.describe("what the value is"),
  statistic: text.describe("which number of it"),
  unit: text.describe("unit of value"),
  value: z.number().describe("the figure as published"),
  unit_si: z.enum(UNITS_SI).describe("unit of value_si"),
  value_si: z.number().describe("the figure in unit_si"),
  scope: z.enum(SCOPES).describe("simulated, application or tool"),
  relative_to: text.optional().describe("id of the row that the figure is divided by before it is compared"),
  resolution_si: z.number().nonnegative().optional().describe("an error below it is none"),
  tolerance_rel: z.number().positive().max(10).optional().describe("fair error, as a share of the value"),
});

/** A row of a measurement file that passed the checks. */
export interface Measurement extends RowQuestion {
  readonly id: string;
  readonly group: string;
  readonly scope: Scope;
  readonly unitSi: UnitSi;
  readonly measuredSi: number;
  /** Id of the baseline row; null when the figure stands for itself. */
  readonly relativeTo: string | null;
  /** An error up to this, in `unitSi`, is none. */
  readonly resolutionSi: number;
  /** What the collector of the row holds to be fair; null when the row does not say. */
  readonly toleranceRel: number | null;
}

/** The row in the program's words. */
export function measurementOf(row: z.output<typeof ROW_SCHEMA>): Measurement {
  return {
    id: row.id,
    group: row.group,
    topic: row.topic,
    system: row.system as RowKeys,
    workload: row.workload as RowKeys,
    quantity: row.quantity,
    statistic: row.statistic,
    scope: row.scope,
    unitSi: row.unit_si,
    measuredSi: row.value_si,
    relativeTo: row.relative_to ?? null,
    resolutionSi: row.resolution_si ?? 0,
    toleranceRel: row.tolerance_rel ?? null,
  };
}

/** The part of a row that a predictor may see. */
export function questionOf({ topic, system, workload, quantity, statistic }: RowQuestion): RowQuestion {
  return { topic, system, workload, quantity, statistic };
}

/** `value_si` of one unit of `unit`; a unit that is not here is not checked. */
export const UNIT_FACTORS: Readonly<Record<string, { readonly unitSi: UnitSi; readonly factor: number }>> = {
  "Gbit/s": { unitSi: "bytes_per_s", factor: 1e9 / 8 },
  "Mbit/s": { unitSi: "bytes_per_s", factor: 1e6 / 8 },
  "GB/s": { unitSi: "bytes_per_s", factor: 1e9 },
  "MB/s": { unitSi: "bytes_per_s", factor: 1e6 },
  "GiB/s": { unitSi: "bytes_per_s", factor: 1024 ** 3 },
  "MiB/s": { unitSi: "bytes_per_s", factor: 1024 ** 2 },
  "KiB/s": { unitSi: "bytes_per_s", factor: 1024 },
  "1000 KiB/s": { unitSi: "bytes_per_s", factor: 1000 * 1024 },
  kIOPS: { unitSi: "per_s", factor: 1e3 },
  MIOPS: { unitSi: "per_s", factor: 1e6 },
  ns: { unitSi: "s", factor: 1e-9 },
  us: { unitSi: "s", factor: 1e-6 },
  percent: { unitSi: "ratio", factor: 1e-2 },
  ratio: { unitSi: "ratio", factor: 1 },
  "misses/page": { unitSi: "count", factor: 1 },
  "reads/page": { unitSi: "count", factor: 1 },
  threads: { unitSi: "count", factor: 1 },
  cachelines: { unitSi: "count", factor: 1 },
};
