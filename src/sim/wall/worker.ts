/**
 * One host thread under the wall clock: it runs its share of the simulated CPUs and engines until the run ends.
 *
 * Engines are dealt to workers by number; a job clone runs on the worker after its engine's, so that with
 * several workers submission and service contend across threads as on hardware.
 */
import type { CopyPort, HostContext } from "../../host/context.ts";
import { STOP, workerWord } from "../../host/coordinator.ts";
import type { BouncePool, DmaDomain } from "../../host/dma/device.ts";
import { flushDue } from "../../host/iommu/flush_queue.ts";
import { growPools } from "../../host/swiotlb/grown.ts";
import { copyPhys, fillPhys } from "../../memory/copy.ts";
import { Arena } from "../../shm/arena.ts";
import { fetchAdd, load, store } from "../../shm/atomics.ts";
import { parkBegin, parkCancel, parkSleep, ringBell } from "../../shm/doorbell.ts";
import { HEADER, QPAIR, REGIONS } from "../../shm/layout.ts";
import { ringUsed } from "../../shm/ring.ts";
import { FaultPlan } from "../fault_plan.ts";
import { makeHostContext } from "../host_ports.ts";
import { type CloneSpec, planClones } from "../load/clones.ts";
import { DirectPayload } from "../payload.ts";
import { attachRunDebug, type RunDebug } from "../run_debug.ts";
import { JobStats } from "../stats.ts";
import { System } from "../system.ts";
import { WorkerState } from "../worker_state.ts";
import { WallEngine } from "./engine.ts";
import { WallSubmitter } from "./submitter.ts";
import type { WallOutcome, WallTask } from "./task.ts";

const HEADER_WORD = REGIONS.header.word;
const PARK_MS_MAX = 5;
const IDLE_TURNS_BEFORE_PARK = 50;

/** Worker that serves `engine`. */
export function engineWorker(engine: number, workers: number): number {
  return engine - Math.floor(engine / workers) * workers;
}

/** Worker that runs the clone's simulated CPU. */
export function cloneWorker(clone: CloneSpec, workers: number): number {
  return engineWorker(clone.engine + 1, workers);
}

/** Clones of every stonewall group. */
export function groupSizes(clones: readonly CloneSpec[]): number[] {
  const sizes: number[] = [];
  for (const clone of clones) sizes[clone.group] = (sizes[clone.group] ?? 0) + 1;
  return sizes;
}

/** Blocks its thread until the run ends; returns what it measured. */
export function runWallWorker(task: WallTask): WallOutcome {
  const worker = new WallWorker(task);
  return worker.run();
}

class WallWorker {
  readonly #task: WallTask;
  readonly #arena: Arena;
  readonly #state: WorkerState;
  readonly #groups: readonly number[];
  readonly #engines: WallEngine[] = [];
  readonly #submitters: WallSubmitter[] = [];
  readonly #stats: JobStats[];
  readonly #started: boolean[] = [];
  readonly #finished: boolean[] = [];
  readonly #ctx: HostContext;
  readonly #lazyDomains: readonly DmaDomain[];
  readonly #pool: BouncePool | null;
  readonly #debug: RunDebug | null;
  readonly #faults: FaultPlan | null;
  #startNs = 0;

  constructor(task: WallTask) {
    this.#task = task;
    this.#arena = Arena.attach(task.arena);
    this.#state = new WorkerState(this.#arena, task.worker);
    const system = new System(task.machine);
    this.#pool = system.pool;
    const clones = planClones(system, task.profile, task.load);
    this.#groups = groupSizes(clones);
    this.#ctx = makeHostContext(this.#arena, system, task.worker, immediateCopies(this.#arena));
    this.#debug = attachRunDebug(this.#arena, task.worker, system, task.profile);
    this.#lazyDomains = system.devices
      .map((device) => device.domain)
      .filter((domain) => domain?.mode === "lazy")
      .filter((domain) => engineWorker(domain?.index ?? 0, task.workers) === task.worker) as DmaDomain[];
    const { faults = [] } = task.profile;
    this.#faults = faults.length === 0 ? null : new FaultPlan(faults, task.load.seed, 0);
    this.#stats = task.profile.jobs.map(() => new JobStats());
    this.#addEngines(system, clones);
    this.#addSubmitters(system, clones);
  }

  run(): WallOutcome {
    this.#startNs = performance.now() * 1e6;
    let idle = 0;
    while (this.#turn()) {
      this.#state.beat();
      idle = this.#progress > 0 ? 0 : idle + 1;
      if (idle > IDLE_TURNS_BEFORE_PARK) this.#park();
    }
    for (const submitter of this.#submitters) submitter.close();
    this.#state.left();
    return {
      jobs: this.#stats.map((stats) => stats.plain()),
      debug: this.#debug?.plain() ?? null,
      faults: this.#faults?.results() ?? [],
      struck: this.#engines.map(({ struck }) => struck),
      iotlbLookups: this.#engines.reduce((sum, engine) => sum + engine.lookups, 0),
      iotlbMisses: this.#engines.reduce((sum, engine) => sum + engine.misses, 0),
      mapCounters: {},
    };
  }

  #progress = 0;

  /** One pass over all submitters and engines; false when the run is over. */
  #turn(): boolean {
    const nowNs = performance.now() * 1e6;
    const stop = load(this.#arena.i32, HEADER_WORD + HEADER.stop);
    if (stop === STOP.leave) return false;
    const phase = load(this.#arena.i32, HEADER_WORD + HEADER.phase);
    const limitNs = this.#task.limitNs;
    const expired = limitNs !== null && nowNs - this.#startNs > limitNs;
    this.#progress = 0;
    for (let i = 0; i < this.#submitters.length; i += 1) this.#turnClone(i, phase, stop !== STOP.run, expired);
    for (let i = 0; i < this.#engines.length; i += 1) this.#progress += (this.#engines[i] as WallEngine).poll();
    this.#flushLazy(nowNs);
    return phase < this.#groups.length;
  }

  /** Reads the clock itself: with one time for all clones of a turn, every job would report the same figures. */
  #turnClone(i: number, phase: number, stopping: boolean, expired: boolean): void {
    const submitter = this.#submitters[i] as WallSubmitter;
    const runner = submitter.runner;
    if (this.#finished[i] === true || runner.spec.group > phase) return;
    const nowNs = performance.now() * 1e6;
    if (this.#started[i] !== true) {
      this.#started[i] = true;
      submitter.start(nowNs);
    }
    if (stopping || expired) submitter.stop(!expired);
    this.#progress += submitter.poll(nowNs);
    if (!runner.done) return;
    submitter.close();
    this.#finished[i] = true;
    this.#leaveGroup();
  }

  /** The flush-queue timers of the lazy domains that this worker looks after, and the growth of the bounce pool. */
  #flushLazy(nowNs: number): void {
    this.#ctx.nowNs = nowNs;
    for (let i = 0; i < this.#lazyDomains.length; i += 1) flushDue(this.#ctx, this.#lazyDomains[i] as DmaDomain);
    if (this.#pool !== null) growPools(this.#ctx, this.#pool);
  }

  /** The last clone of a group to finish starts the next group. */
  #leaveGroup(): void {
    const words = this.#arena.i32;
    if (fetchAdd(words, HEADER_WORD + HEADER.phaseRunning, -1) !== 1) return;
    const next = load(words, HEADER_WORD + HEADER.phase) + 1;
    store(words, HEADER_WORD + HEADER.phaseRunning, this.#groups[next] ?? 0);
    store(words, HEADER_WORD + HEADER.phase, next);
    for (let other = 0; other < this.#task.workers; other += 1) {
      ringBell(words, REGIONS.workers.word + other * REGIONS.workers.stride);
    }
  }

  /** Sleeps until a bell or the next issue time, but looks once more after announcing it. */
  #park(): void {
    const words = this.#arena.i32;
    const nowNs = performance.now() * 1e6;
    let wakeMs = PARK_MS_MAX;
    for (let i = 0; i < this.#submitters.length; i += 1) {
      const readyNs = (this.#submitters[i] as WallSubmitter).runner.readyNs(nowNs);
      wakeMs = Math.min(wakeMs, (readyNs - nowNs) / 1e6);
    }
    if (wakeMs < 0.05) return;
    const bells = parkBegin(words, this.#state.word);
    if (this.#hasWork()) parkCancel(words, this.#state.word);
    else parkSleep(words, this.#state.word, bells, wakeMs);
  }

  #hasWork(): boolean {
    for (let i = 0; i < this.#pairs.length; i += 1) {
      if (ringUsed(this.#arena.i32, this.#pairs[i] as number) > 0) return true;
    }
    return load(this.#arena.i32, HEADER_WORD + HEADER.stop) !== STOP.run;
  }

  /** Rings that this worker consumes. */
  readonly #pairs: number[] = [];

  #addEngines(system: System, clones: readonly CloneSpec[]): void {
    const { worker, workers } = this.#task;
    const payload = new DirectPayload(this.#arena, this.#state.word);
    for (const engine of system.engines) {
      if (engineWorker(engine.index, workers) !== worker) continue;
      const pairs = clones.filter((clone) => clone.engine === engine.index && clone.dax === null);
      if (pairs.length === 0) continue;
      const access = system.accessOf(this.#arena, engine.device);
      const qpairs = pairs.map((clone) => ({
        index: clone.index,
        submitterWord: workerWord(cloneWorker(clone, workers)),
      }));
      const device = system.machine.devices[engine.device]?.name ?? "";
      const { specs = [] } = this.#faults ?? {};
      const faults = specs.length === 0 ? null : { specs, seed: this.#task.load.seed, device };
      this.#engines.push(
        new WallEngine(this.#arena, engine.index, engine.device, access, worker, qpairs, payload, faults),
      );
      for (const pair of qpairs) {
        this.#pairs.push(REGIONS.qpairs.word + pair.index * REGIONS.qpairs.stride + QPAIR.sq);
      }
    }
  }

  #addSubmitters(system: System, clones: readonly CloneSpec[]): void {
    const { worker, workers } = this.#task;
    const payload = new DirectPayload(this.#arena, this.#state.word);
    for (const clone of clones) {
      if (cloneWorker(clone, workers) !== worker) continue;
      const stats = this.#stats[clone.jobIndex] as JobStats;
      const server = engineWorker(clone.engine, workers);
      this.#submitters.push(
        new WallSubmitter(system, this.#ctx, clone, stats, payload, server, {
          verify: this.#task.verify,
          debug: this.#debug,
          ioHook: this.#task.ioHook,
          faults: this.#faults,
        }),
      );
      this.#pairs.push(REGIONS.qpairs.word + clone.index * REGIONS.qpairs.stride + QPAIR.cq);
    }
  }
}

/** Bounces and syncs are copied by the thread that maps. */
function immediateCopies(arena: Arena): CopyPort {
  return {
    copy: (dst, src, bytes) => copyPhys(arena, dst, src, bytes),
    fill: (dst, byte, bytes) => fillPhys(arena, dst, byte, bytes),
  };
}
