/**
 * The device's part of a command under the virtual clock: fetch, medium, translated accesses, medium again, completion.
 *
 * ```
 * fetch ─► media (reads) ─► join the function's queue ─► turn: next piece translated, one quantum ─► … ─► last quantum ends
 * ```
 * A piece is translated at the virtual instant at which the device gets to it; its bytes follow later, in that order.
 */
import { recordFault } from "../../device/fault.ts";
import { leaveWindows } from "../../device/window_access.ts";
import type { HostContext } from "../../host/context.ts";
import type { LinkShape } from "../../pcie/link.ts";
import { DESC_OP, DMA_STATUS } from "../../shm/dma_status.ts";
import type { Target } from "../../timing/fabric/function.ts";
import type { PowerCut } from "../persist/power_cut.ts";
import type { VirtualClock } from "./clock.ts";
import type { DeviceFaults } from "./device_faults.ts";
import { DeviceFollow } from "./device_follow.ts";
import type { CopyDispatcher } from "./dispatcher.ts";
import type { Fabric } from "./fabric.ts";
import type { Lane } from "./lane.ts";
import type { LoopOptions } from "./loop_options.ts";
import { QUEUE, queueTranslatePs } from "./queue_memory.ts";
import { type Stream, startStream } from "./stream.ts";
import { StreamBytes } from "./stream_bytes.ts";

/** Longest quantum of a read that is alone: a page, whose requests have a closed form. Otherwise it is one MRRS. */
const QUANTUM_BYTES_MAX = 4096;
/** Command fetched; completion entry (16 B) and the message that interrupts (4 B). */
const COMMAND_BYTES = 64;
const COMPLETION_BYTES = 20;
const COMPLETION_TLPS = 2;

/** Device side of the loop; times are picoseconds since the clock's epoch. */
export class DeviceStage {
  readonly #ctx: HostContext;
  readonly #fabric: Fabric;
  readonly #bytes: StreamBytes;
  readonly #target: Target = { translatePs: 0, memoryPs: 0, peer: null, viaRoot: false, ownLinks: 0, peerLinks: 0 };
  readonly #control: Target = { translatePs: 0, memoryPs: 0, peer: null, viaRoot: false, ownLinks: 0, peerLinks: 0 };
  readonly #interruptPs: number;
  readonly #perTlp: boolean;
  readonly #powerCut: PowerCut | null;
  readonly #clock: VirtualClock;
  /** Null: nothing goes wrong. */
  readonly #faults: DeviceFaults | null;
  /** Null unless single I/Os are followed. */
  readonly #follow: DeviceFollow | null;

  constructor(
    ctx: HostContext,
    fabric: Fabric,
    dispatcher: CopyDispatcher | null,
    options: LoopOptions,
    clock: VirtualClock,
    faults: DeviceFaults | null,
  ) {
    this.#faults = faults;
    this.#powerCut = options.powerCut;
    this.#clock = clock;
    this.#follow = options.trace === null ? null : new DeviceFollow(options.trace, fabric);
    this.#perTlp = options.perTlp;
    this.#ctx = ctx;
    this.#fabric = fabric;
    this.#bytes = new StreamBytes(ctx, dispatcher, options.powerCut);
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
    this.#control.translatePs = queueTranslatePs(lane, QUEUE.submission, COMMAND_BYTES, nowPs);
    const fetchedPs = device.linked ? device.fn.controlRead(nowPs, COMMAND_BYTES, this.#control) : nowPs;
    const readsMemory = io.write[tag] === 1 || lane.spec.copy !== null;
    if (follow !== null && !readsMemory) follow.log(lane, tag, "media");
    const startPs = readsMemory
      ? device.fetchStart(fetchedPs)
      : device.dataReady(fetchedPs, io.bytes[tag] as number, lane.drawKey(tag));
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
    startStream(stream, bytes, nowPs);
    lane.status[tag] = DMA_STATUS.ok;
    if (this.#faults !== null && stream.op !== DESC_OP.copy) this.#faults.begin(stream);
    if (stream.op === DESC_OP.copy) {
      const status = this.#bytes.copyAtOnce(stream);
      if (status !== DMA_STATUS.ok) this.#failed(stream, status, this.#bytes.faultAddr);
    } else stream.cursor.begin(this.#ctx.arena, io.deviceSg[tag] as number, io.nents[tag] as number, bytes);
  }

  /** One quantum of a stream; `alone` = nobody else waits. True when the direction has no more. */
  turn(stream: Stream, nowPs: number, alone: boolean): boolean {
    const { device } = stream.lane;
    if (this.#faults !== null && stream.op !== DESC_OP.copy && this.#faults.hits(stream, nowPs)) return true;
    if (stream.pieceLeft === 0 && !this.#nextPiece(stream, nowPs)) return true;
    const { fn } = device;
    const bytes = Math.min(stream.pieceLeft, this.#quantumBytes(fn.way.link, stream.writing, alone));
    const addr = stream.cursor.dmaAddr + (stream.cursor.bytes - stream.pieceLeft);
    const first = stream.left === stream.bytes;
    const follow = this.#follow;
    if (follow !== null) follow.before(stream);
    this.#aim(stream, nowPs, bytes);
    if (follow !== null) follow.aimed(stream, nowPs);
    if (this.#faults !== null) {
      const tlps = Math.ceil(bytes / fn.way.link.mpsBytes);
      fn.replay(nowPs, this.#faults.replayed(stream.lane, tlps, nowPs), stream.writing);
    }
    const endPs = stream.writing
      ? fn.write(nowPs, addr, bytes, first, this.#target)
      : fn.read(nowPs, addr, bytes, first, this.#target);
    if (follow !== null) follow.issued(stream, endPs > stream.endPs);
    if (endPs > stream.endPs) stream.endPs = endPs;
    if (stream.writing)
      this.#powerCut?.ledger.issued(stream.lane.spec.index, stream.tag, bytes, this.#clock.nsAt(endPs));
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
      if (lane.status[tag] === DMA_STATUS.ok) this.#bytes.stamp(lane, tag, bytes);
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
    this.#control.translatePs = queueTranslatePs(lane, QUEUE.completion, COMPLETION_BYTES, nowPs);
    const writtenPs = linked ? fn.controlWrite(nowPs, COMPLETION_BYTES, COMPLETION_TLPS, this.#control) : nowPs;
    fn.log = null;
    if (log !== null) log.serve("interrupt", writtenPs + this.#interruptPs);
    const handlerPs = writtenPs + this.#interruptPs;
    return this.#faults === null ? handlerPs : this.#faults.noticedPs(lane, tag, nowPs, handlerPs);
  }

  /** The medium takes the data of a transfer that ended at `endPs`. */
  #stored({ lane, tag, bytes }: Stream, endPs: number): number {
    const { device } = lane;
    if (this.#follow !== null) device.fn.log = this.#follow.log(lane, tag, "media");
    const storedPs = device.dataStored(endPs, bytes, lane.drawKey(tag));
    device.fn.log = null;
    return storedPs;
  }

  #quantumBytes(link: LinkShape, writing: boolean, alone: boolean): number {
    if (this.#perTlp) return writing ? link.mpsBytes : link.mrrsBytes;
    return alone && !writing ? QUANTUM_BYTES_MAX : link.mrrsBytes;
  }

  /** Translates and dispatches the next piece; false when the transfer ends here because of a fault. */
  #nextPiece(stream: Stream, nowPs: number): boolean {
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
    if (this.#faults?.meetsPoison(stream, cursor.phys, cursor.bytes, nowPs) === true) return false;
    stream.pieceLeft = cursor.bytes;
    if (this.#faults === null || !this.#faults.drops(stream, nowPs)) this.#bytes.dispatch(stream);
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
        stream.translatedPs = device.unit.walked(nowPs, lane.domainIndex, cursor.dmaAddr, levels, writing);
        target.translatePs = stream.translatedPs - nowPs;
      } else if (stream.op !== DESC_OP.copy) {
        const levels = stream.pieceSeen ? 0 : cursor.levels;
        target.translatePs =
          device.unit.translated(
            nowPs,
            lane.domainIndex,
            cursor.dmaAddr,
            cursor.slot,
            levels,
            writing,
            stream.pieceSeen,
          ) - nowPs;
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
}
