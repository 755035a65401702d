/**
 * A link on which something goes wrong: stands between a transfer and where its bytes meet memory, TLP by TLP.
 *
 * ```
 * transfer ─ run ─► cut into TLPs ─► data link layer (replays) ─► strikes here? ─► poisoned medium? ─► inner sink
 * ```
 * A struck read gets no data and ends the command at the device; a struck posted write is gone without the device's noticing, so
 * only the port's error log tells of it. After a link-down nothing passes in either direction.
 */
import { lowBits } from "../base/addr.ts";
import { isPoisoned, overwritePoison } from "../memory/media_poison.ts";
import { AER, AerLog } from "../pcie/aer.ts";
import { QUIET_WIRE, ReplayLink, type TlpReceiver, type WireErrors } from "../pcie/replay.ts";
import type { Arena } from "../shm/arena.ts";
import { DMA_STATUS } from "../shm/dma_status.ts";
import type { RunSink } from "./step.ts";

/** What happens to the TLP that is struck. */
export const STRIKE = Object.freeze({ none: 0, linkDown: 1, completionTimeout: 2, poisoned: 3 });

/** One function's link; holds for several transfers. Nothing here allocates after construction. */
export class FaultyLink implements RunSink, TlpReceiver {
  /** Errors that the ports of the link have logged. */
  readonly aer = new AerLog();
  readonly replay: ReplayLink;
  up = true;
  /** DMA_STATUS with which the device ends the transfer. */
  status: number = DMA_STATUS.ok;
  /** Bytes from the start of the transfer that passed before anything went wrong. */
  passedBytes = 0;
  readonly #arena: Arena;
  readonly #owner: number;
  readonly #sink: RunSink;
  readonly #mpsBytes: number;
  #strike = 0;
  #tlpsLeft = 0;
  #write = false;
  #clean = true;
  /** The run under way. */
  #phys = 0;
  #bytes = 0;
  #streamOff = 0;
  #dmaAddr = 0;
  #firstBytes = 0;

  /** `owner` takes the lock of the poisoned lines; `mpsBytes` is a power of two. */
  constructor(arena: Arena, owner: number, sink: RunSink, mpsBytes: number, wire: WireErrors = QUIET_WIRE) {
    this.#arena = arena;
    this.#owner = owner;
    this.#sink = sink;
    this.#mpsBytes = mpsBytes;
    this.replay = new ReplayLink(wire);
  }

  /** A transfer begins; `strike` (STRIKE) hits its TLP number `tlp`, counted from 0. */
  begin(write: boolean, strike: number = STRIKE.none, tlp = 0): void {
    this.#write = write;
    this.#strike = strike;
    this.#tlpsLeft = tlp;
    this.#clean = true;
    this.passedBytes = 0;
    this.status = this.up ? DMA_STATUS.ok : DMA_STATUS.linkDown;
  }

  run(phys: number, bytes: number, streamOff: number, dmaAddr: number): void {
    this.#phys = phys;
    this.#bytes = bytes;
    this.#streamOff = streamOff;
    this.#dmaAddr = dmaAddr;
    this.#firstBytes = Math.min(bytes, this.#mpsBytes - lowBits(dmaAddr, this.#mpsBytes));
    const damaged = this.replay.damaged;
    const rollovers = this.replay.rollovers;
    this.replay.transfer(1 + Math.ceil((bytes - this.#firstBytes) / this.#mpsBytes), this);
    this.aer.record(AER.badTlp, this.replay.damaged - damaged);
    this.aer.record(AER.replayRollover, this.replay.rollovers - rollovers);
  }

  walked(levels: number): void {
    this.#sink.walked(levels);
  }

  /** TlpReceiver: TLP `index` of the run has come over the wire. */
  receive(index: number): void {
    const off = index === 0 ? 0 : this.#firstBytes + (index - 1) * this.#mpsBytes;
    const bytes = index === 0 ? this.#firstBytes : Math.min(this.#mpsBytes, this.#bytes - off);
    if (!this.up || this.status !== DMA_STATUS.ok || !this.#passes(off, bytes)) {
      this.#clean = false;
      return;
    }
    if (this.#clean) this.passedBytes += bytes;
    this.#sink.run(this.#phys + off, bytes, this.#streamOff + off, this.#dmaAddr + off);
    if (this.#write) overwritePoison(this.#arena, this.#owner, this.#phys + off, bytes);
  }

  #passes(off: number, bytes: number): boolean {
    if (this.#strike !== STRIKE.none) {
      if (this.#tlpsLeft === 0) return this.#struck();
      this.#tlpsLeft -= 1;
    }
    if (this.#write || !isPoisoned(this.#arena, this.#owner, this.#phys + off, bytes)) return true;
    this.aer.record(AER.poisonedTlp);
    this.status = DMA_STATUS.poisoned;
    return false;
  }

  #struck(): boolean {
    const strike = this.#strike;
    this.#strike = STRIKE.none;
    if (strike === STRIKE.linkDown) {
      this.up = false;
      this.aer.record(AER.surpriseDown);
      this.status = DMA_STATUS.linkDown;
    } else if (strike === STRIKE.completionTimeout) {
      this.aer.record(AER.completionTimeout);
      this.status = DMA_STATUS.completionTimeout;
    } else {
      this.aer.record(AER.poisonedTlp);
      // A posted write has no answer: the device goes on.
      if (!this.#write) this.status = DMA_STATUS.poisoned;
    }
    return false;
  }
}
