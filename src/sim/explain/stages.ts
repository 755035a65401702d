/** Sorts the steps of a followed I/O into stages. */
import { BOUNCE_COPY } from "../../timing/charge.ts";
import type { LogStep } from "../../timing/stage_log.ts";
import type { TracedIo } from "../virtual/io_trace.ts";
import type { ExplainedIo, ExplainedStage, ExplainedStep, StageName } from "./result.ts";

const PS_PER_NS = 1000;

/** Places of a transfer by what they are called; what is left is the root complex. */
const PLACES: readonly (readonly [RegExp, StageName])[] = [
  [/ (link|uplink) (up|down)$|^switches$/, "link"],
  [/ walk$/, "walk"],
  [/memory$/, "memory"],
  [/ (read engine|write engine|tags|posted credits)$|^(turn|earlier quanta|device pipeline)$/, "engine"],
];

/** Stage of a step. */
export function stageOf({ phase, place }: Pick<LogStep, "phase" | "place">): StageName {
  if (place === BOUNCE_COPY) return "bounce";
  if (phase !== "transfer") return phase as StageName;
  return PLACES.find(([pattern]) => pattern.test(place))?.[1] ?? "root complex";
}

/** A followed I/O in stages. */
export function explainIo(which: ExplainedIo["which"], io: TracedIo): ExplainedIo {
  const steps = stepsOf(io.steps);
  const latencyNs = io.latencyPs / PS_PER_NS;
  return {
    which,
    clone: io.clone,
    io: io.io,
    bytes: io.bytes,
    latency_ns: latencyNs,
    wait_ns: sum(steps.map(({ wait_ns }) => wait_ns)),
    service_ns: sum(steps.map(({ service_ns }) => service_ns)),
    commands: io.commands,
    command_bytes: io.commandBytes,
    quanta: io.quanta,
    iotlb_misses: io.walks,
    walk_levels: io.levels,
    steps,
    stages: stagesOf(steps, latencyNs),
  };
}

function stepsOf(steps: readonly LogStep[]): ExplainedStep[] {
  let startPs = 0;
  return steps.map((step) => {
    const explained = {
      stage: stageOf(step),
      place: step.place,
      start_ns: startPs / PS_PER_NS,
      wait_ns: step.waitPs / PS_PER_NS,
      service_ns: step.servicePs / PS_PER_NS,
    };
    startPs += step.waitPs + step.servicePs;
    return explained;
  });
}

/** Stages in the order in which they begin. */
function stagesOf(steps: readonly ExplainedStep[], latencyNs: number): ExplainedStage[] {
  return [...new Set(steps.map(({ stage }) => stage))].map((stage) => {
    const mine = steps.filter((step) => step.stage === stage);
    const waitNs = sum(mine.map(({ wait_ns }) => wait_ns));
    const serviceNs = sum(mine.map(({ service_ns }) => service_ns));
    const share = latencyNs > 0 ? (waitNs + serviceNs) / latencyNs : 0;
    return { stage, place: longestPlace(mine), wait_ns: waitNs, service_ns: serviceNs, share };
  });
}

function longestPlace(steps: readonly ExplainedStep[]): string {
  const times = new Map<string, number>();
  for (const { place, wait_ns, service_ns } of steps) {
    times.set(place, (times.get(place) ?? 0) + wait_ns + service_ns);
  }
  return [...times].reduce((best, next) => (next[1] > best[1] ? next : best))[0];
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
