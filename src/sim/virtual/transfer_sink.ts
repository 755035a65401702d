/**
 * What a resolved run becomes under the virtual clock: a queued copy, and a walk trace for the timing.
 */
import type { RunSink } from "../../device/step.ts";
import { MediaRuns } from "../../memory/media_runs.ts";
import { DESC_OP } from "../../shm/dma_status.ts";
import type { CheckedTransfer } from "../mismatch.ts";
import { RunList } from "../run_list.ts";
import type { CopyDispatcher } from "./dispatcher.ts";

const MEDIA_RUNS_MAX = 8192;

/** Sink of one command at a time: its fields name the transfer, `walks` and `levels` count since they were set. */
export class TransferSink implements RunSink {
  op = 0;
  keyLo = 0;
  keyHi = 0;
  pattern = false;
  walks = 0;
  levels = 0;
  readonly what: CheckedTransfer = { job: 0, engine: 0, io: 0, unit: 0, version: 0 };
  /** Versions of the medium at the instant of a device write; one run when it is uniform. */
  readonly stamps = new MediaRuns(MEDIA_RUNS_MAX);
  /** Offset in the transfer at which {@link stamps} begin. */
  stampsOff = 0;
  /** Source runs of a copy. */
  readonly source = new RunList();
  readonly #dispatcher: CopyDispatcher | null;

  /** `dispatcher` null: payload off, only the walks count. */
  constructor(dispatcher: CopyDispatcher | null) {
    this.#dispatcher = dispatcher;
  }

  begin(op: number): void {
    this.op = op;
    this.walks = 0;
    this.levels = 0;
    this.stamps.clear();
    this.stampsOff = 0;
    this.source.clear();
  }

  walked(levels: number): void {
    this.walks += 1;
    this.levels += levels;
  }

  run(phys: number, bytes: number, streamOff: number, dmaAddr: number): void {
    const dispatcher = this.#dispatcher;
    if (dispatcher === null) return;
    if (this.op === DESC_OP.copy) this.#copyRun(dispatcher, phys, bytes);
    else if (this.op === DESC_OP.read) {
      dispatcher.fromMemory(this.what, phys, bytes, this.keyLo, this.keyHi, streamOff, dmaAddr, this.pattern);
    } else if (this.stamps.length <= 1) {
      dispatcher.toMemory(this.what, phys, bytes, this.keyLo, this.keyHi, streamOff, this.pattern);
    } else this.#toMemoryByStamp(dispatcher, phys, bytes, streamOff);
  }

  /** Cuts a run where the medium's version changes. */
  #toMemoryByStamp(dispatcher: CopyDispatcher, phys: number, bytes: number, streamOff: number): void {
    const stamps = this.stamps;
    for (let done = 0; done < bytes; ) {
      const at = streamOff + done;
      const piece = Math.min(bytes - done, stamps.seek(at - this.stampsOff));
      this.what.version = stamps.version[stamps.current] as number;
      dispatcher.toMemory(this.what, phys + done, piece, this.keyLo, this.keyHi, at, this.pattern);
      done += piece;
    }
  }

  /** Copies the next bytes of the source runs to a destination run. */
  #copyRun(dispatcher: CopyDispatcher, phys: number, bytes: number): void {
    const source = this.source;
    for (let done = 0; done < bytes; ) {
      const piece = source.take(bytes - done);
      if (piece === 0) return;
      dispatcher.copy(this.what, phys + done, source.piecePhys, piece);
      done += piece;
    }
  }
}
