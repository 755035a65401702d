/**
 * The device's part of a command under the virtual clock: fetch, medium, translated accesses, medium again.
 *
 * Accesses are translated at the virtual instant of the DMA event; their bytes follow later, in dispatch order.
 */
import { recordFault } from "../../device/fault.ts";
import { type FaultPoint, transfer } from "../../device/step.ts";
import type { HostContext } from "../../host/context.ts";
import { mediaRead, mediaWrite } from "../../memory/media.ts";
import { UNIT_BYTES, VERSION_FOLLOW } from "../../memory/pattern.ts";
import { DESC_OP, DMA_STATUS } from "../../shm/dma_status.ts";
import { PRICE } from "../../timing/constants.ts";
import type { CopyDispatcher } from "./dispatcher.ts";
import type { Lane } from "./lane.ts";
import { TransferSink } from "./transfer_sink.ts";

/** Device side of the loop; times are picoseconds since the clock's epoch. */
export class DeviceStage {
  readonly #ctx: HostContext;
  readonly #sink: TransferSink;
  readonly #fault: FaultPoint = { dmaAddr: 0, streamOff: 0 };

  constructor(ctx: HostContext, dispatcher: CopyDispatcher | null) {
    this.#ctx = ctx;
    this.#sink = new TransferSink(dispatcher);
  }

  /** The command has been fetched at `nowPs`; time at which its accesses start. */
  fetch(lane: Lane, tag: number, nowPs: number): number {
    const readsMemory = lane.io.write[tag] === 1 || lane.spec.copy !== null;
    return readsMemory ? lane.device.fetchStart(nowPs) : lane.device.dataReady(nowPs, lane.io.bytes[tag] as number);
  }

  /** Translates and dispatches all accesses of the command; time at which its completion reaches the CPU. */
  dma(lane: Lane, tag: number, nowPs: number): number {
    const io = lane.io;
    const bytes = io.bytes[tag] as number;
    const op = lane.spec.copy !== null ? DESC_OP.copy : io.write[tag] === 1 ? DESC_OP.read : DESC_OP.write;
    this.#begin(lane, tag, op);
    const stamped = !lane.spec.isStream && op !== DESC_OP.copy;
    const units = Math.ceil(bytes / UNIT_BYTES);
    if (stamped && op === DESC_OP.write) this.#readStamps(lane, tag, units);
    const status = this.#transfer(lane, tag, op, bytes);
    lane.status[tag] = status;
    if (status !== DMA_STATUS.ok) this.#record(lane, tag, status, op);
    else if (stamped && op === DESC_OP.read) {
      const version = io.version[tag] as number;
      mediaWrite(this.#ctx.arena, this.#ctx.lockOwner, lane.spec.device, io.unit[tag] as number, units, version);
    }
    return this.#end(lane, op, bytes, nowPs) + PRICE.interruptPs;
  }

  #begin(lane: Lane, tag: number, op: number): void {
    const sink = this.#sink;
    const what = sink.what;
    sink.begin(op);
    sink.keyLo = lane.io.keyLo;
    sink.keyHi = lane.io.keyHi;
    sink.pattern = lane.verify;
    what.job = lane.spec.jobIndex;
    what.engine = lane.spec.engine;
    what.io = lane.io.io[tag] as number;
    what.unit = lane.io.unit[tag] as number;
    what.version = lane.io.version[tag] as number;
  }

  /** What the medium holds now is what the device will send. */
  #readStamps(lane: Lane, tag: number, units: number): void {
    const stamps = this.#sink.stamps;
    mediaRead(this.#ctx.arena, this.#ctx.lockOwner, lane.spec.device, lane.io.unit[tag] as number, units, stamps);
    const first = stamps.version[0] as number;
    this.#sink.what.version = first;
    lane.delivered[tag] = stamps.length <= 1 ? first : VERSION_FOLLOW;
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

  #record(lane: Lane, tag: number, status: number, op: number): void {
    const addr = this.#fault.dmaAddr;
    lane.faultAddr[tag] = addr;
    const io = lane.io.io[tag] as number;
    recordFault(this.#ctx.arena, status, lane.spec.device, op !== DESC_OP.read, addr, tag, io);
  }

  #end(lane: Lane, op: number, bytes: number, nowPs: number): number {
    const { walks, levels } = this.#sink;
    if (op === DESC_OP.write) return lane.device.writeDone(nowPs, bytes, walks, levels);
    const readEnd = lane.device.readDone(nowPs, bytes, walks, levels);
    // A copy passes through the engine's buffer, whose rate and start-up time are its service figures.
    const stored = lane.device.dataStored(readEnd, bytes);
    return op === DESC_OP.copy ? lane.device.writeDone(stored, bytes, 0, 0) : stored;
  }
}
