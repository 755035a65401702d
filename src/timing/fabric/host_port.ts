/**
 * Root complex port group: the buffers that all functions below it share, and the latency to memory behind it.
 *
 * Sources: "Understanding the Host Network" (SIGCOMM 2024): about 92 cachelines of posted writes and at least 164 of reads per IIO
 * stack, 300 ns to the memory controller; "Understanding PCIe performance" (SIGCOMM 2018) for read latency.
 */

import type { ServerStats } from "../server.ts";
import { CreditRing } from "./credits.ts";
import type { RootComplexShape } from "./shape.ts";

const LINE_BYTES = 64;

/** Buffers of one port group. Calls must come in order of arrival. */
export class HostPort {
  readonly name: string;
  readonly shape: RootComplexShape;
  readonly #writes: CreditRing;
  readonly #reads: CreditRing;
  /** Commits of posted writes are in order: end of the last. */
  #committedPs = 0;

  constructor(name: string, shape: RootComplexShape) {
    this.name = name;
    this.shape = shape;
    this.#writes = new CreditRing(`${name} write buffer`, shape.writeLines);
    this.#reads = new CreditRing(`${name} read buffer`, shape.readLines);
  }

  /**
   * A posted write that arrives at `nowPs` and is translated at `translatedPs` enters memory: writes commit in order, so one
   * that waits for its translation holds back those behind it. Returns when it has left the link's receiver.
   */
  commit(nowPs: number, translatedPs: number, bytes: number, memoryPs: number): number {
    const lines = linesOf(bytes);
    const orderedPs = Math.max(this.#committedPs, this.#writes.enter(nowPs, lines), translatedPs);
    this.#committedPs = orderedPs;
    this.#writes.leave(orderedPs + this.shape.writePs + memoryPs, lines);
    return orderedPs;
  }

  /**
   * Time at which a read of `bytes` finds room, and holds it for `heldPs`. A read request does not pass posted writes that
   * came before it.
   */
  admitRead(nowPs: number, bytes: number, heldPs: number): number {
    const lines = linesOf(bytes);
    const startPs = this.#reads.enter(Math.max(nowPs, this.#committedPs), lines);
    this.#reads.leave(startPs + heldPs, lines);
    return startPs;
  }

  servers(): readonly ServerStats[] {
    return [this.#writes, this.#reads];
  }

  rebase(shiftPs: number): void {
    this.#writes.rebase(shiftPs);
    this.#reads.rebase(shiftPs);
    this.#committedPs -= shiftPs;
  }
}

function linesOf(bytes: number): number {
  return Math.ceil(bytes / LINE_BYTES);
}
