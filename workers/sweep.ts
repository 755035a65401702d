/** Worker entry of sweeps: runs one point after the other. */
import { runSweepTask, type SweepTask } from "../src/sim/sweep_task.ts";

/** Piscina calls this once a point. */
export default function run(task: SweepTask): Promise<unknown> {
  return runSweepTask(task);
}
