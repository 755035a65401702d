/**
 * Units that requests hold until their own time: tags of a device function, each held by an outstanding read request until its last
 * completion has arrived, and header credits of its link, each held by a posted TLP until the receiver has passed it on.
 *
 * Source: PCI Express Base Specification, transaction descriptor (5, 8 or 10 tag bits). The pool belongs to the function:
 * more queues add no tags. Kept as a ring sorted by release time, because completions mostly end in order.
 */
import type { ServerStats } from "../server.ts";

/** Tags, or credits, of one function. */
export class TagPool implements ServerStats {
  readonly name: string;
  readonly kind: string;
  readonly width: number;
  busyPs = 0;
  waitPs = 0;
  /** When all tags of the last {@link take} are held. */
  lastPs = 0;
  #takenPs = 0;
  readonly #freeAtPs: Float64Array;
  #head = 0;

  constructor(name: string, kind: string, count: number) {
    this.name = name;
    this.kind = kind;
    this.width = count;
    this.#freeAtPs = new Float64Array(count);
  }

  /** Time at which the next tag is free. */
  get nextPs(): number {
    return this.#freeAtPs[this.#head] as number;
  }

  /**
   * Takes `count` tags, those that are free first; returns when the first is held, and sets {@link lastPs} to when all are.
   * Must be followed by {@link release}.
   */
  take(nowPs: number, count: number): number {
    const taken = Math.min(count, this.width);
    const last = this.#head + taken - 1;
    const startPs = Math.max(nowPs, this.#freeAtPs[this.#head] as number);
    this.lastPs = Math.max(startPs, this.#freeAtPs[last >= this.width ? last - this.width : last] as number);
    this.waitPs += startPs - nowPs;
    this.#takenPs = startPs;
    this.#head = last + 1 >= this.width ? last + 1 - this.width : last + 1;
    return startPs;
  }

  /** The `count` tags taken last will be free one after the other, `stepPs` apart, the last at `atPs`. */
  release(atPs: number, count: number, stepPs: number): void {
    const free = this.#freeAtPs;
    const size = this.width;
    const taken = Math.min(count, size);
    this.busyPs += (atPs - this.#takenPs) * taken;
    // Sorted insertion from the back: move the tags that are held for longer than the last new one, then write the new ones.
    let to = this.#head === 0 ? size - 1 : this.#head - 1;
    for (let left = size - taken; left > 0; left -= 1) {
      const from = to >= taken ? to - taken : to - taken + size;
      const heldPs = free[from] as number;
      if (heldPs <= atPs) break;
      free[to] = heldPs;
      to = to === 0 ? size - 1 : to - 1;
    }
    for (let i = 0; i < taken; i += 1) {
      free[to] = atPs - i * stepPs;
      to = to === 0 ? size - 1 : to - 1;
    }
  }

  rebase(shiftPs: number): void {
    for (let i = 0; i < this.width; i += 1) this.#freeAtPs[i] = (this.#freeAtPs[i] as number) - shiftPs;
  }
}
