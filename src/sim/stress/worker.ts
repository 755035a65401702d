/** One host thread of a stress run: draws operations and runs them until the round ends or something is wrong. */
import { STOP } from "../../host/coordinator.ts";
import { Arena } from "../../shm/arena.ts";
import { load, store } from "../../shm/atomics.ts";
import { HEADER, REGIONS } from "../../shm/layout.ts";
import { System } from "../system.ts";
import { WorkerState } from "../worker_state.ts";
import { FaultLog } from "./faults/log.ts";
import { type Finding, FindingError } from "./finding.ts";
import { OpRunner } from "./op_runner.ts";
import { executorParts } from "./place.ts";
import { ShapeSource } from "./shape.ts";
import type { StressOutcome, StressTask } from "./task.ts";

const STOP_WORD = REGIONS.header.word + HEADER.stop;
/** Operations between two looks at the clock. */
const CLOCK_EVERY = 16;

/** Blocks its thread until the round ends. A finding is returned and ends the other workers' rounds too. */
export function runStressWorker(task: StressTask): StressOutcome {
  const arena = Arena.attach(task.arena);
  const state = new WorkerState(arena, task.worker);
  const system = new System(task.machine);
  const log = new FaultLog();
  const runner = new OpRunner(
    executorParts(arena, system, task.areas, task.worker, task.seed, task.counters, () => state.beat()),
    log,
  );
  const { seed, round, worker, areas, targets, faults } = task;
  const cpus = system.machine.cpus.count;
  const source = new ShapeSource({
    seed,
    round,
    worker,
    devices: system.devices,
    areas,
    targets,
    cpus,
    faults,
    linksIovas: system.machine.era === "7.x",
  });
  const progress = { steps: 0 };
  let finding: Finding | null = null;
  try {
    loop(task, arena, state, runner, source, progress);
  } catch (error) {
    finding = asFinding(error, worker, progress.steps - 1);
    if (load(arena.i32, STOP_WORD) === STOP.run) store(arena.i32, STOP_WORD, STOP.drain);
  }
  state.left();
  return { steps: progress.steps, faults: [...log.counts.values()], finding };
}

function loop(
  task: StressTask,
  arena: Arena,
  state: WorkerState,
  runner: OpRunner,
  source: ShapeSource,
  progress: { steps: number },
): void {
  const startNs = performance.now() * 1e6;
  const limitNs = task.limitNs ?? Number.POSITIVE_INFINITY;
  const limitOps = task.limitOps ?? Number.POSITIVE_INFINITY;
  let nowNs = startNs;
  while (progress.steps < limitOps && nowNs - startNs < limitNs) {
    const stop = load(arena.i32, STOP_WORD);
    if (stop === STOP.leave) return;
    if (stop !== STOP.run) break;
    state.beat();
    const op = source.next();
    progress.steps += 1;
    runner.step(op, nowNs);
    if (progress.steps % CLOCK_EVERY === 0) nowNs = performance.now() * 1e6;
  }
  runner.end();
}

/** Any error of the code under test is a finding. */
export function asFinding(error: unknown, worker: number, op: number): Finding {
  if (error instanceof FindingError) return { kind: error.kind, text: error.message, op, worker };
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { kind: "exception", text, op, worker };
}
