/** Worker entry: runs one long task, of the kind that the coordinator chose. */
import type { StressOutcome, StressTask } from "../src/sim/stress/task.ts";
import { runStressWorker } from "../src/sim/stress/worker.ts";
import { type BenchmarkTask, type BenchmarkValue, runBenchmarkWorker } from "../src/sim/tools/map_benchmark_wall.ts";
import { runCopyWorker } from "../src/sim/virtual/copy_worker.ts";
import type { CopyTask } from "../src/sim/virtual/task.ts";
import type { WallOutcome, WallTask } from "../src/sim/wall/task.ts";
import { runWallWorker } from "../src/sim/wall/worker.ts";

type Task = WallTask | CopyTask | StressTask | BenchmarkTask;

/** Piscina calls this once a worker; resolves when the run is over. A copy worker measures nothing: null. */
export default function run(task: Task): WallOutcome | StressOutcome | BenchmarkValue | null {
  if (task.kind === "wall") return runWallWorker(task);
  if (task.kind === "stress") return runStressWorker(task);
  if (task.kind === "map-benchmark") return runBenchmarkWorker(task);
  runCopyWorker(task);
  return null;
}
