/**
 * The virtual clock: a discrete-event loop that decides order, time, and every hit, miss and fault.
 *
 * ```
 * CPU: take · map ─► doorbell ─► fetch ─► media (reads) ─► DMA: translate, dispatch copies ─► media (writes) ─► interrupt ─► CPU: unmap · check
 *      host_stage                └───────────────── device_stage ─────────────────────────┘                              host_stage
 * ```
 * Host operations take effect at their virtual instant and are priced afterwards from the cost record.
 * Nothing here depends on worker threads: bytes follow the decisions, never the other way round.
 */
import type { HostContext } from "../../host/context.ts";
import { EventQueue } from "../../timing/event_queue.ts";
import { Server, type ServerStats } from "../../timing/server.ts";
import { machinePrices } from "../host_system.ts";
import type { CloneSpec } from "../load/clones.ts";
import { footprintOf } from "../load/footprint.ts";
import type { Device } from "../machine/description.ts";
import type { JobStats } from "../stats.ts";
import type { System } from "../system.ts";
import { VirtualClock } from "./clock.ts";
import { CpuQueue, WORK } from "./cpu_queue.ts";
import { type DeviceFaults, deviceFaultsOf } from "./device_faults.ts";
import { DeviceModel } from "./device_model.ts";
import { DeviceStage } from "./device_stage.ts";
import type { CopyDispatcher } from "./dispatcher.ts";
import { EVENT, PRIORITY } from "./event_kinds.ts";
import { Fabric } from "./fabric.ts";
import { HostStage } from "./host_stage.ts";
import { HostTimers } from "./host_timers.ts";
import { Lane } from "./lane.ts";
import type { LoopOptions } from "./loop_options.ts";
import { MachineEvents } from "./machine_events.ts";
import { type TimedFaults, timedFaultsOf } from "./timed_faults.ts";
import { Turns } from "./turns.ts";

const CLOCK_CHECK_EVENTS = 256;

/** One run's events. Call `run` in slices until `finished`; the same inputs give the same order of events. */
export class VirtualLoop {
  readonly clock = new VirtualClock();
  events = 0;
  readonly lanes: readonly Lane[];
  readonly #system: System;
  readonly #limitNs: number;
  readonly #dispatcher: CopyDispatcher | null;
  readonly #queue = new EventQueue(4096);
  readonly #cpus: CpuQueue;
  readonly #cpuServers: readonly Server[];
  readonly #host: HostStage;
  readonly #device: DeviceStage;
  readonly #models = new Map<number, DeviceModel>();
  readonly fabric: Fabric;
  readonly #turns: Turns;
  readonly machineEvents: MachineEvents;
  /** Null: nothing goes wrong. */
  readonly faults: DeviceFaults | null;
  readonly #timedFaults: TimedFaults | null;
  readonly #doorbellPs: number;
  readonly #timers: HostTimers;
  /** Lanes of every stonewall group that are not done. */
  readonly #groupLeft: number[] = [];
  #group = -1;

  constructor(
    system: System,
    ctx: HostContext,
    clones: readonly CloneSpec[],
    stats: readonly JobStats[],
    dispatcher: CopyDispatcher | null,
    options: LoopOptions,
  ) {
    this.#system = system;
    this.#limitNs = options.limitSeconds === null ? Number.POSITIVE_INFINITY : options.limitSeconds * 1e9;
    this.#dispatcher = dispatcher;
    this.#host = new HostStage(ctx, this.clock, dispatcher, machinePrices(system.machine, true), options);
    this.fabric = new Fabric(system, footprintOf(clones));
    this.#doorbellPs = this.fabric.constants.get("host.doorbellNs") * 1000;
    this.faults = deviceFaultsOf(system, ctx, options, this.clock);
    this.#device = new DeviceStage(ctx, this.fabric, dispatcher, options, this.clock, this.faults);
    this.#timers = new HostTimers(system, ctx, this.clock, this.#queue, { ...EVENT, priority: PRIORITY.timer });
    let streams = 0;
    this.lanes = clones.map((spec) => {
      const jobStats = stats[spec.jobIndex] as JobStats;
      const lane = new Lane(system, ctx, spec, jobStats, this.#model(spec.device), streams, dispatcher, options);
      streams += lane.io.tags;
      return lane;
    });
    this.#turns = new Turns(this.#queue, this.#device, this.lanes, { ...EVENT, priority: PRIORITY.device });
    const cpus = system.machine.cpus.count;
    this.#cpus = new CpuQueue(
      cpus,
      this.lanes.reduce((sum, lane) => sum + lane.io.tags + 2, 1),
    );
    this.#cpuServers = Array.from({ length: cpus }, (_, cpu) => new Server(`cpu ${cpu}`, "cpu"));
    const kinds = {
      memory: EVENT.memory,
      powerCut: EVENT.powerCut,
      cutPriority: PRIORITY.cpu,
      priority: PRIORITY.timer,
    };
    const { events } = options;
    this.machineEvents = new MachineEvents(system, ctx, this.clock, this.#queue, kinds, events, this.lanes, stats);
    this.#timedFaults = timedFaultsOf(system, ctx, this.clock, this.#queue, this.lanes, this.faults);
    this.#host.faults = this.#timedFaults?.host ?? null;
    for (const spec of clones) this.#groupLeft[spec.group] = (this.#groupLeft[spec.group] ?? 0) + 1;
  }

  /** All clones are done. */
  get finished(): boolean {
    return this.machineEvents.powerOff || this.#group >= this.#groupLeft.length;
  }

  /** Stops issuing; the loop ends when what is in flight has completed. */
  stop(): void {
    for (const lane of this.lanes) this.#stopLane(lane, false);
  }

  /** Starts the first group, then handles events until the host time is over, the copies back up, or nothing is left. */
  run(untilMs: number): void {
    if (this.#group < 0) this.#nextGroup();
    while (!this.finished) {
      for (let i = 0; i < CLOCK_CHECK_EVENTS && !this.finished; i += 1) {
        if (!this.#queue.pop()) return;
        this.clock.nowPs = this.#queue.timePs;
        this.events += 1;
        this.#handle(this.#queue.kind, this.#queue.subject, this.#queue.detail);
        if (this.#dispatcher?.congested === true) return;
      }
      this.#rebase();
      this.#dispatcher?.pump();
      if (performance.now() > untilMs) return;
    }
  }

  /** Ends what the faults hold; `sound` = the shared memory is, and gets it back. */
  endFaults(sound: boolean): void {
    this.#timedFaults?.end(sound);
  }

  servers(): ServerStats[] {
    return [...this.#ownServers(), ...this.fabric.servers()];
  }

  #ownServers(): ServerStats[] {
    const devices = [...this.#models.values()].flatMap((model) => [...model.servers()]);
    return [...this.#cpuServers, ...devices, ...this.#host.charger.servers()];
  }

  #model(index: number): DeviceModel {
    const known = this.#models.get(index);
    if (known !== undefined) return known;
    const device = this.#system.machine.devices[index] as Device;
    const made = new DeviceModel(device, index, this.fabric.functionOf(index), this.fabric.unitOf(index));
    this.#models.set(index, made);
    return made;
  }

  #rebase(): void {
    const shiftPs = this.clock.rebase();
    if (shiftPs === 0) return;
    this.#queue.rebase(shiftPs);
    this.#host.trace?.rebase(shiftPs);
    this.fabric.rebase(shiftPs);
    for (const server of this.#ownServers()) server.rebase(shiftPs);
  }

  #handle(kind: number, subject: number, detail: number): void {
    if (kind === EVENT.cpuFree) {
      this.#cpus.busy[subject] = 0;
      this.#runCpu(subject);
    } else if (kind <= EVENT.copied) this.#step(this.lanes[subject] as Lane, kind, subject, detail);
    else if (kind <= EVENT.writeTurn) this.#turns.turn(subject, kind === EVENT.writeTurn, this.clock.nowPs);
    else if (kind === EVENT.flush) this.#timers.flush(subject);
    else if (kind === EVENT.grow) this.#timers.grow();
    else if (kind === EVENT.fault) this.#timedFaults?.due(subject);
    else this.machineEvents.handle(kind, subject);
  }

  /** The next step of a command; most lead to one other event. */
  #step(lane: Lane, kind: number, clone: number, tag: number): void {
    const nowPs = this.clock.nowPs;
    if (kind === EVENT.dma) this.#turns.join(lane, tag, nowPs);
    else if (kind === EVENT.done) this.#cpuWork(lane.completionCpu, WORK.complete, clone, tag);
    else if (kind === EVENT.fetch || kind === EVENT.over) {
      const fetches = kind === EVENT.fetch;
      const endPs = fetches ? this.#device.fetch(lane, tag, nowPs) : this.#device.completed(lane, tag, nowPs);
      this.#queue.push(endPs, PRIORITY.device, fetches ? EVENT.dma : EVENT.done, clone, tag);
    } else if (kind === EVENT.tryIssue) this.#cpuWork(lane.spec.cpu, WORK.submit, clone, 0);
    else if (kind === EVENT.copyRead) this.#turns.writeOn(lane, tag, nowPs);
    else {
      lane.runner.completed(tag, this.clock.nowNs, false);
      this.#goOn(lane);
    }
  }

  #cpuWork(cpu: number, kind: number, clone: number, tag: number): void {
    this.#cpus.put(cpu, kind, clone, tag);
    if (this.#cpus.busy[cpu] === 0) this.#runCpu(cpu);
  }

  /** Runs the next items of a CPU until one takes time. The CPU is busy while an item runs: items queue, they never nest. */
  #runCpu(cpu: number): void {
    const busy = this.#cpus.busy;
    const nowPs = this.clock.nowPs;
    while (busy[cpu] === 0 && this.#cpus.take(cpu)) {
      busy[cpu] = 1;
      const lane = this.lanes[this.#cpus.clone] as Lane;
      const endPs = this.#cpus.kind === WORK.submit ? this.#submit(lane) : this.#complete(lane, this.#cpus.tag, cpu);
      if (endPs > nowPs) {
        (this.#cpuServers[cpu] as Server).serve(nowPs, endPs - nowPs);
        this.#queue.push(endPs, PRIORITY.cpu, EVENT.cpuFree, cpu, 0);
      } else busy[cpu] = 0;
    }
  }

  /** Issues one command; returns when the CPU is free again. */
  #submit(lane: Lane): number {
    const { runner, spec } = lane;
    const nowNs = this.clock.nowNs;
    lane.queued = false;
    if (nowNs > this.#limitNs) this.#stopLane(lane, true);
    if (!runner.canIssue(nowNs)) {
      this.#goOn(lane);
      return this.clock.nowPs;
    }
    runner.take(nowNs);
    const { tag } = runner;
    if (spec.dax !== null) {
      const copiedPs = this.#host.copy(lane);
      this.#queue.push(copiedPs, PRIORITY.device, EVENT.copied, spec.index, tag);
      return copiedPs;
    }
    const endPs = this.#host.submit(lane);
    this.#timers.armFlush(lane.io.device.domain);
    this.#timers.armGrowth(endPs);
    if (lane.tries === 0) this.#queue.push(endPs + this.#doorbellPs, PRIORITY.device, EVENT.fetch, spec.index, tag);
    this.#goOn(lane);
    return endPs;
  }

  #complete(lane: Lane, tag: number, cpu: number): number {
    const endPs = this.#isRepeated(lane, tag) ? this.#remap(lane, tag, cpu) : this.#host.complete(lane, tag, cpu);
    this.#timers.armFlush(lane.io.device.domain);
    this.#goOn(lane);
    return endPs;
  }

  #isRepeated(lane: Lane, tag: number): boolean {
    return lane.isRevoked(tag) || (lane.unmapped[tag] as number) > 0 || this.faults?.repeats(lane, tag) === true;
  }

  #remap(lane: Lane, tag: number, cpu: number): number {
    const atPs = this.#host.remap(lane, tag, cpu);
    const kind = atPs > 0 ? EVENT.fetch : EVENT.done;
    this.#queue.push(Math.abs(atPs) + this.#doorbellPs, PRIORITY.device, kind, lane.spec.index, tag);
    return atPs > 0 ? atPs : this.clock.nowPs;
  }

  /** Lets the lane issue as soon as its time and its CPU allow, or closes it. */
  #goOn(lane: Lane): void {
    this.#settleLane(lane);
    if (lane.queued || lane.runner.done) return;
    const readyNs = lane.runner.readyNs(this.clock.nowNs);
    if (readyNs === Number.POSITIVE_INFINITY) return;
    lane.queued = true;
    const readyPs = this.clock.psAt(readyNs);
    if (readyPs > this.clock.nowPs) this.#queue.push(readyPs, PRIORITY.issue, EVENT.tryIssue, lane.spec.index, 0);
    else this.#cpuWork(lane.spec.cpu, WORK.submit, lane.spec.index, 0);
  }

  #stopLane(lane: Lane, cut: boolean): void {
    if (!lane.runner.started) lane.runner.start(this.clock.nowNs);
    lane.runner.stop(cut);
    this.#settleLane(lane);
  }

  /** Closes a lane that is done, and starts the next group after the last one. */
  #settleLane(lane: Lane): void {
    if (!lane.runner.done || lane.closed) return;
    lane.closed = true;
    if (lane.spec.group <= this.#group) this.#host.close(lane);
    this.#groupLeft[lane.spec.group] = (this.#groupLeft[lane.spec.group] as number) - 1;
    if (lane.spec.group === this.#group) this.#settleGroup();
  }

  #settleGroup(): void {
    while (!this.finished && this.#groupLeft[this.#group] === 0) this.#nextGroup();
  }

  #nextGroup(): void {
    this.#group += 1;
    for (const lane of this.lanes) {
      if (lane.spec.group !== this.#group || lane.closed) continue;
      this.#host.open(lane);
      this.#goOn(lane);
    }
    if (!this.finished && this.#groupLeft[this.#group] === 0) this.#settleGroup();
  }
}
