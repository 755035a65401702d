/**
 * A free-running simulated CPU: one job clone that maps, submits, reaps, unmaps and checks.
 */
import { PATH } from "../../base/cost.ts";
import type { HostContext } from "../../host/context.ts";
import { refusalText } from "../../host/dma/refusal.ts";
import { failureOf, MAP_OK } from "../../host/status.ts";
import { QPAIR_DEPTH } from "../../shm/capacities.ts";
import { DESC_OP, DMA_STATUS, DMA_STATUS_NAMES } from "../../shm/dma_status.ts";
import { ringBell } from "../../shm/doorbell.ts";
import { COMPLETION, DESC, QPAIR, REGIONS } from "../../shm/layout.ts";
import { ringPeek, ringPublish, ringRelease, ringReserve } from "../../shm/ring.ts";
import { copyByCpu } from "../cpu_copy.ts";
import { CloneIo } from "../io_path.ts";
import type { CloneSpec } from "../load/clones.ts";
import { CloneRunner } from "../load/runner.ts";
import type { Payload } from "../payload.ts";
import type { RunDebug } from "../run_debug.ts";
import type { JobStats } from "../stats.ts";
import type { System } from "../system.ts";
import type { IoHook } from "../test_hook.ts";
import { DESC_FLAG } from "./engine.ts";

const RETRY_NS = 1000;
const SUBMIT_BATCH = 128;
const RETRIES_IN_A_ROW_MAX = 200_000;

/** What a submitter needs of the run's options. */
export interface SubmitterOptions {
  readonly verify: boolean;
  readonly debug: RunDebug | null;
  readonly ioHook: IoHook;
}

/** One clone on its thread; {@link poll} never blocks. Times are nanoseconds of performance.now. */
export class WallSubmitter {
  readonly runner: CloneRunner;
  readonly io: CloneIo;
  readonly #ctx: HostContext;
  readonly #spec: CloneSpec;
  readonly #stats: JobStats;
  readonly #payload: Payload | null;
  readonly #rawPayload: Payload;
  readonly #engineWorker: number;
  readonly #sq: number;
  readonly #cq: number;
  readonly #descs: number;
  readonly #comps: number;
  /** Path of every command, by tag. */
  readonly #paths: Uint8Array;
  /** Tags of commands that met a revoked window and wait for a new mapping. */
  readonly #revoked: number[] = [];
  #opened = false;
  #failedTries = 0;
  #aborted = false;

  /** `payload` moves bytes; with `options.verify` they are also produced and checked. */
  constructor(
    system: System,
    ctx: HostContext,
    spec: CloneSpec,
    stats: JobStats,
    payload: Payload,
    engineWorker: number,
    options: SubmitterOptions,
  ) {
    this.#ctx = ctx;
    this.#spec = spec;
    this.#stats = stats;
    this.#payload = options.verify && spec.job.verify ? payload : null;
    this.#rawPayload = payload;
    this.#engineWorker = REGIONS.workers.word + engineWorker * REGIONS.workers.stride;
    this.runner = new CloneRunner(ctx.arena, spec, stats);
    this.io = new CloneIo(system, ctx, spec, this.#payload, options.debug, options.ioHook);
    const qpair = REGIONS.qpairs.word + spec.index * REGIONS.qpairs.stride;
    this.#sq = qpair + QPAIR.sq;
    this.#cq = qpair + QPAIR.cq;
    this.#descs = REGIONS.descriptors.word + spec.index * QPAIR_DEPTH * DESC.WORDS;
    this.#comps = REGIONS.completions.word + spec.index * QPAIR_DEPTH * COMPLETION.WORDS;
    this.#paths = new Uint8Array(this.io.tags);
  }

  start(nowNs: number): void {
    this.#ctx.cpu = this.#spec.cpu;
    this.#ctx.cost.reset();
    const code = this.io.open();
    this.#opened = true;
    this.#persistentPath = this.#ctx.cost.path;
    this.runner.start(nowNs);
    if (code !== MAP_OK) this.runner.abandon(this.#refusal(code, this.#spec.commandBytesMax));
  }

  #persistentPath = 0;

  close(): void {
    if (!this.#opened) return;
    this.#ctx.cpu = this.#spec.cpu;
    this.io.close();
    this.#opened = false;
  }

  /** Ends the clone early; after an abort what still completes is not checked. */
  stop(aborted: boolean): void {
    this.#aborted ||= aborted;
    this.runner.stop(!aborted);
  }

  /** Reaps and submits; number of things done. */
  poll(nowNs: number): number {
    this.#ctx.cpu = this.#spec.cpu;
    this.#ctx.nowNs = nowNs;
    return this.#reap(nowNs) + this.#resubmit() + this.#submit(nowNs);
  }

  /** Maps and submits again the commands whose windows were revoked. */
  #resubmit(): number {
    let submitted = 0;
    while (this.#revoked.length > 0) {
      const words = this.#ctx.arena.i32;
      const desc = ringReserve(words, this.#sq, this.#descs, DESC.WORDS, QPAIR_DEPTH, submitted);
      this.#ctx.cost.reset();
      if (desc < 0 || this.io.remap(this.#revoked[0] as number) !== MAP_OK) break;
      this.#describe(desc, this.#revoked.shift() as number);
      this.#stats.retries += 1;
      submitted += 1;
    }
    if (submitted > 0) {
      ringPublish(this.#ctx.arena.i32, this.#sq, submitted);
      ringBell(this.#ctx.arena.i32, this.#engineWorker);
    }
    return submitted;
  }

  #reap(nowNs: number): number {
    const words = this.#ctx.arena.i32;
    let reaped = 0;
    for (;;) {
      const comp = ringPeek(words, this.#cq, this.#comps, COMPLETION.WORDS, QPAIR_DEPTH, reaped);
      if (comp < 0) break;
      this.#complete(words[comp + COMPLETION.tag] as number, words[comp + COMPLETION.status] as number, comp, nowNs);
      reaped += 1;
    }
    if (reaped > 0) ringRelease(words, this.#cq, reaped);
    return reaped;
  }

  #complete(tag: number, status: number, comp: number, nowNs: number): void {
    if (status === DMA_STATUS.staleWindow) {
      this.#revoked.push(tag);
      return;
    }
    const ok = status === DMA_STATUS.ok;
    if (!ok) {
      this.#stats.faults += 1;
      const addr = this.#ctx.arena.f64[(comp + COMPLETION.faultAddr) >>> 1] as number;
      this.#stats.fail(`DMA fault: ${DMA_STATUS_NAMES[status]} at 0x${addr.toString(16)}`);
    } else {
      const path = this.#paths[tag] as number;
      this.#stats.paths[path] = (this.#stats.paths[path] as number) + (this.io.bytes[tag] as number);
    }
    this.#ctx.cost.reset();
    const version = this.#ctx.arena.u32[comp + COMPLETION.version] as number;
    this.io.finish(tag, version, ok && !this.#aborted);
    this.#stats.commands += 1;
    this.runner.completed(tag, nowNs, !ok);
  }

  #submit(nowNs: number): number {
    let submitted = 0;
    while (submitted < SUBMIT_BATCH && this.runner.canIssue(nowNs)) {
      const words = this.#ctx.arena.i32;
      const desc = ringReserve(words, this.#sq, this.#descs, DESC.WORDS, QPAIR_DEPTH, submitted);
      if (desc < 0) break;
      this.runner.take(nowNs);
      if (this.#spec.dax !== null) {
        this.#copyByCpu(nowNs);
        return 1;
      }
      if (!this.#prepare(nowNs)) break;
      this.#describe(desc, this.runner.tag);
      this.runner.issued();
      submitted += 1;
    }
    if (submitted > 0) {
      ringPublish(this.#ctx.arena.i32, this.#sq, submitted);
      ringBell(this.#ctx.arena.i32, this.#engineWorker);
    }
    return submitted;
  }

  #prepare(nowNs: number): boolean {
    const runner = this.runner;
    this.#ctx.cost.reset();
    const { tag, io, write, bytes, unit, version, expected } = runner;
    const code = this.io.prepare(tag, io, write, bytes, unit, version, expected);
    if (code === MAP_OK) {
      this.#paths[runner.tag] = this.io.persistent ? this.#persistentPath : this.#ctx.cost.path;
      this.#failedTries = 0;
      return true;
    }
    this.#failedTries += 1;
    const mayRetry = failureOf(code)?.mayRetry === true && this.#failedTries < RETRIES_IN_A_ROW_MAX;
    if (mayRetry) runner.retryAt(nowNs + RETRY_NS);
    else runner.abandon(this.#refusal(code, runner.bytes));
    return false;
  }

  #refusal(code: number, bytes: number): string {
    return refusalText(this.#ctx, this.io.device, { bytes, phys: this.io.held.plan?.base ?? 0, attrs: 0 }, code);
  }

  #describe(desc: number, tag: number): void {
    const { io } = this;
    const arena = this.#ctx.arena;
    const words = arena.i32;
    const isCopy = this.#spec.copy !== null;
    words[desc + DESC.tag] = tag;
    words[desc + DESC.op] = isCopy ? DESC_OP.copy : io.write[tag] === 1 ? DESC_OP.read : DESC_OP.write;
    words[desc + DESC.sg] = this.io.deviceSg[tag] as number;
    words[desc + DESC.nents] = this.io.nents[tag] as number;
    words[desc + DESC.dstSg] = this.io.dst[tag] as number;
    words[desc + DESC.dstNents] = this.io.dstNents[tag] as number;
    arena.u32[desc + DESC.bytes] = io.bytes[tag] as number;
    arena.u32[desc + DESC.version] = io.version[tag] as number;
    arena.f64[(desc + DESC.unit) >>> 1] = io.unit[tag] as number;
    arena.f64[(desc + DESC.io) >>> 1] = io.io[tag] as number;
    words[desc + DESC.keyLo] = this.io.keyLo;
    words[desc + DESC.keyHi] = this.io.keyHi;
    words[desc + DESC.flags] =
      (this.#payload === null ? 0 : DESC_FLAG.pattern) |
      (this.#spec.isStream ? DESC_FLAG.stream : 0) |
      (this.io.losesWrite(tag) ? DESC_FLAG.lost : 0);
    words[desc + DESC.job] = this.#spec.jobIndex;
  }

  #copyByCpu(nowNs: number): void {
    const runner = this.runner;
    runner.issued();
    const what = this.io.what;
    what.io = runner.io;
    what.unit = runner.unit;
    what.version = runner.version;
    copyByCpu(
      this.#spec,
      this.#rawPayload,
      what,
      runner.write,
      runner.unit * 512,
      runner.bytes,
      this.#payload !== null,
    );
    this.#stats.paths[PATH.cpu] = (this.#stats.paths[PATH.cpu] as number) + runner.bytes;
    this.#stats.commands += 1;
    runner.completed(runner.tag, Math.max(performance.now() * 1e6, nowNs), false);
  }
}
