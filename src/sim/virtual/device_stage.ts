/**
 * The device's part of a command under the virtual clock: fetch, medium, translated accesses, medium again, completion.
 *
 * ```
 * fetch ─► media (reads) ─► join the function's queue ─► turn: next piece translated, one quantum ─► … ─► last quantum ends
 * ```
 * A piece is translated at the virtual instant at which the device gets to it; its bytes follow later, in that order.
 */
import { recordFault } from "../../device/fault.ts";
import { type FaultPoint, transfer } from "../../device/step.ts";
import { leaveWindows } from "../../device/window_access.ts";
import type { HostContext } from "../../host/context.ts";
import { mediaRead, mediaWrite } from "../../memory/media.ts";
import { UNIT_BYTES, VERSION_FOLLOW } from "../../memory/pattern.ts";
import type { LinkShape } from "../../pcie/link.ts";
import { DESC_OP, DMA_STATUS } from "../../shm/dma_status.ts";
import type { Target } from "../../timing/fabric/function.ts";
import { DeviceFollow } from "./device_follow.ts";
import type { CopyDispatcher } from "./dispatcher.ts";
import type { Fabric } from "./fabric.ts";
import type { IoTrace } from "./io_trace.ts";
import type { Lane } from "./lane.ts";
import type { Stream } from "./stream.ts";
import { TransferSink } from "./transfer_sink.ts";

/** Longest quantum of a read that is alone: a page, whose requests have a closed form. Otherwise it is one MRRS. */
const QUANTUM_BYTES_MAX = 4096;
const COMMAND_BYTES = 64;
/** Completion entry (16 B) and the message that interrupts (4 B). */
const COMPLETION_BYTES = 20;
const COMPLETION_TLPS = 2;

/** Device side of the loop; times are picoseconds since the clock's epoch. */
export class DeviceStage {
  readonly #ctx: HostContext;
  readonly #fabric: Fabric;
  readonly #payload: boolean;
  readonly #sink: TransferSink;
  readonly #fault: FaultPoint = { dmaAddr: 0, streamOff: 0 };
  readonly #target: Target = { translatePs: 0, memoryPs: 0, peer: null, viaRoot: false };
  readonly #control: Target = { translatePs: 0, memoryPs: 0, peer: null, viaRoot: false };
  readonly #interruptPs: number;
  readonly #perTlp: boolean;
  /** Null unless single I/Os are followed. */
  readonly #follow: DeviceFollow | null;

  /** `perTlp`: every TLP is a quantum, to check the closed forms. */
  constructor(
    ctx: HostContext,
    fabric: Fabric,
    dispatcher: CopyDispatcher | null,
    trace: IoTrace | null,
    perTlp: boolean,
  ) {
    this.#follow = trace === null ? null : new DeviceFollow(trace, fabric);
    this.#perTlp = perTlp;
    this.#ctx = ctx;
    this.#fabric = fabric;
    this.#payload = dispatcher !== null;
    this.#sink = new TransferSink(dispatcher);
    this.#interruptPs = fabric.constants.get("host.interruptNs") * 1000;
  }

  /** The doorbell has arrived: the device fetches the command; time at which its accesses start. */
  fetch(lane: Lane, tag: number, nowPs: number): number {
    const { device, io } = lane;
    const follow = this.#follow;
    if (follow !== null) {
      follow.log(lane, tag, "doorbell")?.serve("posted write", nowPs);
      device.fn.log = follow.log(lane, tag, "fetch");
    }
    const fetchedPs = device.linked ? device.fn.controlRead(nowPs, COMMAND_BYTES, this.#control) : nowPs;
    const readsMemory = io.write[tag] === 1 || lane.spec.copy !== null;
    if (follow !== null && !readsMemory) follow.log(lane, tag, "media");
    const startPs = readsMemory ? device.fetchStart(fetchedPs) : device.dataReady(fetchedPs, io.bytes[tag] as number);
    device.fn.log = null;
    return startPs;
  }

  /** The command's accesses start: its stream is ready for turns. */
  begin(stream: Stream, nowPs: number): void {
    const { lane, tag } = stream;
    const { io } = lane;
    const bytes = io.bytes[tag] as number;
    stream.op = lane.spec.copy !== null ? DESC_OP.copy : io.write[tag] === 1 ? DESC_OP.read : DESC_OP.write;
    stream.writing = stream.op === DESC_OP.write;
    stream.bytes = bytes;
    stream.left = bytes;
    stream.pieceLeft = 0;
    stream.endPs = nowPs;
    stream.walksLeft = 0;
    stream.translatedPs = 0;
    lane.status[tag] = DMA_STATUS.ok;
    if (stream.op === DESC_OP.copy) this.#copyAtOnce(stream);
    else stream.cursor.begin(this.#ctx.arena, io.deviceSg[tag] as number, io.nents[tag] as number, bytes);
  }

  /** One quantum of a stream; `alone` = nobody else waits. True when the direction has no more. */
  turn(stream: Stream, nowPs: number, alone: boolean): boolean {
    const { device } = stream.lane;
    if (stream.pieceLeft === 0 && !this.#nextPiece(stream)) return true;
    const { fn } = device;
    const bytes = Math.min(stream.pieceLeft, this.#quantumBytes(fn.way.link, stream.writing, alone));
    const addr = stream.cursor.dmaAddr + (stream.cursor.bytes - stream.pieceLeft);
    const first = stream.left === stream.bytes;
    const follow = this.#follow;
    if (follow !== null) follow.before(stream);
    this.#aim(stream, nowPs, bytes);
    if (follow !== null) follow.aimed(stream, nowPs);
    const endPs = stream.writing
      ? fn.write(nowPs, addr, bytes, first, this.#target)
      : fn.read(nowPs, addr, bytes, first, this.#target);
    if (follow !== null) follow.issued(stream, endPs > stream.endPs);
    if (endPs > stream.endPs) stream.endPs = endPs;
    stream.pieceLeft -= bytes;
    stream.left -= bytes;
    return stream.left === 0;
  }

  /** All quanta of the direction are issued; time at which the transfer is over, or -1 when a copy now writes. */
  end(stream: Stream): number {
    const { lane, tag, bytes } = stream;
    const { device } = lane;
    const endPs = stream.endPs + device.fn.latencyPs(bytes);
    if (stream.op !== DESC_OP.copy) lane.entered[tag] = stream.cursor.entered;
    if (this.#follow !== null) this.#follow.transferred(stream, endPs);
    if (stream.op === DESC_OP.write) return endPs;
    if (stream.op === DESC_OP.read) {
      if (lane.status[tag] === DMA_STATUS.ok) this.#stamp(lane, tag, bytes);
      return this.#stored(stream, endPs);
    }
    if (stream.writing) return endPs;
    stream.writing = true;
    stream.left = lane.status[tag] === DMA_STATUS.ok ? bytes : 0;
    // A copy passes through the engine's buffer, whose rate and start-up time are its service figures.
    stream.endPs = this.#stored(stream, endPs);
    return stream.left === 0 ? stream.endPs : -1;
  }

  /** The transfer is over at `nowPs`: completion entry and interrupt; time at which the handler runs. */
  completed(lane: Lane, tag: number, nowPs: number): number {
    const { fn, linked } = lane.device;
    leaveWindows(this.#ctx.arena, lane.io.deviceSg[tag] as number, lane.entered[tag] as number);
    lane.entered[tag] = 0;
    const log = this.#follow === null ? null : this.#follow.log(lane, tag, "completion");
    fn.log = log;
    const writtenPs = linked ? fn.controlWrite(nowPs, COMPLETION_BYTES, COMPLETION_TLPS, this.#control) : nowPs;
    fn.log = null;
    if (log !== null) log.serve("interrupt", writtenPs + this.#interruptPs);
    return writtenPs + this.#interruptPs;
  }

  /** The medium takes the data of a transfer that ended at `endPs`. */
  #stored({ lane, tag, bytes }: Stream, endPs: number): number {
    const { device } = lane;
    if (this.#follow !== null) device.fn.log = this.#follow.log(lane, tag, "media");
    const storedPs = device.dataStored(endPs, bytes);
    device.fn.log = null;
    return storedPs;
  }

  #quantumBytes(link: LinkShape, writing: boolean, alone: boolean): number {
    if (this.#perTlp) return writing ? link.mpsBytes : link.mrrsBytes;
    return alone && !writing ? QUANTUM_BYTES_MAX : link.mrrsBytes;
  }

  /** Translates and dispatches the next piece; false when the transfer ends here because of a fault. */
  #nextPiece(stream: Stream): boolean {
    const { cursor, lane, op } = stream;
    stream.pieceSeen = false;
    if (op === DESC_OP.copy) {
      // The lists were resolved at once; in time the copy goes page by page, and as many pages walk as did then.
      stream.pieceLeft = Math.min(stream.left, QUANTUM_BYTES_MAX);
      cursor.bytes = stream.pieceLeft;
      cursor.dmaAddr = 0;
      return stream.left > 0;
    }
    const status = cursor.next(this.#ctx.arena, lane.access, stream.writing);
    if (status !== DMA_STATUS.ok) {
      this.#failed(stream, status, cursor.dmaAddr);
      return false;
    }
    stream.pieceLeft = cursor.bytes;
    if (this.#payload) this.#dispatch(stream);
    return true;
  }

  #failed(stream: Stream, status: number, dmaAddr: number): void {
    const { lane, tag, op } = stream;
    lane.status[tag] = status;
    lane.faultAddr[tag] = dmaAddr;
    stream.left = 0;
    const io = lane.io.io[tag] as number;
    recordFault(this.#ctx.arena, status, lane.spec.device, op !== DESC_OP.read, dmaAddr, tag, io);
  }

  /** What the next quantum meets behind the link. */
  #aim(stream: Stream, nowPs: number, bytes: number): void {
    const { cursor, lane, writing } = stream;
    const { device } = lane;
    const target = this.#target;
    target.translatePs = 0;
    if (device.unit !== null) {
      if (stream.op === DESC_OP.copy && stream.pieceSeen) {
        target.translatePs = Math.max(0, stream.translatedPs - nowPs);
      } else if (stream.walksLeft > 0) {
        const levels = Math.round(stream.walkLevels / stream.walksLeft);
        stream.walksLeft -= 1;
        stream.walkLevels -= levels;
        stream.translatedPs = device.unit.walked(nowPs, levels, writing);
        target.translatePs = stream.translatedPs - nowPs;
      } else if (stream.op !== DESC_OP.copy) {
        const levels = stream.pieceSeen ? 0 : cursor.levels;
        target.translatePs = device.unit.translated(nowPs, cursor.slot, levels, writing, stream.pieceSeen) - nowPs;
      }
    }
    stream.pieceSeen = true;
    const phys = stream.op === DESC_OP.copy ? this.#copyPhys(stream) : cursor.phys;
    this.#fabric.aim(device.index, phys, bytes, writing, nowPs, target);
  }

  /** Address that stands for a copy's source or destination. */
  #copyPhys({ lane, writing }: Stream): number {
    const copy = lane.spec.copy;
    return copy === null ? 0 : writing ? copy.destination : copy.source;
  }

  /** A copy's bytes move when it starts: both lists are resolved then; its quanta follow in time. */
  #copyAtOnce(stream: Stream): void {
    const { lane, tag, bytes } = stream;
    const { io, access } = lane;
    const arena = this.#ctx.arena;
    const sink = this.#sink;
    this.#name(stream);
    const source = sink.source;
    let status = transfer(
      arena,
      access,
      io.sg[tag] as number,
      io.nents[tag] as number,
      bytes,
      false,
      source,
      this.#fault,
    );
    if (status === DMA_STATUS.ok) {
      const [sg, nents] = [io.dst[tag] as number, io.dstNents[tag] as number];
      status = transfer(arena, access, sg, nents, bytes, true, sink, this.#fault);
    }
    stream.walksLeft = source.walks + sink.walks;
    stream.walkLevels = source.walkLevels + sink.levels;
    if (status !== DMA_STATUS.ok) this.#failed(stream, status, this.#fault.dmaAddr);
  }

  /** Queues the bytes of the current piece for a worker. */
  #dispatch(stream: Stream): void {
    const { cursor, op } = stream;
    this.#name(stream);
    if (op === DESC_OP.write && !stream.lane.spec.isStream) this.#readStamps(stream);
    this.#sink.run(cursor.phys, cursor.bytes, cursor.streamOff, cursor.dmaAddr);
  }

  #name({ lane, tag, op }: Stream): void {
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

  /** What the medium holds now is what the device sends. */
  #readStamps({ cursor, lane, tag }: Stream): void {
    const stamps = this.#sink.stamps;
    const first = Math.floor(cursor.streamOff / UNIT_BYTES);
    const units = Math.ceil((cursor.streamOff + cursor.bytes) / UNIT_BYTES) - first;
    const unit = (lane.io.unit[tag] as number) + first;
    mediaRead(this.#ctx.arena, this.#ctx.lockOwner, lane.spec.device, unit, units, stamps);
    const version = stamps.version[0] as number;
    this.#sink.what.version = version;
    this.#sink.stampsOff = first * UNIT_BYTES;
    const before = cursor.streamOff === 0 ? version : lane.delivered[tag];
    lane.delivered[tag] = stamps.length <= 1 && before === version ? version : VERSION_FOLLOW;
  }

  /** The medium has new content. */
  #stamp(lane: Lane, tag: number, bytes: number): void {
    if (!this.#payload || lane.spec.isStream || lane.io.losesWrite(tag)) return;
    const { io } = lane;
    const units = Math.ceil(bytes / UNIT_BYTES);
    const [unit, version] = [io.unit[tag] as number, io.version[tag] as number];
    mediaWrite(this.#ctx.arena, this.#ctx.lockOwner, lane.spec.device, unit, units, version);
  }
}
