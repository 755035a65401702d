/** Runs one load at many values: independent points, on threads where that is possible. */
import { packagePath } from "../../base/package_root.ts";
import { sweepHere, sweepPoints } from "../../host/sweep_pool.ts";
import type { RunOptions } from "../run_options.ts";
import type { SweepTask } from "../sweep_task.ts";
import { type PointOptions, runPoint } from "./point.ts";
import { VARY_SCHEMA, type VaryParams, type VaryResult, type VaryRun } from "./result.ts";

/** A point before it ran. */
export interface VaryPoint {
  readonly params: VaryParams;
  readonly options: PointOptions;
}

/** How the points run. */
export interface VaryOptions extends Pick<RunOptions, "signal" | "onProgress"> {
  /** Threads that run points beside each other; 1 = here, one after the other. */
  readonly threads: number;
}

const ENTRY = packagePath("dist", "bundle", "sweep.js");
type PointRun = Omit<VaryRun, "params">;

/** Runs `points`; after an abort of `signal` the result holds those that had finished. */
export async function runVaried(
  keys: readonly string[],
  points: readonly VaryPoint[],
  options: VaryOptions,
): Promise<VaryResult> {
  const found: (PointRun | undefined)[] = points.map(() => undefined);
  try {
    if (options.threads > 1 && points.length > 1) await runOnThreads(points, options, found);
    else await runHere(points, options, found);
  } catch (error) {
    if (!options.signal.aborted) throw error;
  }
  // A run that was cut short has figures of its own kind: it does not stand beside whole ones.
  const runs = points.flatMap(({ params }, index): VaryRun[] => {
    const run = found[index];
    return run === undefined || run.result?.partial === true ? [] : [{ params, ...run }];
  });
  return {
    schema: VARY_SCHEMA,
    key: keys.join(","),
    keys,
    ...(runs.length < points.length ? { partial: true as const } : {}),
    planned: points.length,
    runs,
  };
}

async function runOnThreads(
  points: readonly VaryPoint[],
  options: VaryOptions,
  found: (PointRun | undefined)[],
): Promise<void> {
  const startMs = performance.now();
  const tasks = points.map(({ options: of }): SweepTask => ({ kind: "run", options: of }));
  options.onProgress({ doneShare: 0, etaS: null, text: `run 1 of ${points.length}` });
  await sweepPoints<SweepTask, PointRun>(ENTRY, tasks, options.threads, options.signal, (done, run, index) => {
    found[index] = run;
    const etaS = ((performance.now() - startMs) / 1000 / done) * (points.length - done);
    const text = `${done} of ${points.length} runs, last ${paramsText(points[index]?.params ?? {})}`;
    options.onProgress({ doneShare: done / points.length, etaS, text });
  });
}

async function runHere(
  points: readonly VaryPoint[],
  options: VaryOptions,
  found: (PointRun | undefined)[],
): Promise<void> {
  const startMs = performance.now();
  let done = 0;
  const run = ({ params, options: of }: VaryPoint): Promise<PointRun> =>
    runPoint(of, options.signal, ({ doneShare }) => {
      const share = (done + doneShare) / points.length;
      const elapsedS = (performance.now() - startMs) / 1000;
      const etaS = share > 0.01 ? (elapsedS / share) * (1 - share) : null;
      const text = `run ${done + 1} of ${points.length}, ${paramsText(params)}`;
      options.onProgress({ doneShare: share, etaS, text });
    });
  await sweepHere(run, points, options.signal, (finished, value, index) => {
    done = finished;
    found[index] = value;
  });
}

/** `iommu.mode=strict iodepth=8`. */
export function paramsText(params: VaryParams): string {
  return Object.entries(params)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
}
