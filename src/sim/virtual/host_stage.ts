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
import { PRICE } from "../../timing/constants.ts";
import { copyByCpu } from "../cpu_copy.ts";
import type { VirtualClock } from "./clock.ts";
import type { CopyDispatcher } from "./dispatcher.ts";
import type { Lane } from "./lane.ts";

/** A driver that cannot map now tries again after this (assumed: a block-layer requeue under load). */
const RETRY_NS = 10_000;
const RETRIES_IN_A_ROW_MAX = 10_000;

/** CPU side of the loop; {@link enter} must name the lane and CPU before any other call. */
export class HostStage {
  readonly charger = new Charger();
  readonly #ctx: HostContext;
  readonly #clock: VirtualClock;
  readonly #dispatcher: CopyDispatcher | null;
  /** Test hook: I/O of clone 0 whose data get one wrong byte, -1 = none. */
  #flipIo: number;

  constructor(ctx: HostContext, clock: VirtualClock, dispatcher: CopyDispatcher | null, flipIo: number) {
    this.#ctx = ctx;
    this.#clock = clock;
    this.#dispatcher = dispatcher;
    this.#flipIo = flipIo;
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
    if (code !== MAP_OK) lane.runner.abandon(this.#refusal(lane, code, lane.spec.commandBytesMax));
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
    const { tag } = runner;
    const code = lane.io.prepare(tag, runner.io, runner.write, runner.bytes, runner.unit, runner.version);
    const mappedPs = this.charger.charge(nowPs, this.#ctx.cost);
    if (code === MAP_OK) {
      lane.tries = 0;
      lane.paths[tag] = lane.io.persistent ? lane.persistentPath : this.#ctx.cost.path;
      lane.stats.mapNs += (mappedPs - nowPs) / 1000;
      runner.issued();
    } else this.#refused(lane, code);
    return mappedPs + PRICE.submitPs;
  }

  /** Unmaps and ends the command. */
  complete(lane: Lane, tag: number, cpu: number): number {
    const nowPs = this.#clock.nowPs;
    this.enter(lane, cpu);
    const status = lane.status[tag] as number;
    const ok = status === DMA_STATUS.ok;
    if (ok) this.#countPath(lane, lane.paths[tag] as number, lane.io.bytes[tag] as number);
    else this.#fail(lane, tag, status);
    this.#flipOnce(lane, tag, ok);
    lane.io.finish(tag, lane.delivered[tag] as number, ok, lane.runner.verifying);
    const unmappedPs = this.charger.charge(nowPs, this.#ctx.cost);
    lane.stats.unmapNs += (unmappedPs - nowPs) / 1000;
    lane.stats.commands += 1;
    const endPs = unmappedPs + PRICE.completePs;
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
    return this.#clock.nowPs + PRICE.submitPs + runner.bytes * PRICE.daxBytePs;
  }

  #countPath(lane: Lane, path: number, bytes: number): void {
    lane.stats.paths[path] = (lane.stats.paths[path] as number) + bytes;
  }

  #fail(lane: Lane, tag: number, status: number): void {
    lane.stats.faults += 1;
    lane.stats.fail(`DMA fault: ${DMA_STATUS_NAMES[status]} at 0x${(lane.faultAddr[tag] as number).toString(16)}`);
  }

  #refused(lane: Lane, code: number): void {
    lane.tries += 1;
    const mayRetry = failureOf(code)?.mayRetry === true && lane.tries < RETRIES_IN_A_ROW_MAX;
    if (mayRetry) lane.runner.retryAt(this.#clock.nowNs + RETRY_NS);
    else lane.runner.abandon(this.#refusal(lane, code, lane.runner.bytes));
  }

  #refusal(lane: Lane, code: number, bytes: number): string {
    return refusalText(this.#ctx, lane.io.device, { bytes, phys: lane.spec.buffers?.base ?? 0, attrs: 0 }, code);
  }

  #flipOnce(lane: Lane, tag: number, ok: boolean): void {
    if (this.#flipIo < 0 || !ok || lane.spec.index !== 0 || lane.io.io[tag] !== this.#flipIo) return;
    lane.io.flip(tag);
    this.#flipIo = -1;
  }
}
