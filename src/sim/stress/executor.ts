/**
 * Runs operations as a driver, a device and a suspicious CPU at once: every byte that either side sees is compared.
 *
 * ```
 * begin    CPU fills · pin · map · device reads (checked) and writes
 * finish   [sync for CPU · CPU checks, fills · sync for device · device again] · unmap · CPU checks · guards · unpin
 * ```
 */
import { hex } from "../../base/addr.ts";
import type { DeviceAccess } from "../../device/access.ts";
import { type FaultPoint, type RunSink, transfer } from "../../device/step.ts";
import type { HostContext } from "../../host/context.ts";
import { ATTR, DIR } from "../../host/dma/device.ts";
import { checkPattern, fillPattern, patternKey } from "../../memory/pattern.ts";
import { DMA_STATUS, DMA_STATUS_NAMES } from "../../shm/dma_status.ts";
import type { System } from "../system.ts";
import { type Area, cellOf } from "./areas.ts";
import type { StressCounters } from "./counters.ts";
import type { StressDriver } from "./driver.ts";
import { FindingError } from "./finding.ts";
import { checkGuards, setGuards } from "./guards.ts";
import type { InvalidationProbe } from "./invalidation_probe.ts";
import type { Live } from "./live.ts";
import { isBig, type Piece, type StressOp } from "./operation.ts";
import { expectRefusal } from "./refusal.ts";
import type { StressDebug } from "./session.ts";

/** What an executor works with; one a thread. */
export interface ExecutorParts {
  readonly ctx: HostContext;
  readonly system: System;
  readonly areas: readonly Area[];
  readonly access: readonly DeviceAccess[];
  readonly driver: StressDriver;
  readonly debug: StressDebug;
  readonly counters: StressCounters;
  /** Also the context's invalidation port. */
  readonly invalidation: InvalidationProbe;
  /** Tells the coordinator that the worker lives; called inside whatever can take long. */
  readonly beat: () => void;
  readonly worker: number;
  readonly seed: number;
}

/** Data of one operation: what the CPU writes first, the device's answer, and the same again after a sync. */
const PHASES = 4;
const PHASE = Object.freeze({ cpu: 0, device: 1 });
const CHECK_READ_ONLY_EVERY = 8;

/** Executes operations one step at a time; throws {@link FindingError} for anything wrong. */
export class Executor implements RunSink {
  readonly parts: ExecutorParts;
  readonly #keyLo: number;
  readonly #keyHi: number;
  readonly #fault: FaultPoint = { dmaAddr: 0, streamOff: 0 };
  #version = 0;
  #write = false;
  /** Stream offset of the first byte that a device read wrong; -1 = none. */
  #badOff = -1;
  #badPhys = 0;
  /** Where the first byte of the last {@link touch} lay; -1 = nowhere. */
  lastPhys = -1;

  constructor(parts: ExecutorParts) {
    this.parts = parts;
    const key = patternKey(parts.seed, parts.worker);
    this.#keyLo = key.lo;
    this.#keyHi = key.hi;
  }

  /** Maps and transfers; null = refused in an expected way, nothing is left. */
  begin(op: StressOp): Live | null {
    const live = this.prepare(op);
    const { ctx, driver, counters } = this.parts;
    ctx.cpu = op.cpu;
    const nents = driver.map(live);
    this.expectNoErrors(live, "map");
    if (nents < 0) {
      expectRefusal(live, -nents, this.parts.areas, this.describe(live));
      this.release(live);
      counters.refused();
      return null;
    }
    if ((op.attrs & ATTR.skipCpuSync) !== 0 && op.dir !== DIR.fromDevice) driver.syncForDevice(live);
    this.deviceTurn(live, 0);
    return live;
  }

  /** Ends an operation of {@link begin}. */
  finish(live: Live): void {
    const { op } = live;
    const { ctx, driver, counters } = this.parts;
    let phase = 0;
    if (op.reuse) {
      driver.syncForCpu(live);
      this.expectNoErrors(live, "sync for CPU");
      if (op.dir !== DIR.toDevice) this.#cpuCheck(live, PHASE.device);
      phase = 2;
      if (op.dir !== DIR.fromDevice) this.#cpuFill(live, phase);
      driver.syncForDevice(live);
      this.expectNoErrors(live, "sync for device");
      this.deviceTurn(live, phase);
    }
    if ((op.attrs & ATTR.skipCpuSync) !== 0 && op.dir !== DIR.toDevice) driver.syncForCpu(live);
    ctx.cpu = op.cpu + 1 < this.parts.system.machine.cpus.count ? op.cpu + 1 : 0;
    driver.unmap(live);
    this.expectNoErrors(live, "unmap");
    this.cpuLook(live, phase);
    this.release(live);
    counters.done();
  }

  /** The device's accesses of one pass; `phase` 0 or 2. */
  deviceTurn(live: Live, phase: number): void {
    const { dir } = live.op;
    if (dir !== DIR.fromDevice) this.#deviceRead(live, phase);
    if (dir !== DIR.toDevice) this.deviceWrite(live, phase);
    this.parts.counters.transferred(live.op.path, live.bytes, dir === DIR.bidirectional ? 2 : 1);
  }

  /** Allocates the list, sets guards, fills what the device is to read, pins. */
  prepare(op: StressOp): Live {
    const live = this.parts.driver.describe(op);
    if (live === null) throw new FindingError("refused", "no scatterlist is left");
    setGuards(this.parts.ctx.arena, live);
    if (op.dir !== DIR.fromDevice) this.#cpuFill(live, 0);
    this.#pin(live);
    return live;
  }

  /** What the CPU finds after an unmap. */
  cpuLook(live: Live, phase: number): void {
    const { op } = live;
    if (op.dir !== DIR.toDevice) this.#cpuCheck(live, phase + PHASE.device);
    else if (op.id % CHECK_READ_ONLY_EVERY === 0) this.#cpuCheck(live, phase);
    checkGuards(this.parts.ctx.arena, live, this.describe(live));
  }

  /** Gives pins and list back. */
  release(live: Live): void {
    const { ctx, system, driver } = this.parts;
    for (let i = 0; i < live.starts.length; i += 1) {
      system.memmap.unpinPages(ctx.arena, live.starts[i] as number, (live.op.pieces[i] as Piece).bytes);
    }
    driver.free(live);
  }

  /**
   * A pass of the device that may fault; DMA_STATUS. Reads are compared and remembered in {@link readWrong}. `sink` stands
   * before this object when the bytes pass something first.
   */
  touch(live: Live, write: boolean, phase: number, sink: RunSink = this): number {
    this.#write = write;
    this.#badOff = -1;
    this.lastPhys = -1;
    this.#version = versionOf(live.op, phase);
    const access = this.parts.access[live.op.device] as DeviceAccess;
    return transfer(
      this.parts.ctx.arena,
      access,
      live.sg,
      Math.max(1, live.nents),
      live.bytes,
      write,
      sink,
      this.#fault,
    );
  }

  /** True when bytes [from, to) of the operation's first piece are what `phase` wrote there. */
  holds(live: Live, phase: number, from: number, to: number): boolean {
    const { arena } = this.parts.ctx;
    const at = (live.starts[0] as number) + from;
    const version = versionOf(live.op, phase);
    return checkPattern(arena, at, to - from, this.#keyLo, this.#keyHi, 0, version, from) < 0;
  }

  /** The CPU writes the data of `phase` at an address outside the operation's memory; false = no backing. */
  fillAt(live: Live, phys: number, bytes: number, phase: number): boolean {
    return fillPattern(this.parts.ctx.arena, phys, bytes, this.#keyLo, this.#keyHi, 0, versionOf(live.op, phase), 0);
  }

  /** The last {@link touch} read something else than the pattern. */
  get readWrong(): boolean {
    return this.#badOff >= 0;
  }

  /** Throws when the shadow checker found anything. */
  expectNoErrors(live: Live, step: string): void {
    const [error] = this.parts.debug.take();
    if (error === undefined) return;
    throw new FindingError("dma-debug", `at ${step} of ${this.describe(live)}: ${error.text}`);
  }

  /** First byte of the operation's memory. */
  addressOf(op: StressOp): number {
    const piece = op.pieces[0] as Piece;
    return cellOf(this.parts.areas[piece.area] as Area, this.parts.worker, op.id, isBig(op)) + piece.offset;
  }

  /** The operation in a few words. */
  describe({ op, bytes, starts, device }: Live): string {
    const dir = ["bidirectional", "to device", "from device"][op.dir];
    return `operation ${op.id} (${op.call}, ${dir}, ${op.pieces.length} pieces, ${bytes} bytes at ${hex(starts[0] as number)}, ${device.name})`;
  }

  /** RunSink: the device's data meet memory here. */
  run(phys: number, bytes: number, streamOff: number, _dmaAddr: number): void {
    const { arena } = this.parts.ctx;
    if (this.lastPhys < 0) this.lastPhys = phys;
    this.parts.beat();
    if (this.#write) {
      fillPattern(arena, phys, bytes, this.#keyLo, this.#keyHi, 0, this.#version, streamOff);
      return;
    }
    const bad = checkPattern(arena, phys, bytes, this.#keyLo, this.#keyHi, 0, this.#version, streamOff);
    if (bad < 0 || this.#badOff >= 0) return;
    this.#badOff = streamOff + bad;
    this.#badPhys = phys + bad;
  }

  walked(_levels: number): void {}

  #deviceRead(live: Live, phase: number): void {
    const status = this.touch(live, false, phase);
    this.#expectOk(live, status, "read");
    if (this.#badOff < 0) return;
    const where = `byte ${this.#badOff} of ${live.bytes} at ${hex(this.#badPhys)}`;
    throw new FindingError(
      "wrong data",
      `the device reads other data than the CPU wrote: ${where}, ${this.describe(live)}`,
    );
  }

  /** The device writes its data of the phase. */
  deviceWrite(live: Live, phase: number): void {
    this.#expectOk(live, this.touch(live, true, phase + PHASE.device), "write");
  }

  #expectOk(live: Live, status: number, what: string): void {
    if (status === DMA_STATUS.ok) return;
    const at = hex(this.#fault.dmaAddr);
    throw new FindingError("device fault", `${what} at ${at}: ${DMA_STATUS_NAMES[status]}, ${this.describe(live)}`);
  }

  #cpuFill(live: Live, phase: number): void {
    const version = versionOf(live.op, phase);
    let streamOff = 0;
    for (let i = 0; i < live.starts.length; i += 1) {
      const { bytes } = live.op.pieces[i] as Piece;
      const at = live.starts[i] as number;
      const filled = fillPattern(this.parts.ctx.arena, at, bytes, this.#keyLo, this.#keyHi, 0, version, streamOff);
      this.parts.beat();
      if (!filled) throw new FindingError("refused", "the arena has no memory left for buffers");
      streamOff += bytes;
    }
  }

  #cpuCheck(live: Live, phase: number): void {
    const version = versionOf(live.op, phase);
    let streamOff = 0;
    for (let i = 0; i < live.starts.length; i += 1) {
      const { bytes } = live.op.pieces[i] as Piece;
      const at = live.starts[i] as number;
      const bad = checkPattern(this.parts.ctx.arena, at, bytes, this.#keyLo, this.#keyHi, 0, version, streamOff);
      if (bad >= 0) {
        const where = `byte ${streamOff + bad} of ${live.bytes} at ${hex(at + bad)}`;
        throw new FindingError(
          "wrong data",
          `the CPU finds other data than it should: ${where}, ${this.describe(live)}`,
        );
      }
      streamOff += bytes;
      this.parts.beat();
    }
  }

  #pin(live: Live): void {
    const { ctx, system, worker } = this.parts;
    for (let i = 0; i < live.starts.length; i += 1) {
      const { bytes } = live.op.pieces[i] as Piece;
      if (!system.memmap.pinPages(ctx.arena, live.starts[i] as number, bytes, worker))
        throw new FindingError("refused", `no pin for ${this.describe(live)}`);
    }
  }
}

/** Version of the pattern: no two passes of any two operations of a worker share one. */
function versionOf(op: StressOp, phase: number): number {
  return (op.id * PHASES + phase) >>> 0;
}
