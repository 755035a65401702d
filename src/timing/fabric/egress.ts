/**
 * Transfers of a function that wait for its DMA block, one direction: served in turn, one quantum each.
 *
 * Round robin is how a device shares its link among commands. The queue is a ring of stream numbers; `armed` says that an
 * event will come back for it. Nothing here allocates.
 */
export class Egress {
  armed = false;
  readonly #ring: Int32Array;
  #head = 0;
  #size = 0;

  /** `streams` bounds the transfers that can wait. */
  constructor(streams: number) {
    this.#ring = new Int32Array(Math.max(1, streams));
  }

  get size(): number {
    return this.#size;
  }

  push(stream: number): void {
    const at = this.#head + this.#size;
    this.#ring[at >= this.#ring.length ? at - this.#ring.length : at] = stream;
    this.#size += 1;
  }

  /** The stream whose turn it is; the queue must not be empty. */
  shift(): number {
    const stream = this.#ring[this.#head] as number;
    this.#head = this.#head + 1 === this.#ring.length ? 0 : this.#head + 1;
    this.#size -= 1;
    return stream;
  }
}
