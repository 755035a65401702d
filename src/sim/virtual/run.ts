/**
 * Drives the virtual loop on the main thread in slices, with copy workers beside it.
 *
 * Between slices Node's event loop runs: signals, worker exits and progress are heard within a slice.
 */
import { setImmediate as yieldToNode } from "node:timers/promises";
import { Coordinator } from "../../host/coordinator.ts";
import { WorkerPool } from "../../host/workers.ts";
import { wait } from "../../shm/atomics.ts";
import { REGIONS, RING } from "../../shm/layout.ts";
import { LockHeldError } from "../../shm/mutex.ts";
import { Constants } from "../../timing/calibration/constant.ts";
import { FABRIC_CONSTANTS } from "../../timing/calibration/fabric.ts";
import { MAIN_OWNER, makeHostContext } from "../host_ports.ts";
import { findLeaks } from "../leaks.ts";
import type { IoWatch } from "../load/io_watch.ts";
import type { Payload } from "../payload.ts";
import { PersistLedger } from "../persist/ledger.ts";
import { PowerCut } from "../persist/power_cut.ts";
import type { RunOutcome } from "../result_assembly.ts";
import { attachRunDebug, releaseDevices } from "../run_debug.ts";
import { type RunSetup, WORKER_ENTRY } from "../run_setup.ts";
import { JobStats } from "../stats.ts";
import { UnitInvalidation } from "../unit_invalidation.ts";
import { CopyDispatcher } from "./dispatcher.ts";
import type { IoTrace } from "./io_trace.ts";
import { VirtualLoop } from "./loop.ts";
import type { CopyTask } from "./task.ts";
import { WalkInvalidation } from "./walk_invalidation.ts";

const SLICE_MS = 20;
const BACKOFF_MS = 2;
const PROGRESS_MS = 200;

/** What looks at single I/Os of a run; neither changes it. */
export interface LoopObserver {
  readonly watch: IoWatch | null;
  readonly trace: IoTrace | null;
}

/** Runs the profile to its end, its limit or an abort. A failed worker is part of the outcome, not an exception. */
export async function runVirtual(setup: RunSetup, observer: LoopObserver | null = null): Promise<RunOutcome> {
  const { options, arena, system, clones, hook } = setup;
  const workers = options.payload ? options.workers : 0;
  const dispatcher = options.payload ? new CopyDispatcher(arena, workers) : null;
  const invalidation = new WalkInvalidation(new UnitInvalidation(arena, system.machine.iommu.kind));
  const copyPort = dispatcher ?? { copy: () => true, fill: () => true };
  const ctx = makeHostContext(arena, system, MAIN_OWNER, copyPort, invalidation);
  const stats = options.profile.jobs.map(() => new JobStats());
  const debug = attachRunDebug(arena, MAIN_OWNER, system, options.profile);
  const powerCut = dispatcher === null ? null : powerCutOf(setup, dispatcher);
  const loop = new VirtualLoop(system, ctx, clones, stats, dispatcher, {
    verify: options.payload && options.verify,
    limitSeconds: options.limitSeconds,
    perTlp: options.perTlp,
    ioHook: hook.io,
    debug,
    powerCut,
    events: options.profile.events ?? [],
    faults: options.profile.faults ?? [],
    seed: setup.load.seed,
    watch: observer?.watch ?? null,
    trace: observer?.trace ?? null,
  });
  invalidation.fabric = loop.fabric;
  const pool = workers === 0 ? null : new WorkerPool(WORKER_ENTRY, workers);
  const coordinator =
    pool === null ? null : new Coordinator<null>(arena, pool, workers, (engine) => system.engines[engine]?.name ?? "?");
  const tasks = Array.from(
    { length: workers },
    (_, worker): CopyTask => ({ kind: "copy", arena: arena.handle, worker }),
  );
  const finished = coordinator?.run(tasks) ?? Promise.resolve([]);
  let partial = false;
  try {
    if (coordinator !== null) {
      coordinator.hook(0, hook.workerHook);
      if (hook.terminate) setTimeout(() => coordinator.terminate(0), 100).unref();
    }
    partial = await drive(setup, loop, dispatcher, coordinator);
    // What an interrupted run has queued is not worth waiting for.
    if (partial) coordinator?.leave();
    else coordinator?.drain();
    await finished;
  } finally {
    await pool?.close();
  }
  const failure = coordinator?.failure ?? null;
  loop.endFaults(failure === null);
  if (!partial && failure === null) releaseDevices(debug, system);
  return {
    stats,
    servers: loop.servers(),
    durationNs: loop.clock.nowNs,
    events: loop.events,
    partial: partial || failure !== null,
    failure,
    debug: debug === null ? [] : [debug.plain()],
    leaks: partial || failure !== null || powerCut !== null ? [] : findLeaks(ctx, system),
    ...(powerCut === null || partial ? {} : { powerCut: powerCut.verify(arena) }),
    memoryEvents: loop.machineEvents.results(),
    faults: loop.faults?.plan.results() ?? [],
    iotlbLookups: loop.lanes.reduce((sum, lane) => sum + lane.access.lookups, 0),
    iotlbMisses: loop.lanes.reduce((sum, lane) => sum + lane.access.misses, 0),
  };
}

/** Follows what is persistent, for a profile that looks after the cut. */
function powerCutOf({ arena, system, options }: RunSetup, payload: Payload): PowerCut | null {
  const cut = options.profile.events?.find(({ kind }) => kind === "power_cut");
  if (options.profile.verify === undefined || cut === undefined) return null;
  const { machine } = system;
  const constants = new Constants(FABRIC_CONSTANTS);
  const ledger = new PersistLedger(
    arena,
    system.map,
    machine.persistence ?? { ddio: true, eadr: false },
    constants.get("memory.ddioShare") * machine.cpus.llcBytes,
    constants.get("memory.commitNs"),
    payload,
  );
  return new PowerCut(ledger, cut.atNs, (phys) => system.map.regionAt(phys)?.kind === "pmem");
}

/** Runs slices until the loop and the copies are done; true when the run was cut short. */
async function drive(
  setup: RunSetup,
  loop: VirtualLoop,
  dispatcher: CopyDispatcher | null,
  coordinator: Coordinator<null> | null,
): Promise<boolean> {
  const { signal, onProgress } = setup.options;
  const expected = setup.clones.reduce((sum, clone) => sum + Math.min(clone.limits.iosMax, 1e12), 0);
  const startMs = performance.now();
  let shownMs = startMs;
  let stopped = false;
  while (!loop.finished || dispatcher?.drained === false) {
    if (signal.aborted && !stopped) {
      loop.stop();
      stopped = true;
    }
    if (coordinator?.failure != null || (stopped && loop.finished)) return true;
    if (dispatcher?.congested !== true) runSlice(loop, coordinator);
    dispatcher?.pump();
    if (dispatcher !== null && (dispatcher.congested || loop.finished) && !dispatcher.drained) waitForCopies(setup);
    await yieldToNode();
    if (performance.now() - shownMs > PROGRESS_MS) {
      shownMs = performance.now();
      report(loop, expected, startMs, shownMs, onProgress);
    }
  }
  return stopped;
}

/** One slice of events. A lock that a dead worker holds ends the run with that worker's report. */
function runSlice(loop: VirtualLoop, coordinator: Coordinator<null> | null): void {
  try {
    loop.run(performance.now() + SLICE_MS);
  } catch (error) {
    if (!(error instanceof LockHeldError) || coordinator === null) throw error;
    coordinator.fail(error.owner, error.message);
  }
}

/** Sleeps a moment on the first worker's ring: nothing can be dispatched until copies finish. */
function waitForCopies(setup: RunSetup): void {
  const head = REGIONS.copyRings.word + RING.head;
  wait(setup.arena.i32, head, setup.arena.i32[head] as number, BACKOFF_MS);
}

function report(
  loop: VirtualLoop,
  expected: number,
  startMs: number,
  nowMs: number,
  onProgress: RunSetup["options"]["onProgress"],
): void {
  const done = loop.lanes.reduce((sum, lane) => sum + lane.stats.commands / lane.spec.job.numjobs, 0);
  const doneShare = Math.min(0.999, expected > 0 ? done / expected : 0);
  const elapsedS = (nowMs - startMs) / 1000;
  const etaS = doneShare > 0.01 ? (elapsedS / doneShare) * (1 - doneShare) : null;
  onProgress({ doneShare, etaS, text: `virtual ${(loop.clock.nowNs / 1e9).toFixed(3)} s, ${loop.events} events` });
}
