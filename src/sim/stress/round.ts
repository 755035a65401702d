/** One round: a machine, all workers on one arena, and what must hold at its end. */
import { setTimeout as sleep } from "node:timers/promises";
import { Coordinator, HOOK, type WorkerReport } from "../../host/coordinator.ts";
import { slotsUsed } from "../../host/swiotlb/pool.ts";
import type { WorkerPool } from "../../host/workers.ts";
import { touchChunks } from "../../memory/backing.ts";
import { store } from "../../shm/atomics.ts";
import { HEADER, REGIONS } from "../../shm/layout.ts";
import type { Machine } from "../machine/description.ts";
import { makeCounters, readTotals, type StressTotals } from "./counters.ts";
import { type FaultCount, FaultLog } from "./faults/log.ts";
import type { FaultName } from "./faults/table.ts";
import type { Finding } from "./finding.ts";
import { brokenInvariant } from "./invariants.ts";
import { makePlace, type StressPlace } from "./place.ts";
import type { StressOutcome, StressTask } from "./task.ts";

/** A round as it is asked for. */
export interface RoundOptions {
  readonly seed: number;
  readonly round: number;
  readonly workers: number;
  readonly machine: Machine;
  /** PATHs; empty = all. */
  readonly only: readonly number[];
  readonly faults: readonly FaultName[];
  readonly limitNs: number | null;
  /** Operations of each worker. */
  readonly limitOps: number | null;
  readonly signal: AbortSignal;
  /** Called about every 100 ms. */
  readonly onLook: (look: RoundLook) => void;
}

/** A round while it runs. */
export interface RoundLook {
  readonly totals: StressTotals;
  /** Slots of the bounce pool in use; null = no pool. */
  readonly poolSlots: number | null;
  readonly poolSlotsTotal: number;
}

/** A round that is over. */
export interface RoundResult {
  readonly totals: StressTotals;
  readonly faults: readonly FaultCount[];
  readonly finding: Finding | null;
  /** Steps of the worker that has the finding. */
  readonly steps: number;
  /** False = the machine has no path that was asked for. */
  readonly ran: boolean;
}

/** A fault that ends a worker. */
export type WorkerFault = "worker-terminated" | "worker-stuck";

/** At least what one worker's buffers take on any of the machines. */
const TOUCHED_BYTES = 640 * 2 ** 20;
const LOOK_MS = 100;
const WORKER_FAULT_DELAY_MS = 200;

/** Runs a round on the pool's threads. `workerFault` is injected into worker 0 soon after the start; it ends the round. */
export async function runRound(
  pool: WorkerPool,
  options: RoundOptions,
  workerFault: WorkerFault | null = null,
): Promise<RoundResult> {
  const { workers, only } = options;
  const place = makePlace(options.machine, workers);
  const targets = place.targets.filter(({ path }) => only.length === 0 || only.includes(path));
  const counters = makeCounters(workers);
  if (targets.length === 0) return { totals: readTotals(counters), faults: [], finding: null, steps: 0, ran: false };
  // Before anything is in use: the memory that a process has shall not depend on how far a round has come.
  touchChunks(place.arena, workers * TOUCHED_BYTES);
  store(place.arena.i32, REGIONS.header.word + HEADER.workers, workers);
  const coordinator = new Coordinator<StressOutcome>(place.arena, pool, workers, () => "?");
  const tasks = Array.from({ length: workers }, (_, worker) => stressTask(place, options, targets, worker, counters));
  const finished = coordinator.run(tasks);
  await watch(place, coordinator, options, counters, workerFault);
  const outcomes = await finished;
  const log = new FaultLog();
  for (const outcome of outcomes) log.merge(outcome?.faults ?? []);
  const finding = await conclude(place, coordinator.failure, outcomes, workers, workerFault, log);
  const steps = finding === null || finding.worker < 0 ? 0 : (outcomes[finding.worker]?.steps ?? 0);
  return { totals: readTotals(counters), faults: [...log.counts.values()], finding, steps, ran: true };
}

function stressTask(
  { arena, areas }: StressPlace,
  options: RoundOptions,
  targets: StressTask["targets"],
  worker: number,
  counters: SharedArrayBuffer,
): StressTask {
  const { seed, round, machine, faults, limitNs, limitOps } = options;
  const { handle } = arena;
  return {
    kind: "stress",
    arena: handle,
    worker,
    seed,
    round,
    machine,
    areas,
    targets,
    faults,
    limitNs,
    limitOps,
    counters,
  };
}

async function watch(
  place: StressPlace,
  coordinator: Coordinator<StressOutcome>,
  { signal, onLook }: RoundOptions,
  counters: SharedArrayBuffer,
  fault: WorkerFault | null,
): Promise<void> {
  const { arena, system } = place;
  let hookAtMs = Number.POSITIVE_INFINITY;
  while (!coordinator.finished) {
    await sleep(LOOK_MS);
    if (signal.aborted) coordinator.drain();
    const poolSlots = system.pool === null ? null : slotsUsed(arena, system.pool);
    onLook({ totals: readTotals(counters), poolSlots, poolSlotsTotal: system.pool?.nslabs ?? 0 });
    if (fault === null || !coordinator.running(0)) continue;
    if (hookAtMs === Number.POSITIVE_INFINITY) hookAtMs = performance.now() + WORKER_FAULT_DELAY_MS;
    if (performance.now() < hookAtMs) continue;
    if (fault === "worker-terminated") coordinator.terminate(0);
    else coordinator.hook(0, HOOK.spin);
    hookAtMs = Number.MAX_VALUE;
  }
}

/** The first finding of a worker, a dead worker, or a broken invariant. */
async function conclude(
  place: StressPlace,
  failure: WorkerReport | null,
  outcomes: readonly (StressOutcome | null)[],
  workers: number,
  fault: WorkerFault | null,
  log: FaultLog,
): Promise<Finding | null> {
  if (fault !== null) {
    const outcome = workerFaultOutcome(fault, failure);
    if (log.add(fault, outcome, 0) !== "unexplained") return null;
    return { kind: "unexplained fault", text: `${fault} ended in "${outcome}"`, op: -1, worker: -1 };
  }
  if (failure !== null) {
    const locks = failure.locks.length === 0 ? "no lock" : failure.locks.join(", ");
    return { kind: "worker", text: `worker ${failure.worker}: ${failure.cause}, holding ${locks}`, op: -1, worker: -1 };
  }
  const found = outcomes.flatMap((outcome) => (outcome?.finding === null || outcome === null ? [] : [outcome.finding]));
  // A thrown error may follow from another worker's wrong data, seldom the other way round.
  const first = found.find((finding) => finding.kind !== "exception") ?? found[0];
  return first ?? brokenInvariant(place, workers);
}

function workerFaultOutcome(fault: WorkerFault, failure: WorkerReport | null): string {
  if (failure === null) return "nothing noticed";
  if (fault === "worker-terminated") return `coordinator: ${failure.cause}`;
  const named = /stood still/.test(failure.cause) && failure.locks.length > 0;
  return named ? "coordinator: heartbeat stood still, lock named" : `coordinator: ${failure.cause}`;
}
