/**
 * The event queue: a binary heap over typed arrays, totally ordered by (time, priority, sequence).
 *
 * The sequence number makes ties total, so a run is reproducible. Pushing and popping do not
 * allocate; growth doubles the arrays (a warm-up cost, never a steady one).
 */
export class EventQueue {
  /** Fields of the event that {@link pop} returned. */
  timePs = 0;
  kind = 0;
  subject = 0;
  detail = 0;
  #size = 0;
  #sequence = 0;
  #time: Float64Array;
  /** priority * 2^40 + sequence: one comparison decides ties. */
  #order: Float64Array;
  #kind: Int32Array;
  #subject: Int32Array;
  #detail: Int32Array;

  constructor(capacity = 1024) {
    this.#time = new Float64Array(capacity);
    this.#order = new Float64Array(capacity);
    this.#kind = new Int32Array(capacity);
    this.#subject = new Int32Array(capacity);
    this.#detail = new Int32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  /** Time of the earliest event; Infinity when empty. */
  get nextPs(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#time[0] as number);
  }

  /** Schedules an event; lower priorities run first at equal times. */
  push(timePs: number, priority: number, kind: number, subject: number, detail: number): void {
    if (this.#size === this.#time.length) this.#grow();
    const order = priority * 2 ** 40 + this.#sequence;
    this.#sequence += 1;
    let at = this.#size;
    this.#size += 1;
    const times = this.#time;
    const orders = this.#order;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const parentTime = times[parent] as number;
      if (parentTime < timePs || (parentTime === timePs && (orders[parent] as number) < order)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#set(at, timePs, order, kind, subject, detail);
  }

  /** Takes the earliest event into the public fields; false when the queue is empty. */
  pop(): boolean {
    if (this.#size === 0) return false;
    this.timePs = this.#time[0] as number;
    this.kind = this.#kind[0] as number;
    this.subject = this.#subject[0] as number;
    this.detail = this.#detail[0] as number;
    this.#size -= 1;
    if (this.#size > 0) this.#sink();
    return true;
  }

  /** Takes `shiftPs` off every queued time (the epoch moved); order does not change. */
  rebase(shiftPs: number): void {
    for (let i = 0; i < this.#size; i += 1) this.#time[i] = (this.#time[i] as number) - shiftPs;
  }

  /** Moves the last event to the root and down to its place. */
  #sink(): void {
    const last = this.#size;
    const timePs = this.#time[last] as number;
    const order = this.#order[last] as number;
    const kind = this.#kind[last] as number;
    const subject = this.#subject[last] as number;
    const detail = this.#detail[last] as number;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#before(child + 1, child)) child += 1;
      const childTime = this.#time[child] as number;
      if (childTime > timePs || (childTime === timePs && (this.#order[child] as number) > order)) break;
      this.#move(child, at);
      at = child;
    }
    this.#set(at, timePs, order, kind, subject, detail);
  }

  #before(a: number, b: number): boolean {
    const timeA = this.#time[a] as number;
    const timeB = this.#time[b] as number;
    return timeA < timeB || (timeA === timeB && (this.#order[a] as number) < (this.#order[b] as number));
  }

  #move(from: number, to: number): void {
    this.#time[to] = this.#time[from] as number;
    this.#order[to] = this.#order[from] as number;
    this.#kind[to] = this.#kind[from] as number;
    this.#subject[to] = this.#subject[from] as number;
    this.#detail[to] = this.#detail[from] as number;
  }

  #set(at: number, timePs: number, order: number, kind: number, subject: number, detail: number): void {
    this.#time[at] = timePs;
    this.#order[at] = order;
    this.#kind[at] = kind;
    this.#subject[at] = subject;
    this.#detail[at] = detail;
  }

  #grow(): void {
    this.#time = grown(this.#time, new Float64Array(this.#time.length * 2));
    this.#order = grown(this.#order, new Float64Array(this.#order.length * 2));
    this.#kind = grown(this.#kind, new Int32Array(this.#kind.length * 2));
    this.#subject = grown(this.#subject, new Int32Array(this.#subject.length * 2));
    this.#detail = grown(this.#detail, new Int32Array(this.#detail.length * 2));
  }
}

function grown<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
