/**
 * Runs a profile under the wall clock: workers do everything, the main thread watches.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Coordinator } from "../../host/coordinator.ts";
import { WorkerPool } from "../../host/workers.ts";
import { copyPhys, fillPhys } from "../../memory/copy.ts";
import { store } from "../../shm/atomics.ts";
import { HEADER, REGIONS } from "../../shm/layout.ts";
import { type FaultResult, mergeFaults } from "../fault_plan.ts";
import { MAIN_OWNER, makeHostContext } from "../host_ports.ts";
import { findLeaks } from "../leaks.ts";
import type { RunOutcome } from "../result_assembly.ts";
import { attachRunDebug, releaseDevices } from "../run_debug.ts";
import { type RunSetup, WORKER_ENTRY } from "../run_setup.ts";
import { JobStats } from "../stats.ts";
import type { WallOutcome, WallTask } from "./task.ts";
import { groupSizes } from "./worker.ts";

const WATCH_MS = 50;
const HOOK_DELAY_MS = 200;

/** Runs the profile to its end, its limit or an abort. A failed worker is part of the outcome, not an exception. */
export async function runWall(setup: RunSetup): Promise<RunOutcome> {
  const { options, arena, system, clones, hook, load } = setup;
  const { workers } = options;
  const header = REGIONS.header.word;
  store(arena.i32, header + HEADER.phaseRunning, groupSizes(clones)[0] ?? 0);
  const pool = new WorkerPool(WORKER_ENTRY, workers);
  const coordinator = new Coordinator<WallOutcome>(
    arena,
    pool,
    workers,
    (engine) => system.engines[engine]?.name ?? "?",
  );
  const tasks = Array.from(
    { length: workers },
    (_, worker): WallTask => ({
      kind: "wall",
      arena: arena.handle,
      worker,
      workers,
      machine: options.machine,
      profile: options.profile,
      load,
      verify: options.verify,
      limitNs: options.limitSeconds === null ? null : options.limitSeconds * 1e9,
      ioHook: hook.io,
    }),
  );
  const startMs = performance.now();
  const finished = coordinator.run(tasks);
  const hooks = setInterval(() => {
    if (!coordinator.running(0)) return;
    clearInterval(hooks);
    coordinator.hook(0, hook.workerHook);
    if (hook.terminate) coordinator.terminate(0);
  }, HOOK_DELAY_MS).unref();
  let outcomes: readonly (WallOutcome | null)[];
  try {
    await watch(setup, coordinator, startMs);
    outcomes = await finished;
  } finally {
    clearInterval(hooks);
    await pool.close();
  }
  const stats = options.profile.jobs.map(() => new JobStats());
  for (const outcome of outcomes) {
    for (const [index, plain] of (outcome?.jobs ?? []).entries()) stats[index]?.add(plain);
  }
  const ctx = makeHostContext(arena, system, MAIN_OWNER, {
    copy: (dst, src, bytes) => copyPhys(arena, dst, src, bytes),
    fill: (dst, byte, bytes) => fillPhys(arena, dst, byte, bytes),
  });
  const failure = coordinator.failure;
  const debug = attachRunDebug(arena, MAIN_OWNER, system, options.profile);
  if (!options.signal.aborted && failure === null) releaseDevices(debug, system);
  const sessions = [...outcomes.map((outcome) => outcome?.debug ?? null), debug?.plain() ?? null];
  return {
    stats,
    servers: [],
    durationNs: (performance.now() - startMs) * 1e6,
    events: 0,
    partial: options.signal.aborted || failure !== null,
    failure,
    faults: faultsOf(outcomes, options.signal.aborted || failure !== null),
    debug: sessions.filter((session) => session !== null),
    leaks: failure === null ? findLeaks(ctx, system) : [],
    iotlbLookups: outcomes.reduce((sum, outcome) => sum + (outcome?.iotlbLookups ?? 0), 0),
    iotlbMisses: outcomes.reduce((sum, outcome) => sum + (outcome?.iotlbMisses ?? 0), 0),
  };
}

/** What an ended run had in flight was struck and not looked at. */
function faultsOf(outcomes: readonly (WallOutcome | null)[], ended: boolean): FaultResult[] {
  const whole = outcomes.filter((outcome) => outcome !== null);
  return mergeFaults(
    whole.map(({ faults }) => faults),
    ended ? [] : whole.flatMap(({ struck }) => struck),
  );
}

/** Passes an abort on and shows progress until every worker is gone. */
async function watch(setup: RunSetup, coordinator: Coordinator<WallOutcome>, startMs: number): Promise<void> {
  const { signal, onProgress, limitSeconds } = setup.options;
  while (!coordinator.finished) {
    await sleep(WATCH_MS);
    if (signal.aborted) coordinator.drain();
    const elapsedS = (performance.now() - startMs) / 1000;
    const doneShare = limitSeconds === null ? 0 : Math.min(0.999, elapsedS / limitSeconds);
    const etaS = limitSeconds === null ? null : Math.max(0, limitSeconds - elapsedS);
    onProgress({ doneShare, etaS, text: `wall ${elapsedS.toFixed(1)} s` });
  }
}
