/** Runs a list of operations on one thread, in order: the same list gives the same end every time. */
import { DmasimError } from "../../base/errors.ts";
import type { Machine } from "../machine/description.ts";
import { makeCounters } from "./counters.ts";
import { FaultLog } from "./faults/log.ts";
import type { Finding } from "./finding.ts";
import { brokenInvariant } from "./invariants.ts";
import { OpRunner } from "./op_runner.ts";
import type { StressOp } from "./operation.ts";
import { executorParts, makePlace, type StressPlace } from "./place.ts";
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

/**
 * What is wrong, the operation at which it showed, or null. Throws DMASIM_REPLAY_OPERATION for a list that the machine
 * cannot run: it has other devices or memory.
 */
export function replayOperations({ seed, worker, workers, machine, operations }: ReplayInput): Finding | null {
  const place = makePlace(machine, workers);
  checkOperations(operations, place, worker < workers);
  return replayOn(place, { seed, worker, workers, operations }, new FaultLog());
}

/** As {@link replayOperations}, on a place that is there already; faults are added to `log`. */
export function replayOn(
  place: StressPlace,
  { seed, worker, workers, operations }: Omit<ReplayInput, "machine">,
  log: FaultLog,
): Finding | null {
  const counters = makeCounters(workers);
  const runner = new OpRunner(
    executorParts(place.arena, place.system, place.areas, worker, seed, counters, () => {}),
    log,
  );
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

function checkOperations(operations: readonly StressOp[], { system, areas }: StressPlace, hasWorker: boolean): void {
  const wrong = operations.find(
    ({ device, cpu, pieces }) =>
      device >= system.devices.length ||
      cpu >= system.machine.cpus.count ||
      pieces.some(({ area }) => area >= areas.length),
  );
  if (wrong === undefined && hasWorker) return;
  throw new DmasimError({
    code: "DMASIM_REPLAY_OPERATION",
    what:
      wrong === undefined
        ? "there is no such worker"
        : "an operation names a device, a CPU or memory that the machine lacks",
    value: wrong?.id,
    limit: `${system.devices.length} devices, ${system.machine.cpus.count} CPUs, ${areas.length} memory areas`,
    remedy: "replay the list on the machine that it was saved for",
  });
}
