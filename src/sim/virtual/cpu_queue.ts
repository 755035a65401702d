/** Work that waits for simulated CPUs: one FIFO a CPU over preallocated nodes. */
export const WORK = Object.freeze({ submit: 0, complete: 1 });

/** Queues of all CPUs; `busy` marks those that run an item. Neither push nor take allocates. */
export class CpuQueue {
  /** The item that {@link take} removed. */
  kind = 0;
  clone = 0;
  tag = 0;
  readonly busy: Uint8Array;
  readonly #first: Int32Array;
  readonly #last: Int32Array;
  readonly #next: Int32Array;
  readonly #kind: Uint8Array;
  readonly #clone: Int32Array;
  readonly #tag: Int32Array;
  #free = 0;

  /** `items` bounds the work that can wait at a time. */
  constructor(cpus: number, items: number) {
    this.busy = new Uint8Array(cpus);
    this.#first = new Int32Array(cpus).fill(-1);
    this.#last = new Int32Array(cpus).fill(-1);
    this.#next = Int32Array.from({ length: items }, (_, i) => (i + 1 < items ? i + 1 : -1));
    this.#kind = new Uint8Array(items);
    this.#clone = new Int32Array(items);
    this.#tag = new Int32Array(items);
  }

  put(cpu: number, kind: number, clone: number, tag: number): void {
    const node = this.#free;
    this.#free = this.#next[node] as number;
    this.#kind[node] = kind;
    this.#clone[node] = clone;
    this.#tag[node] = tag;
    this.#next[node] = -1;
    const last = this.#last[cpu] as number;
    if (last < 0) this.#first[cpu] = node;
    else this.#next[last] = node;
    this.#last[cpu] = node;
  }

  /** Removes the oldest item of a CPU into the public fields; false when it has none. */
  take(cpu: number): boolean {
    const node = this.#first[cpu] as number;
    if (node < 0) return false;
    this.kind = this.#kind[node] as number;
    this.clone = this.#clone[node] as number;
    this.tag = this.#tag[node] as number;
    this.#first[cpu] = this.#next[node] as number;
    if ((this.#first[cpu] as number) < 0) this.#last[cpu] = -1;
    this.#next[node] = this.#free;
    this.#free = node;
    return true;
  }
}
