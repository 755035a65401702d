/** Rows of an explained I/O: its stages in time order, those that took no time included, with whole nanoseconds that add up. */
import type { ExplainedIo, ExplainedStep, StageName } from "../../sim/explain/result.ts";

/** One row; `steps` are where its bars lie. */
export interface StageRow {
  readonly stage: StageName;
  readonly where: string;
  readonly waitNs: number;
  readonly serviceNs: number;
  readonly share: number;
  readonly steps: readonly ExplainedStep[];
}

/** Stages that say something when they take no time, after which one they stand, and what they say. */
const ABSENT_STAGES: readonly (readonly [StageName, StageName, (io: ExplainedIo) => string])[] = [
  ["bounce", "map", () => "not bounced"],
  ["walk", "link", (io) => (io.iotlb_misses === 0 ? "no IOTLB miss" : "over before")],
  ["memory", "root complex", () => "cache takes it"],
];

/** Rows of `io`; waits and services are rounded so that they still sum to the rounded latency. */
export function stageRows(io: ExplainedIo): StageRow[] {
  const rows: StageRow[] = io.stages.map(({ stage, place, wait_ns, service_ns, share }) => ({
    stage,
    where: place,
    waitNs: wait_ns,
    serviceNs: service_ns,
    share,
    steps: io.steps.filter((step) => step.stage === stage),
  }));
  for (const [stage, after, whereOf] of ABSENT_STAGES) {
    const at = rows.findIndex((row) => row.stage === after);
    if (at < 0 || rows.some((row) => row.stage === stage)) continue;
    rows.splice(at + 1, 0, { stage, where: whereOf(io), waitNs: 0, serviceNs: 0, share: 0, steps: [] });
  }
  return rounded(rows);
}

/** Rounds running sums, not the parts: no nanosecond appears or is lost. */
function rounded(rows: readonly StageRow[]): StageRow[] {
  let exact = 0;
  let shown = 0;
  const next = (ns: number): number => {
    exact += ns;
    const whole = Math.round(exact) - shown;
    shown += whole;
    return whole;
  };
  return rows.map((row) => ({ ...row, waitNs: next(row.waitNs), serviceNs: next(row.serviceNs) }));
}
