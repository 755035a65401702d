/**
 * Where a DMA engine is in a mapped scatterlist: one piece at a time, resolved at the instant at which the device gets to it.
 *
 * A piece ends with its page, its entry or the transfer. Under `virtual` the loop moves many cursors at once; under
 * `wall` an engine does a whole transfer in one go (`step.ts`).
 */
import type { Arena } from "../shm/arena.ts";
import { DMA_STATUS } from "../shm/dma_status.ts";
import { SG } from "../shm/layout.ts";
import { sgNext } from "../shm/sg_entry.ts";
import type { DeviceAccess } from "./access.ts";
import { enterWindow, windowDelta } from "./window_access.ts";

/** Preallocated, one for each command that can be in flight; nothing here allocates. */
export class DmaCursor {
  /** The piece that {@link next} found: address used by the device, where it lies, its length and place in the transfer. */
  dmaAddr = 0;
  phys = 0;
  bytes = 0;
  streamOff = 0;
  /** Table levels that its translation read, 0 = hit or untranslated; and its IOTLB entry. */
  levels = 0;
  slot = 0;
  /** Bytes of the transfer behind the piece. */
  left = 0;
  /** Entries whose windows were entered; who ends the transfer leaves them (`leaveWindows`). */
  entered = 0;
  #isEntered = false;
  #delta = 0;
  #entry = 0;
  #entries = 0;
  #nextAddr = 0;
  #entryLeft = 0;

  /** Starts at the first of `nents` entries of the list at `sg`, for `bytes` bytes. */
  begin(arena: Arena, sg: number, nents: number, bytes: number): void {
    this.#entry = sg;
    this.#entries = nents;
    this.left = bytes;
    this.bytes = 0;
    this.streamOff = 0;
    this.entered = 0;
    this.#load(arena);
  }

  /** Resolves the next piece; DMA_STATUS. The transfer must not be over. A fault leaves its address in `dmaAddr`. */
  next(arena: Arena, access: DeviceAccess, write: boolean): number {
    this.streamOff += this.bytes;
    this.bytes = 0;
    if (this.#entryLeft === 0) {
      this.#entries -= 1;
      if (this.#entries <= 0) return DMA_STATUS.busError;
      this.#entry = sgNext(arena, this.#entry);
      this.#load(arena);
    }
    this.dmaAddr = this.#nextAddr;
    const shown = this.#isEntered ? DMA_STATUS.ok : this.#enter(arena, write);
    if (shown !== DMA_STATUS.ok) return shown;
    const status = access.resolve(this.#nextAddr, Math.min(this.#entryLeft, this.left), write);
    this.levels = access.walkLevels;
    if (status !== DMA_STATUS.ok) return status;
    this.slot = access.slot;
    this.phys = access.phys + this.#delta;
    this.bytes = access.bytes;
    this.#nextAddr += access.bytes;
    this.#entryLeft -= access.bytes;
    this.left -= access.bytes;
    return status;
  }

  #enter(arena: Arena, write: boolean): number {
    const status = enterWindow(arena, this.#entry, write);
    if (status !== DMA_STATUS.ok) return status;
    this.#isEntered = true;
    this.entered += 1;
    this.#delta = windowDelta(arena, this.#entry);
    return status;
  }

  #load(arena: Arena): void {
    this.#isEntered = false;
    this.#nextAddr = arena.f64[(this.#entry + SG.dmaAddress) >>> 1] as number;
    this.#entryLeft = arena.u32[this.#entry + SG.dmaLength] as number;
  }
}
