/** Worker entry: runs one long task, of the kind that the coordinator chose. */
import type { StressOutcome, StressTask } from "../src/sim/stress/task.ts";
import { runStressWorker } from "../src/sim/stress/worker.ts";
import { runCopyWorker } from "../src/sim/virtual/copy_worker.ts";
import type { CopyTask } from "../src/sim/virtual/task.ts";
import type { WallOutcome, WallTask } from "../src/sim/wall/task.ts";
import { runWallWorker } from "../src/sim/wall/worker.ts";

/** Piscina calls this once a worker; resolves when the run is over. A copy worker measures nothing: null. */
export default function run(task: WallTask | CopyTask | StressTask): WallOutcome | StressOutcome | null {
  if (task.kind === "wall") return runWallWorker(task);
  if (task.kind === "stress") return runStressWorker(task);
  runCopyWorker(task);
  return null;
}
