/**
 * The transfers of dmatest (drivers/dma/dmatest.c): random lengths between random places of two buffers.
 *
 * Number `io` of a thread is a function of (seed, thread, io) alone: both clocks draw the same, and a report can say afterwards
 * what a transfer was.
 */
import { mix32 } from "../../base/prng.ts";

/** dmatest's transfers, instead of a walk through the areas of a copy job. */
export interface CopyTest {
  /** Queue of the device. */
  readonly channel: number;
  /** Number of the thread in the test: its stream of random draws. */
  readonly thread: number;
  readonly bufBytes: number;
  /** Lengths and offsets are multiples of 2^alignShift. */
  readonly alignShift: number;
  /** Length of every transfer; 0 = `random` decides. */
  readonly transferBytes: number;
  /** Random lengths and offsets, else the whole buffer. */
  readonly random: boolean;
}

/** One transfer, overwritten by each {@link at}. */
export class CopyTestDraw {
  bytes = 0;
  sourceOffset = 0;
  destinationOffset = 0;
  readonly #test: CopyTest;
  readonly #seed: number;

  constructor(test: CopyTest, seed: number) {
    this.#test = test;
    this.#seed = mix32(seed ^ mix32(test.thread + 0x9e3779b9));
  }

  /** Draws transfer number `io`; does not allocate. */
  at(io: number): void {
    const { bufBytes, transferBytes, random } = this.#test;
    const bytes = transferBytes > 0 ? transferBytes : random ? this.#below(io, 0, bufBytes) + 1 : bufBytes;
    this.bytes = this.#aligned(bytes) || 2 ** this.#test.alignShift;
    this.sourceOffset = random ? this.#aligned(this.#below(io, 1, bufBytes - this.bytes + 1)) : 0;
    this.destinationOffset = random ? this.#aligned(this.#below(io, 2, bufBytes - this.bytes + 1)) : 0;
  }

  /** Uniform enough in [0, n): draw number `which` of transfer `io`. */
  #below(io: number, which: number, n: number): number {
    const high = Math.floor(io / 2 ** 32);
    const word = mix32(this.#seed ^ mix32(io ^ mix32(3 * high + which)));
    return Math.floor((word / 2 ** 32) * n);
  }

  #aligned(bytes: number): number {
    const unit = 2 ** this.#test.alignShift;
    return Math.floor(bytes / unit) * unit;
  }
}
