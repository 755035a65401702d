/**
 * Credits of an in-order buffer: TLP headers of a link's receiver, or cachelines of a root complex's buffers.
 *
 * Source: PCI Express Base Specification, flow control; "Understanding the Host Network" (SIGCOMM 2024) for the lines of an IIO
 * stack. What enters first leaves first, so a burst can enter when the oldest ones that are in its way have left.
 */
import type { ServerStats } from "../server.ts";

/** Places of one buffer, held by bursts of several units. */
export class CreditRing implements ServerStats {
  readonly name: string;
  readonly kind = "credits";
  readonly width: number;
  busyPs = 0;
  waitPs = 0;
  /** Bursts inside, oldest at `head`: units, and when they leave. */
  readonly #units: Int32Array;
  readonly #leavesAtPs: Float64Array;
  #head = 0;
  #size = 0;
  #used = 0;
  #enteredPs = 0;

  constructor(name: string, count: number) {
    this.name = name;
    this.width = count;
    this.#units = new Int32Array(count);
    this.#leavesAtPs = new Float64Array(count);
  }

  /** Earliest time at which `units` fit, not before `nowPs`; a burst larger than the buffer waits for all of it. */
  enter(nowPs: number, units: number): number {
    const free = this.width - Math.min(units, this.width);
    let startPs = nowPs;
    while (this.#used > free) {
      const leavesPs = this.#leavesAtPs[this.#head] as number;
      if (leavesPs > startPs) startPs = leavesPs;
      this.#used -= this.#units[this.#head] as number;
      this.#head = this.#head + 1 === this.width ? 0 : this.#head + 1;
      this.#size -= 1;
    }
    this.waitPs += startPs - nowPs;
    this.#enteredPs = startPs;
    return startPs;
  }

  /** The burst that entered last leaves at `atPs`. */
  leave(atPs: number, units: number): void {
    const held = Math.min(units, this.width);
    const at = this.#head + this.#size;
    const slot = at >= this.width ? at - this.width : at;
    this.#units[slot] = held;
    this.#leavesAtPs[slot] = atPs;
    this.#size += 1;
    this.#used += held;
    this.busyPs += (atPs - this.#enteredPs) * held;
  }

  rebase(shiftPs: number): void {
    for (let i = 0; i < this.width; i += 1) this.#leavesAtPs[i] = (this.#leavesAtPs[i] as number) - shiftPs;
    this.#enteredPs -= shiftPs;
  }
}
