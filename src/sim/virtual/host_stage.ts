/**
 * The CPU's part of a command under the virtual clock: map and submit, complete and unmap.
 *
 * Every call takes effect at the clock's instant and returns when the CPU is free again.
 */
import { PATH } from "../../base/cost.ts";
import type { HostContext } from "../../host/context.ts";
import { refusalText } from "../../host/dma/refusal.ts";
import { failureOf, MAP_OK } from "../../host/status.ts";
import { UNIT_BYTES } from "../../memory/pattern.ts";
import { DMA_STATUS, DMA_STATUS_NAMES } from "../../shm/dma_status.ts";
import { Charger } from "../../timing/charge.ts";
import type { HostPrices } from "../../timing/host_cost/prices.ts";
import { copyByCpu } from "../cpu_copy.ts";
import { LINE_BYTES } from "../persist/ledger.ts";
import type { PowerCut } from "../persist/power_cut.ts";
import type { VirtualClock } from "./clock.ts";
import type { CopyDispatcher } from "./dispatcher.ts";
import type { HostFaults } from "./host_faults.ts";
import type { IoTrace } from "./io_trace.ts";
import type { Lane, LaneOptions } from "./lane.ts";

/** A driver that cannot map now tries again after this (assumed: a block-layer requeue under load). */
const RETRY_NS = 10_000;
const RETRIES_IN_A_ROW_MAX = 10_000;

/** CPU side of the loop; {@link enter} must name the lane and CPU before any other call. */
export class HostStage {
  readonly charger: Charger;
  readonly #prices: HostPrices;
  readonly #ctx: HostContext;
  readonly #clock: VirtualClock;
  readonly #dispatcher: CopyDispatcher | null;
  readonly #powerCut: PowerCut | null;
  /** Hears which mappings are refused; null = nothing goes wrong. */
  faults: HostFaults | null = null;
  /** Null unless single I/Os are followed. */
  readonly trace: IoTrace | null;

  constructor(
    ctx: HostContext,
    clock: VirtualClock,
    dispatcher: CopyDispatcher | null,
    prices: HostPrices,
    options: LaneOptions,
  ) {
    this.trace = options.trace;
    this.#powerCut = options.powerCut;
    this.charger = new Charger(prices);
    this.#prices = prices;
    this.#ctx = ctx;
    this.#clock = clock;
    this.#dispatcher = dispatcher;
  }

  /** Host code now acts for this lane on `cpu`. */
  enter(lane: Lane, cpu: number): void {
    const ctx = this.#ctx;
    ctx.cpu = cpu;
    ctx.nowNs = this.#clock.nowNs;
    ctx.cost.reset();
    if (this.#dispatcher === null) return;
    this.#dispatcher.current.engine = lane.spec.engine;
    this.#dispatcher.current.job = lane.spec.jobIndex;
  }

  /** Allocates and maps what lives as long as the lane. */
  open(lane: Lane): void {
    this.enter(lane, lane.spec.cpu);
    const code = lane.io.open();
    lane.persistentPath = this.#ctx.cost.path;
    lane.runner.start(this.#clock.nowNs);
    if (code === MAP_OK) return;
    this.faults?.refused(lane, code, lane.spec.commandBytesMax, false);
    lane.runner.abandon(this.#refusal(lane, code, lane.spec.commandBytesMax));
  }

  close(lane: Lane): void {
    this.enter(lane, lane.spec.cpu);
    lane.io.close();
  }

  /** Maps the command that the runner took; `lane.tries` is 0 afterwards when that worked. */
  submit(lane: Lane): number {
    const { runner } = lane;
    const nowPs = this.#clock.nowPs;
    this.enter(lane, lane.spec.cpu);
    if (this.trace !== null) this.trace.taken(lane, nowPs, this.#clock.nowNs);
    const { tag } = runner;
    const code = lane.io.prepare(
      tag,
      runner.io,
      runner.write,
      runner.bytes,
      runner.unit,
      runner.version,
      runner.expected,
    );
    const mappedPs = this.#charge(lane, tag, "map");
    if (code === MAP_OK) {
      lane.tries = 0;
      this.faults?.mapped(lane, runner.bytes);
      lane.paths[tag] = lane.io.persistent ? lane.persistentPath : this.#ctx.cost.path;
      lane.stats.mapNs += (mappedPs - nowPs) / 1000;
      if (this.#powerCut !== null) this.#powerCut.taken(lane.io, tag);
      runner.issued();
    } else this.#refused(lane, code);
    const endPs = mappedPs + this.#prices.submitPs;
    if (this.trace !== null) this.#log(lane, tag, "submit", "cpu", endPs);
    return endPs;
  }

  /** A window of the command was revoked: maps it anew; time at which the device may fetch it, or negative: look again then. */
  remap(lane: Lane, tag: number, cpu: number): number {
    this.enter(lane, cpu);
    const code = lane.io.remap(tag);
    const endPs = this.#charge(lane, tag, "map") + this.#prices.submitPs;
    if (code !== MAP_OK) {
      this.#refusedAgain(lane, tag, code);
      return -(endPs + RETRY_NS * 1000);
    }
    lane.unmapped[tag] = 0;
    this.faults?.mapped(lane, lane.io.bytes[tag] as number);
    lane.stats.retries += 1;
    lane.status[tag] = DMA_STATUS.ok;
    return endPs;
  }

  /** Unmaps and ends the command. */
  complete(lane: Lane, tag: number, cpu: number): number {
    const nowPs = this.#clock.nowPs;
    this.enter(lane, cpu);
    if (this.trace !== null) this.#waited(lane, tag, cpu, nowPs);
    const status = lane.status[tag] as number;
    const ok = status === DMA_STATUS.ok;
    if (ok) this.#countPath(lane, lane.paths[tag] as number, lane.io.bytes[tag] as number);
    else this.#fail(lane, tag, status);
    lane.io.finish(tag, lane.delivered[tag] as number, ok);
    const unmappedPs = this.#charge(lane, tag, "unmap");
    lane.stats.unmapNs += (unmappedPs - nowPs) / 1000;
    lane.stats.commands += 1;
    const flushedPs = ok ? unmappedPs + this.#flushPs(lane, tag) : unmappedPs;
    const endPs = flushedPs + this.#prices.completePs;
    if (this.#powerCut !== null) this.#acknowledge(this.#powerCut, lane, tag, flushedPs, endPs);
    if (this.trace !== null) {
      this.#log(lane, tag, "completion", "cpu", endPs);
      this.trace.completed(lane, tag, endPs);
    }
    lane.runner.completed(tag, this.#clock.nsAt(endPs), !ok);
    return endPs;
  }

  /** A DAX command: the CPU copies, and is busy until the end. */
  copy(lane: Lane): number {
    const { runner, spec } = lane;
    const what = lane.io.what;
    what.io = runner.io;
    what.unit = runner.unit;
    what.version = runner.version;
    if (this.#dispatcher !== null) {
      copyByCpu(spec, this.#dispatcher, what, runner.write, runner.unit * UNIT_BYTES, runner.bytes, lane.verify);
    }
    this.#countPath(lane, PATH.cpu, runner.bytes);
    lane.stats.commands += 1;
    runner.issued();
    const submittedPs = this.#clock.nowPs + this.#prices.submitPs;
    const endPs = submittedPs + runner.bytes * this.#prices.daxBytePs;
    if (this.trace !== null) {
      this.trace.taken(lane, this.#clock.nowPs, this.#clock.nowNs);
      this.#log(lane, runner.tag, "submit", "cpu", submittedPs);
      this.#log(lane, runner.tag, "copy", "cpu", endPs);
      this.trace.completed(lane, runner.tag, endPs);
    }
    return endPs;
  }

  /** Lines of arrived data written back, and the fence: what a job with `persist: flush` does before it acknowledges. */
  #flushPs(lane: Lane, tag: number): number {
    if (lane.spec.job.persist === undefined || lane.io.write[tag] === 1) return 0;
    const lines = Math.ceil((lane.io.bytes[tag] as number) / LINE_BYTES);
    return lines * this.#prices.persistLinePs + this.#prices.persistFencePs;
  }

  #acknowledge(powerCut: PowerCut, lane: Lane, tag: number, flushedPs: number, endPs: number): void {
    const ok = lane.status[tag] === DMA_STATUS.ok;
    if (lane.spec.job.persist !== undefined) powerCut.ledger.flushed(lane.spec.index, tag, this.#clock.nsAt(flushedPs));
    powerCut.acknowledged(lane.io, tag, lane.delivered[tag] as number, ok, this.#clock.nsAt(endPs));
  }

  /** Prices what the cost record holds, from the clock's time on; returns its end. */
  #charge(lane: Lane, tag: number, phase: string): number {
    const { charger } = this;
    if (this.trace === null) return charger.charge(this.#clock.nowPs, this.#ctx.cost, this.#ctx.cpu);
    const log = this.trace.of(lane, tag)?.log ?? null;
    if (log !== null) log.phase = phase;
    charger.log = log;
    const endPs = charger.charge(this.#clock.nowPs, this.#ctx.cost, this.#ctx.cpu);
    charger.log = null;
    return endPs;
  }

  /** A followed command: `place` was busy with it until `endPs`. */
  #log(lane: Lane, tag: number, phase: string, place: string, endPs: number): void {
    const log = this.trace?.of(lane, tag)?.log;
    if (log === undefined) return;
    log.phase = phase;
    log.serve(place, endPs);
  }

  /** A followed command: its completion waited for the CPU. */
  #waited(lane: Lane, tag: number, cpu: number, nowPs: number): void {
    const log = this.trace?.of(lane, tag)?.log;
    if (log === undefined) return;
    log.phase = "completion";
    log.wait(`cpu ${cpu}`, nowPs);
  }

  #countPath(lane: Lane, path: number, bytes: number): void {
    lane.stats.paths[path] = (lane.stats.paths[path] as number) + bytes;
  }

  #fail(lane: Lane, tag: number, status: number): void {
    lane.stats.faults += 1;
    lane.stats.fail(`DMA fault: ${DMA_STATUS_NAMES[status]} at 0x${(lane.faultAddr[tag] as number).toString(16)}`);
  }

  /** A command that is to be repeated could not be mapped: after many tries it fails as it did before. */
  #refusedAgain(lane: Lane, tag: number, code: number): void {
    const tries = (lane.unmapped[tag] as number) + 1;
    const mayRetry = tries < RETRIES_IN_A_ROW_MAX;
    lane.unmapped[tag] = mayRetry ? tries : 0;
    this.faults?.refused(lane, code, lane.io.bytes[tag] as number, mayRetry);
  }

  #refused(lane: Lane, code: number): void {
    lane.tries += 1;
    const mayRetry = failureOf(code)?.mayRetry === true && lane.tries < RETRIES_IN_A_ROW_MAX;
    this.faults?.refused(lane, code, lane.runner.bytes, mayRetry);
    if (mayRetry) lane.runner.retryAt(this.#clock.nowNs + RETRY_NS);
    else lane.runner.abandon(this.#refusal(lane, code, lane.runner.bytes));
  }

  #refusal(lane: Lane, code: number, bytes: number): string {
    return refusalText(this.#ctx, lane.io.device, { bytes, phys: lane.io.held.plan?.base ?? 0, attrs: 0 }, code);
  }
}
