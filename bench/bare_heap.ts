/** A binary heap of numbers and nothing else: what the event queue is compared with. */
export class BareHeap {
  readonly #times: Float64Array;
  #size = 0;

  constructor(capacity: number) {
    this.#times = new Float64Array(capacity);
  }

  push(time: number): void {
    const times = this.#times;
    let at = this.#size;
    this.#size += 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((times[parent] as number) <= time) break;
      times[at] = times[parent] as number;
      at = parent;
    }
    times[at] = time;
  }

  /** The smallest; the heap is not empty. */
  pop(): number {
    const times = this.#times;
    const first = times[0] as number;
    this.#size -= 1;
    const size = this.#size;
    const time = times[size] as number;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && (times[child + 1] as number) < (times[child] as number)) child += 1;
      if ((times[child] as number) >= time) break;
      times[at] = times[child] as number;
      at = child;
    }
    times[at] = time;
    return first;
  }
}
