/**
 * dma_map_benchmark under the virtual clock: events are the turns of CPUs, each of which runs its threads one iteration after
 * the other (cond_resched), maps, keeps the buffer mapped, unmaps.
 */
import { setImmediate as yieldToNode } from "node:timers/promises";
import type { HostContext } from "../../host/context.ts";
import type { Arena } from "../../shm/arena.ts";
import { Charger } from "../../timing/charge.ts";
import { EventQueue } from "../../timing/event_queue.ts";
import type { HostPrices } from "../../timing/host_cost/prices.ts";
import { MAIN_OWNER, makeHostContext } from "../host_ports.ts";
import { machinePrices } from "../host_system.ts";
import type { RunProgress } from "../run_options.ts";
import { VirtualClock } from "../virtual/clock.ts";
import { HostTimers } from "../virtual/host_timers.ts";
import type { MapBenchmark } from "./map_benchmark.ts";
import type { BenchmarkPlan } from "./map_benchmark_setup.ts";
import { type BenchmarkSums, newSums } from "./map_benchmark_sums.ts";
import { BenchmarkThread } from "./map_benchmark_thread.ts";

const EVENT = Object.freeze({ map: 0, unmap: 1, flush: 2, grow: 3 });
const PRIORITY = Object.freeze({ timer: 0, cpu: 1 });
const SLICE_MS = 20;
const EVENTS_A_LOOK = 256;

/** How far it runs. */
export interface BenchmarkLimits {
  /** Iterations of all threads; Infinity = until the time is over. */
  readonly loopsMax: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RunProgress) => void;
}

/** What a clock's driver measured. */
export interface BenchmarkOutcome {
  readonly sums: BenchmarkSums;
  /** Seconds of the clock that the threads ran. */
  readonly seconds: number;
  /** Loops were cut short by the limit on them. */
  readonly scaled: boolean;
  readonly ctx: HostContext;
}

/** Runs all threads to the end of the time, the limit or an abort. */
export async function runBenchmarkVirtual(
  plan: BenchmarkPlan,
  arena: Arena,
  asked: MapBenchmark,
  limits: BenchmarkLimits,
): Promise<BenchmarkOutcome> {
  const loop = new BenchmarkLoop(plan, arena, asked, limits.loopsMax);
  const startMs = performance.now();
  while (!loop.finished && !limits.signal.aborted) {
    loop.run(performance.now() + SLICE_MS);
    const doneShare = loop.doneShare;
    const elapsedS = (performance.now() - startMs) / 1000;
    const text = `virtual ${(loop.nowNs / 1e9).toFixed(3)} s, ${loop.sums.map.stats.ios} loops`;
    limits.onProgress({ doneShare, etaS: doneShare > 0.01 ? (elapsedS / doneShare) * (1 - doneShare) : null, text });
    await yieldToNode();
  }
  return loop.end();
}

class BenchmarkLoop {
  readonly sums = newSums();
  readonly #plan: BenchmarkPlan;
  readonly #asked: MapBenchmark;
  readonly #loopsMax: number;
  readonly #ctx: HostContext;
  readonly #clock = new VirtualClock();
  readonly #queue = new EventQueue();
  readonly #timers: HostTimers;
  readonly #prices: HostPrices;
  readonly #charger: Charger;
  /** Threads of each CPU, the one whose turn it is first. */
  readonly #turns: BenchmarkThread[][];
  #cut = false;
  #stopped = false;
  #active: number;

  constructor(plan: BenchmarkPlan, arena: Arena, asked: MapBenchmark, loopsMax: number) {
    const { system, cpus } = plan;
    this.#plan = plan;
    this.#asked = asked;
    this.#loopsMax = loopsMax;
    // Bounced bytes are priced by the cost record; none have to move.
    this.#ctx = makeHostContext(arena, system, MAIN_OWNER, { copy: () => true, fill: () => true });
    this.#prices = machinePrices(system.machine, true);
    this.#charger = new Charger(this.#prices);
    this.#timers = new HostTimers(system, this.#ctx, this.#clock, this.#queue, { ...EVENT, priority: PRIORITY.timer });
    this.#turns = cpus.map(() => []);
    for (let number = 0; number < asked.threads; number += 1) {
      const thread = new BenchmarkThread(this.#ctx, plan.device, asked, plan.buffers, number);
      if (thread.open()) this.#turns[number % cpus.length]?.push(thread);
      else this.#fail("no scatterlist is left");
    }
    this.#active = this.#turns.filter((threads) => threads.length > 0).length;
    this.#turns.forEach((threads, seat) => {
      if (threads.length > 0) this.#next(seat, 0);
    });
  }

  get nowNs(): number {
    return this.#clock.nowNs;
  }

  get finished(): boolean {
    return this.#active === 0;
  }

  get doneShare(): number {
    return Math.min(
      0.999,
      Math.max(this.nowNs / (this.#asked.seconds * 1e9), this.sums.map.stats.ios / this.#loopsMax),
    );
  }

  /** Handles events until the host's clock says `untilMs`. */
  run(untilMs: number): void {
    do {
      for (let i = 0; i < EVENTS_A_LOOK && !this.finished; i += 1) this.#step();
    } while (!this.finished && performance.now() < untilMs);
  }

  /** Ends what is mapped, and gives the lists back. */
  end(): BenchmarkOutcome {
    this.#stopped = true;
    while (!this.finished && this.#queue.size > 0) this.#step();
    for (const threads of this.#turns) for (const thread of threads) thread.close();
    return { sums: this.sums, seconds: this.nowNs / 1e9, scaled: this.#cut, ctx: this.#ctx };
  }

  #step(): void {
    const queue = this.#queue;
    if (!queue.pop()) return;
    const { kind, subject } = queue;
    this.#clock.nowPs = queue.timePs;
    const shiftPs = this.#clock.rebase();
    if (shiftPs > 0) queue.rebase(shiftPs);
    if (kind === EVENT.flush) this.#timers.flush(subject);
    else if (kind === EVENT.grow) this.#timers.grow();
    else if (kind === EVENT.map) this.#map(subject);
    else this.#unmap(subject);
  }

  #map(seat: number): void {
    if (this.#isOver()) {
      this.#active -= 1;
      return;
    }
    const thread = this.#turns[seat]?.[0] as BenchmarkThread;
    const code = this.#enter(seat, () => thread.map());
    const endPs = this.#charge(seat);
    if (code < 0) {
      this.#fail(thread.refusal(-code));
      thread.close();
      this.#turns[seat]?.shift();
      if ((this.#turns[seat]?.length ?? 0) === 0) this.#active -= 1;
      else this.#next(seat, endPs);
      return;
    }
    this.sums.map.add(this.#clock.nowNs, this.#clock.nsAt(endPs), thread.bytes);
    this.#timers.armGrowth(endPs);
    this.#queue.push(endPs + this.#asked.dmaTransNs * 1000, PRIORITY.cpu, EVENT.unmap, seat, 0);
  }

  #unmap(seat: number): void {
    const threads = this.#turns[seat] as BenchmarkThread[];
    const thread = threads.shift() as BenchmarkThread;
    this.#enter(seat, () => thread.unmap());
    const endPs = this.#charge(seat);
    this.sums.unmap.add(this.#clock.nowNs, this.#clock.nsAt(endPs), thread.bytes);
    this.#timers.armFlush(this.#plan.device.domain);
    threads.push(thread);
    this.#next(seat, endPs);
  }

  /** The next iteration of the CPU: first its buffer is written, which nobody times. */
  #next(seat: number, nowPs: number): void {
    const thread = this.#turns[seat]?.[0] as BenchmarkThread;
    const fillPs = thread.dirties ? Math.round(thread.bytes * this.#prices.copyBytePs) : 0;
    this.#queue.push(nowPs + fillPs, PRIORITY.cpu, EVENT.map, seat, 0);
  }

  #isOver(): boolean {
    if (this.#stopped || this.nowNs >= this.#asked.seconds * 1e9) return true;
    if (this.sums.map.stats.ios < this.#loopsMax) return false;
    this.#cut = true;
    return true;
  }

  #enter<T>(seat: number, act: () => T): T {
    this.#ctx.cpu = this.#plan.cpus[seat] as number;
    this.#ctx.nowNs = this.#clock.nowNs;
    this.#ctx.cost.reset();
    return act();
  }

  #charge(seat: number): number {
    return this.#charger.charge(this.#clock.nowPs, this.#ctx.cost, this.#plan.cpus[seat] as number);
  }

  #fail(text: string): void {
    this.sums.error ??= text;
  }
}
