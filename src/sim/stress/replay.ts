/** Runs a list of operations on one thread, in order: the same list gives the same end every time. */
import type { Machine } from "../machine/description.ts";
import { makeCounters } from "./counters.ts";
import { FaultLog } from "./faults/table.ts";
import type { Finding } from "./finding.ts";
import { brokenInvariant } from "./invariants.ts";
import { OpRunner } from "./op_runner.ts";
import type { StressOp } from "./operation.ts";
import { executorParts, makePlace } from "./place.ts";
import { asFinding } from "./worker.ts";

/** A list with everything that its run depends on. */
export interface ReplayInput {
  readonly seed: number;
  readonly worker: number;
  readonly workers: number;
  readonly machine: Machine;
  readonly operations: readonly StressOp[];
}

/** Age by which flush queues are older after each operation. */
const STEP_NS = 20_000;

/** What is wrong, the operation at which it showed, or null. */
export function replayOperations({ seed, worker, workers, machine, operations }: ReplayInput): Finding | null {
  const place = makePlace(machine, workers);
  const counters = makeCounters(workers);
  const runner = new OpRunner(executorParts(place.arena, place.system, place.areas, worker, seed, counters), new FaultLog());
  let at = -1;
  try {
    for (const [step, op] of operations.entries()) {
      at = op.id;
      runner.step(op, step * STEP_NS);
    }
    runner.end();
  } catch (error) {
    return asFinding(error, worker, at);
  }
  return brokenInvariant(place, workers);
}
