/**
 * The virtual clock: a discrete-event loop that decides order, time, and every hit, miss and fault.
 *
 * ```
 * CPU: take · map ─► doorbell ─► fetch ─► media (reads) ─► DMA: translate, dispatch copies ─► media (writes) ─► interrupt ─► CPU: unmap · check
 * ```
 * Host operations take effect at their virtual instant and are priced afterwards from the cost record.
 * Nothing here depends on worker threads: bytes follow the decisions, never the other way round.
 */
import { PATH } from "../../base/cost.ts";
import type { DeviceAccess } from "../../device/access.ts";
import { recordFault } from "../../device/fault.ts";
import { type FaultPoint, transfer } from "../../device/step.ts";
import type { HostContext } from "../../host/context.ts";
import type { DmaDomain } from "../../host/dma/device.ts";
import { refusalText } from "../../host/dma/refusal.ts";
import { flushDue } from "../../host/iommu/flush_queue.ts";
import { failureOf, MAP_OK } from "../../host/status.ts";
import { mediaRead, mediaWrite } from "../../memory/media.ts";
import { UNIT_BYTES, VERSION_FOLLOW } from "../../memory/pattern.ts";
import { DESC_OP, DMA_STATUS, DMA_STATUS_NAMES } from "../../shm/dma_status.ts";
import { DOMAIN, REGIONS } from "../../shm/layout.ts";
import { Charger } from "../../timing/charge.ts";
import { PRICE } from "../../timing/constants.ts";
import { EventQueue } from "../../timing/event_queue.ts";
import { Server, type ServerStats } from "../../timing/server.ts";
import { copyByCpu } from "../cpu_copy.ts";
import { CloneIo } from "../io_path.ts";
import type { CloneSpec } from "../load/clones.ts";
import { CloneRunner } from "../load/runner.ts";
import type { Device } from "../machine/description.ts";
import type { JobStats } from "../stats.ts";
import type { System } from "../system.ts";
import { CpuQueue, WORK } from "./cpu_queue.ts";
import { DeviceModel } from "./device_model.ts";
import type { CopyDispatcher } from "./dispatcher.ts";
import { TransferSink } from "./transfer_sink.ts";

const EVENT = Object.freeze({ tryIssue: 0, cpuFree: 1, fetch: 2, dma: 3, done: 4, copied: 5, flush: 6 });
/** A driver that cannot map now tries again after this (assumed: a block-layer requeue under load). */
const RETRY_PS = 10e6;
const RETRIES_IN_A_ROW_MAX = 10_000;
const CLOCK_CHECK_EVENTS = 256;

export interface LoopOptions {
  readonly verify: boolean;
  /** Virtual seconds after which jobs are cut; null = none. */
  readonly limitSeconds: number | null;
  readonly flipIo: number;
}

/** One clone and what it moves through. */
interface Lane {
  readonly spec: CloneSpec;
  readonly runner: CloneRunner;
  readonly io: CloneIo;
  readonly stats: JobStats;
  readonly device: DeviceModel;
  readonly access: DeviceAccess;
  readonly completionCpu: number;
  readonly paths: Uint8Array;
  readonly status: Uint8Array;
  readonly delivered: Float64Array;
  persistentPath: number;
  /** A submit item waits for the CPU, or a try event for its time. */
  queued: boolean;
  tries: number;
  closed: boolean;
}

export class VirtualLoop {
  nowPs = 0;
  events = 0;
  readonly lanes: readonly Lane[];
  readonly #system: System;
  readonly #ctx: HostContext;
  readonly #options: LoopOptions;
  readonly #dispatcher: CopyDispatcher | null;
  readonly #queue = new EventQueue(4096);
  readonly #cpus: CpuQueue;
  readonly #cpuServers: readonly Server[];
  readonly #charger = new Charger();
  readonly #devices = new Map<number, DeviceModel>();
  readonly #walkers: readonly Server[];
  readonly #sink: TransferSink;
  readonly #fault: FaultPoint = { dmaAddr: 0, streamOff: 0 };
  readonly #flushArmed: Uint8Array;
  readonly #groupLeft: number[] = [];
  #group = -1;
  #flipIo: number;

  constructor(
    system: System,
    ctx: HostContext,
    clones: readonly CloneSpec[],
    stats: readonly JobStats[],
    dispatcher: CopyDispatcher | null,
    options: LoopOptions,
  ) {
    this.#system = system;
    this.#ctx = ctx;
    this.#options = options;
    this.#dispatcher = dispatcher;
    this.#sink = new TransferSink(dispatcher);
    this.#flipIo = options.flipIo;
    this.#walkers = system.machine.iommu.units.map((unit) => new Server(`${unit.name} walkers`, "iommu", unit.walkers));
    this.#flushArmed = new Uint8Array(system.devices.length);
    this.lanes = clones.map((spec) => this.#lane(spec, stats[spec.jobIndex] as JobStats));
    const items = this.lanes.reduce((sum, lane) => sum + lane.io.tags + 2, 1);
    this.#cpus = new CpuQueue(system.machine.cpus.count, items);
    this.#cpuServers = Array.from({ length: system.machine.cpus.count }, (_, cpu) => new Server(`cpu ${cpu}`, "cpu"));
    for (const spec of clones) this.#groupLeft[spec.group] = (this.#groupLeft[spec.group] ?? 0) + 1;
  }

  /** All clones are done. */
  get finished(): boolean {
    return this.#group >= this.#groupLeft.length;
  }

  /** Starts the first group. */
  start(): void {
    this.#nextGroup();
  }

  /** Stops issuing; the loop ends when what is in flight has completed. */
  stop(): void {
    for (const lane of this.lanes) this.#stopLane(lane, false);
  }

  /** Handles events until the host time is over, the copies back up, or nothing is left. */
  run(untilMs: number): void {
    while (!this.finished) {
      for (let i = 0; i < CLOCK_CHECK_EVENTS && !this.finished; i += 1) {
        if (!this.#queue.pop()) return;
        this.nowPs = this.#queue.timePs;
        this.events += 1;
        this.#handle(this.#queue.kind, this.#queue.subject, this.#queue.detail);
        if (this.#dispatcher?.congested === true) return;
      }
      this.#dispatcher?.pump();
      if (performance.now() > untilMs) return;
    }
  }

  servers(): ServerStats[] {
    const devices = [...this.#devices.values()].flatMap((device) => [...device.servers()]);
    return [...this.#cpuServers, ...devices, ...this.#walkers, ...this.#charger.servers()];
  }

  #lane(spec: CloneSpec, stats: JobStats): Lane {
    const payload = this.#options.verify && spec.job.verify ? this.#dispatcher : null;
    const device = this.#system.machine.devices[spec.device] as Device;
    const irqCpus = device.irqCpus;
    const io = new CloneIo(this.#system, this.#ctx, spec, payload);
    const irq = irqCpus === null || irqCpus.length === 0 ? spec.cpu : (irqCpus[spec.engine % irqCpus.length] as number);
    return {
      spec,
      runner: new CloneRunner(this.#ctx.arena, spec, stats),
      io,
      stats,
      device: this.#deviceModel(spec.device),
      access: this.#system.accessOf(this.#ctx.arena, spec.device),
      completionCpu: irq,
      paths: new Uint8Array(io.tags),
      status: new Uint8Array(io.tags),
      delivered: new Float64Array(io.tags),
      persistentPath: 0,
      queued: false,
      tries: 0,
      closed: false,
    };
  }

  #deviceModel(index: number): DeviceModel {
    const known = this.#devices.get(index);
    if (known !== undefined) return known;
    const unit = this.#system.devices[index]?.domain?.unit;
    const walkers = unit === undefined ? null : (this.#walkers[unit] ?? null);
    const made = new DeviceModel(this.#system.machine.devices[index] as Device, walkers);
    this.#devices.set(index, made);
    return made;
  }

  #handle(kind: number, subject: number, detail: number): void {
    if (kind === EVENT.cpuFree) {
      this.#cpus.busy[subject] = 0;
      this.#runCpu(subject);
    } else if (kind === EVENT.flush) this.#flush(subject);
    else {
      const lane = this.lanes[subject] as Lane;
      if (kind === EVENT.tryIssue) this.#wantCpu(lane);
      else if (kind === EVENT.fetch) this.#fetch(lane, detail);
      else if (kind === EVENT.dma) this.#dma(lane, detail);
      else if (kind === EVENT.done) this.#cpuWork(lane.completionCpu, WORK.complete, subject, detail);
      else this.#completed(lane, detail);
    }
  }

  #nextGroup(): void {
    this.#group += 1;
    for (const lane of this.lanes) {
      if (lane.spec.group !== this.#group) continue;
      this.#enter(lane);
      const code = lane.io.open();
      lane.persistentPath = this.#ctx.cost.path;
      lane.runner.start(this.nowPs / 1000);
      if (code !== MAP_OK) lane.runner.abandon(this.#refusal(lane, code, lane.spec.commandBytesMax));
      this.#queueTry(lane);
    }
    this.#settleGroup();
  }

  /** Host code now acts for this lane. */
  #enter(lane: Lane, cpu = lane.spec.cpu): void {
    const ctx = this.#ctx;
    ctx.cpu = cpu;
    ctx.nowNs = this.nowPs / 1000;
    ctx.cost.reset();
    if (this.#dispatcher !== null) {
      this.#dispatcher.current.engine = lane.spec.engine;
      this.#dispatcher.current.job = lane.spec.jobIndex;
    }
  }

  /** Lets the lane issue as soon as its time and its CPU allow. */
  #queueTry(lane: Lane): void {
    if (lane.queued || lane.runner.done) return;
    const readyNs = lane.runner.readyNs(this.nowPs / 1000);
    if (readyNs === Number.POSITIVE_INFINITY) return;
    const readyPs = Math.ceil(readyNs * 1000);
    lane.queued = true;
    if (readyPs > this.nowPs) this.#queue.push(readyPs, 2, EVENT.tryIssue, lane.spec.index, 0);
    else this.#cpuWork(lane.spec.cpu, WORK.submit, lane.spec.index, 0);
  }

  #wantCpu(lane: Lane): void {
    this.#cpuWork(lane.spec.cpu, WORK.submit, lane.spec.index, 0);
  }

  #cpuWork(cpu: number, kind: number, clone: number, tag: number): void {
    this.#cpus.put(cpu, kind, clone, tag);
    if (this.#cpus.busy[cpu] === 0) this.#runCpu(cpu);
  }

  /** Runs the next items of a CPU until one takes time. The CPU is busy while an item runs: items queue, they never nest. */
  #runCpu(cpu: number): void {
    const busy = this.#cpus.busy;
    while (busy[cpu] === 0 && this.#cpus.take(cpu)) {
      busy[cpu] = 1;
      const lane = this.lanes[this.#cpus.clone] as Lane;
      const endPs =
        this.#cpus.kind === WORK.submit ? this.#submit(lane) : this.#complete(lane, this.#cpus.tag, cpu);
      if (endPs > this.nowPs) {
        (this.#cpuServers[cpu] as Server).serve(this.nowPs, endPs - this.nowPs);
        this.#queue.push(endPs, 1, EVENT.cpuFree, cpu, 0);
      } else busy[cpu] = 0;
    }
  }

  /** Issues one command; returns when the CPU is free again. */
  #submit(lane: Lane): number {
    const { runner, spec } = lane;
    const nowNs = this.nowPs / 1000;
    lane.queued = false;
    this.#limitTime(lane);
    if (!runner.canIssue(nowNs)) {
      this.#queueTry(lane);
      this.#settleLane(lane);
      return this.nowPs;
    }
    runner.take(nowNs);
    this.#enter(lane);
    if (spec.dax !== null) return this.#copyByCpu(lane);
    const { tag } = runner;
    const code = lane.io.prepare(tag, runner.io, runner.write, runner.bytes, runner.unit, runner.version);
    const mappedPs = this.#charger.charge(this.nowPs, this.#ctx.cost);
    const endPs = mappedPs + PRICE.submitPs;
    this.#armFlush(lane.io.device.domain);
    if (code !== MAP_OK) {
      this.#refused(lane, code);
      return endPs;
    }
    lane.tries = 0;
    lane.paths[tag] = lane.io.persistent ? lane.persistentPath : this.#ctx.cost.path;
    lane.stats.mapNs += (mappedPs - this.nowPs) / 1000;
    runner.issued();
    this.#queue.push(endPs + PRICE.doorbellPs, 0, EVENT.fetch, spec.index, tag);
    this.#queueTry(lane);
    return endPs;
  }

  #refused(lane: Lane, code: number): void {
    lane.tries += 1;
    const mayRetry = failureOf(code)?.mayRetry === true && lane.tries < RETRIES_IN_A_ROW_MAX;
    if (mayRetry) lane.runner.retryAt((this.nowPs + RETRY_PS) / 1000);
    else lane.runner.abandon(this.#refusal(lane, code, lane.runner.bytes));
    this.#queueTry(lane);
    this.#settleLane(lane);
  }

  #refusal(lane: Lane, code: number, bytes: number): string {
    return refusalText(this.#ctx, lane.io.device, { bytes, phys: lane.spec.buffers?.base ?? 0, attrs: 0 }, code);
  }

  #fetch(lane: Lane, tag: number): void {
    const bytes = lane.io.bytes[tag] as number;
    const isRead = lane.io.write[tag] === 1 || lane.spec.copy !== null;
    const startPs = isRead ? lane.device.fetchStart(this.nowPs) : lane.device.dataReady(this.nowPs, bytes);
    this.#queue.push(startPs, 0, EVENT.dma, lane.spec.index, tag);
  }

  /** The device's accesses: translated and dispatched now, charged to link and walkers. */
  #dma(lane: Lane, tag: number): void {
    const io = lane.io;
    const sink = this.#sink;
    const bytes = io.bytes[tag] as number;
    const write = io.write[tag] === 1;
    const op = lane.spec.copy !== null ? DESC_OP.copy : write ? DESC_OP.read : DESC_OP.write;
    sink.begin(op);
    sink.keyLo = io.keyLo;
    sink.keyHi = io.keyHi;
    sink.pattern = this.#options.verify && lane.spec.job.verify;
    sink.what.job = lane.spec.jobIndex;
    sink.what.engine = lane.spec.engine;
    sink.what.io = io.io[tag] as number;
    sink.what.unit = io.unit[tag] as number;
    sink.what.version = io.version[tag] as number;
    const units = Math.ceil(bytes / UNIT_BYTES);
    const stamped = !lane.spec.isStream && op !== DESC_OP.copy;
    if (stamped && op === DESC_OP.write) this.#readStamps(lane, tag, units);
    const status = this.#transfer(lane, tag, op, bytes);
    lane.status[tag] = status;
    if (status !== DMA_STATUS.ok) {
      recordFault(this.#ctx.arena, status, lane.spec.device, op !== DESC_OP.read, this.#fault.dmaAddr, tag, sink.what.io);
    } else if (stamped && op === DESC_OP.read) {
      mediaWrite(this.#ctx.arena, this.#ctx.lockOwner, lane.spec.device, io.unit[tag] as number, units, io.version[tag] as number);
    }
    this.#queue.push(this.#dmaEnd(lane, op, bytes) + PRICE.interruptPs, 0, EVENT.done, lane.spec.index, tag);
  }

  #readStamps(lane: Lane, tag: number, units: number): void {
    const stamps = this.#sink.stamps;
    mediaRead(this.#ctx.arena, this.#ctx.lockOwner, lane.spec.device, lane.io.unit[tag] as number, units, stamps);
    const uniform = stamps.length <= 1;
    this.#sink.what.version = stamps.version[0] as number;
    lane.delivered[tag] = uniform ? (stamps.version[0] as number) : VERSION_FOLLOW;
  }

  #transfer(lane: Lane, tag: number, op: number, bytes: number): number {
    const { io, access } = lane;
    const arena = this.#ctx.arena;
    const sg = io.sg[tag] as number;
    const nents = io.nents[tag] as number;
    const sink = this.#sink;
    if (op !== DESC_OP.copy) return transfer(arena, access, sg, nents, bytes, op === DESC_OP.write, sink, this.#fault);
    const source = sink.source;
    const read = transfer(arena, access, sg, nents, bytes, false, source, this.#fault);
    sink.walks = source.walks;
    sink.levels = source.walkLevels;
    if (read !== DMA_STATUS.ok) return read;
    return transfer(arena, access, io.dst[tag] as number, io.dstNents[tag] as number, bytes, true, sink, this.#fault);
  }

  #dmaEnd(lane: Lane, op: number, bytes: number): number {
    const { walks, levels } = this.#sink;
    if (op === DESC_OP.write) return lane.device.writeDone(this.nowPs, bytes, walks, levels);
    const readEnd = lane.device.readDone(this.nowPs, bytes, walks, levels);
    if (op === DESC_OP.copy) return lane.device.writeDone(readEnd, bytes, 0, 0);
    return lane.device.dataStored(readEnd, bytes);
  }

  /** The completion side of one command; returns when the CPU is free again. */
  #complete(lane: Lane, tag: number, cpu: number): number {
    this.#enter(lane, cpu);
    const status = lane.status[tag] as number;
    const ok = status === DMA_STATUS.ok;
    if (ok) {
      const path = lane.paths[tag] as number;
      lane.stats.paths[path] = (lane.stats.paths[path] as number) + (lane.io.bytes[tag] as number);
      this.#flipOnce(lane, tag);
    } else {
      lane.stats.faults += 1;
      lane.stats.fail(`DMA fault: ${DMA_STATUS_NAMES[status]} at 0x${this.#fault.dmaAddr.toString(16)}`);
    }
    lane.io.finish(tag, lane.delivered[tag] as number, ok);
    const unmappedPs = this.#charger.charge(this.nowPs, this.#ctx.cost);
    this.#armFlush(lane.io.device.domain);
    lane.stats.unmapNs += (unmappedPs - this.nowPs) / 1000;
    lane.stats.commands += 1;
    const endPs = unmappedPs + PRICE.completePs;
    lane.runner.completed(tag, endPs / 1000, !ok);
    this.#queueTry(lane);
    this.#settleLane(lane);
    return endPs;
  }

  #flipOnce(lane: Lane, tag: number): void {
    if (this.#flipIo < 0 || lane.spec.index !== 0 || lane.io.io[tag] !== this.#flipIo) return;
    lane.io.flip(tag);
    this.#flipIo = -1;
  }

  #copyByCpu(lane: Lane): number {
    const { runner, spec } = lane;
    const what = lane.io.what;
    what.io = runner.io;
    what.unit = runner.unit;
    what.version = runner.version;
    if (this.#dispatcher !== null) {
      copyByCpu(spec, this.#dispatcher, what, runner.write, runner.unit * UNIT_BYTES, runner.bytes, this.#options.verify);
    }
    lane.stats.paths[PATH.cpu] = (lane.stats.paths[PATH.cpu] as number) + runner.bytes;
    const endPs = this.nowPs + PRICE.submitPs + runner.bytes * PRICE.daxBytePs;
    runner.issued();
    this.#queue.push(endPs, 0, EVENT.copied, spec.index, runner.tag);
    return endPs;
  }

  #completed(lane: Lane, tag: number): void {
    lane.stats.commands += 1;
    lane.runner.completed(tag, this.nowPs / 1000, false);
    this.#queueTry(lane);
    this.#settleLane(lane);
  }

  /** A lazy domain's timer, armed by the flush queue itself, becomes an event. */
  #armFlush(domain: DmaDomain | null): void {
    if (domain === null || domain.mode !== "lazy" || this.#flushArmed[domain.index] === 1) return;
    const base = REGIONS.domains.word + domain.index * REGIONS.domains.stride;
    if ((this.#ctx.arena.i32[base + DOMAIN.fqTimerArmed] as number) === 0) return;
    this.#flushArmed[domain.index] = 1;
    const dueNs = this.#ctx.arena.f64[(base + DOMAIN.fqDueNs) >>> 1] as number;
    this.#queue.push(Math.max(this.nowPs, Math.ceil(dueNs * 1000)), 3, EVENT.flush, domain.index, 0);
  }

  #flush(domainIndex: number): void {
    this.#flushArmed[domainIndex] = 0;
    const domain = this.#system.devices[domainIndex]?.domain ?? null;
    if (domain === null) return;
    this.#ctx.nowNs = this.nowPs / 1000;
    this.#ctx.cost.reset();
    flushDue(this.#ctx, domain);
    this.#armFlush(domain);
  }

  #limitTime(lane: Lane): void {
    const limit = this.#options.limitSeconds;
    if (limit !== null && this.nowPs > limit * 1e12) this.#stopLane(lane, true);
  }

  #stopLane(lane: Lane, cut: boolean): void {
    if (!lane.runner.started) lane.runner.start(this.nowPs / 1000);
    lane.runner.stop(cut);
    this.#settleLane(lane);
  }

  /** Closes a lane that is done, and starts the next group after the last one. */
  #settleLane(lane: Lane): void {
    if (!lane.runner.done || lane.closed) return;
    lane.closed = true;
    this.#enter(lane);
    if (lane.spec.group <= this.#group) lane.io.close();
    this.#groupLeft[lane.spec.group] = (this.#groupLeft[lane.spec.group] as number) - 1;
    this.#settleGroup();
  }

  #settleGroup(): void {
    while (this.#group < this.#groupLeft.length && this.#groupLeft[this.#group] === 0) {
      if (this.#group + 1 >= this.#groupLeft.length) {
        this.#group += 1;
        return;
      }
      this.#nextGroup();
    }
  }
}
