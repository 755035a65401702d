/**
 * The bytes behind a stream under the virtual clock: pieces become copies for the workers, in the order of their translation.
 *
 * With the payload off nothing is queued and the medium keeps no versions: no figure depends on either.
 */
import { type FaultPoint, transfer } from "../../device/step.ts";
import type { HostContext } from "../../host/context.ts";
import { mediaRead, mediaWrite } from "../../memory/media.ts";
import { UNIT_BYTES, VERSION_FOLLOW } from "../../memory/pattern.ts";
import { DESC_OP, DMA_STATUS } from "../../shm/dma_status.ts";
import type { PowerCut } from "../persist/power_cut.ts";
import type { CopyDispatcher } from "./dispatcher.ts";
import type { Lane } from "./lane.ts";
import type { Stream } from "./stream.ts";
import { TransferSink } from "./transfer_sink.ts";

/** Payload side of the device stage. */
export class StreamBytes {
  readonly #ctx: HostContext;
  readonly #payload: boolean;
  readonly #sink: TransferSink;
  readonly #fault: FaultPoint = { dmaAddr: 0, streamOff: 0 };

  readonly #powerCut: PowerCut | null;

  constructor(ctx: HostContext, dispatcher: CopyDispatcher | null, powerCut: PowerCut | null) {
    this.#powerCut = powerCut;
    this.#ctx = ctx;
    this.#payload = dispatcher !== null;
    this.#sink = new TransferSink(dispatcher);
  }

  /** Address at which {@link copyAtOnce} stopped. */
  get faultAddr(): number {
    return this.#fault.dmaAddr;
  }

  /** Queues the bytes of the current piece. */
  dispatch(stream: Stream): void {
    if (!this.#payload) return;
    const { cursor, op } = stream;
    this.#name(stream);
    if (op === DESC_OP.write && !stream.lane.spec.isStream) this.#readStamps(stream);
    if (op === DESC_OP.write) {
      this.#powerCut?.ledger.write(stream.lane.spec.index, stream.tag, this.#sink.what, cursor.phys, cursor.bytes);
    }
    this.#sink.run(cursor.phys, cursor.bytes, cursor.streamOff, cursor.dmaAddr);
  }

  /** A copy's bytes move when it starts: both lists are resolved then, and its quanta follow in time. Returns DMA_STATUS. */
  copyAtOnce(stream: Stream): number {
    const { lane, tag, bytes } = stream;
    const { io, access } = lane;
    const { arena } = this.#ctx;
    const sink = this.#sink;
    const { source } = sink;
    this.#name(stream);
    const [from, fromNents] = [io.sg[tag] as number, io.nents[tag] as number];
    let status = transfer(arena, access, from, fromNents, bytes, false, source, this.#fault);
    if (status === DMA_STATUS.ok) {
      const [to, toNents] = [io.dst[tag] as number, io.dstNents[tag] as number];
      status = transfer(arena, access, to, toNents, bytes, true, sink, this.#fault);
    }
    stream.walksLeft = source.walks + sink.walks;
    stream.walkLevels = source.walkLevels + sink.levels;
    return status;
  }

  /** The medium has new content. */
  stamp(lane: Lane, tag: number, bytes: number): void {
    if (!this.#payload || lane.spec.isStream || lane.io.losesWrite(tag)) return;
    const { io } = lane;
    const units = Math.ceil(bytes / UNIT_BYTES);
    const [unit, version] = [io.unit[tag] as number, io.version[tag] as number];
    mediaWrite(this.#ctx.arena, this.#ctx.lockOwner, lane.spec.device, unit, units, version);
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
    const sink = this.#sink;
    const { stamps } = sink;
    const first = Math.floor(cursor.streamOff / UNIT_BYTES);
    const units = Math.ceil((cursor.streamOff + cursor.bytes) / UNIT_BYTES) - first;
    const unit = (lane.io.unit[tag] as number) + first;
    mediaRead(this.#ctx.arena, this.#ctx.lockOwner, lane.spec.device, unit, units, stamps);
    const version = stamps.version[0] as number;
    sink.what.version = version;
    sink.stampsOff = first * UNIT_BYTES;
    const before = cursor.streamOff === 0 ? version : lane.delivered[tag];
    lane.delivered[tag] = stamps.length <= 1 && before === version ? version : VERSION_FOLLOW;
  }
}
