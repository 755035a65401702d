/**
 * The event queue: a 4-ary heap over typed arrays, totally ordered by (time, priority, sequence).
 *
 * The sequence number makes ties total, so a run is reproducible. Pushing and popping do not
 * allocate; growth doubles the arrays (a warm-up cost, never a steady one). A heap entry is three doubles: time, order, and
 * what happens, packed; four children a node make it half as deep as a binary one.
 */
import { assert } from "../base/assert.ts";

/** Limits of the packed event: kinds, subjects, details. */
const DETAILS = 2 ** 20;
const SUBJECTS = 2 ** 24;
const KINDS = 2 ** 8;

/** Events of one run. */
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
  /** (kind * SUBJECTS + subject) * DETAILS + detail. */
  #what: Float64Array;

  constructor(capacity = 1024) {
    this.#time = new Float64Array(capacity);
    this.#order = new Float64Array(capacity);
    this.#what = new Float64Array(capacity);
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
    assert(kind < KINDS && subject < SUBJECTS && detail < DETAILS, "the event fits its packed form");
    if (this.#size === this.#time.length) this.#grow();
    const order = priority * 2 ** 40 + this.#sequence;
    this.#sequence += 1;
    const times = this.#time;
    const orders = this.#order;
    const whats = this.#what;
    let at = this.#size;
    this.#size += 1;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      const parentTime = times[parent] as number;
      if (parentTime < timePs || (parentTime === timePs && (orders[parent] as number) < order)) break;
      times[at] = parentTime;
      orders[at] = orders[parent] as number;
      whats[at] = whats[parent] as number;
      at = parent;
    }
    times[at] = timePs;
    orders[at] = order;
    whats[at] = (kind * SUBJECTS + subject) * DETAILS + detail;
  }

  /** Takes the earliest event into the public fields; false when the queue is empty. */
  pop(): boolean {
    if (this.#size === 0) return false;
    this.timePs = this.#time[0] as number;
    const what = this.#what[0] as number;
    const where = Math.floor(what / DETAILS);
    this.detail = what - where * DETAILS;
    this.kind = Math.floor(where / SUBJECTS);
    this.subject = where - this.kind * SUBJECTS;
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
    const times = this.#time;
    const orders = this.#order;
    const whats = this.#what;
    const last = this.#size;
    const timePs = times[last] as number;
    const order = orders[last] as number;
    let at = 0;
    for (;;) {
      const first = 4 * at + 1;
      if (first >= last) break;
      const end = first + 4 < last ? first + 4 : last;
      let least = first;
      let leastTime = times[first] as number;
      for (let child = first + 1; child < end; child += 1) {
        const childTime = times[child] as number;
        if (childTime > leastTime) continue;
        if (childTime === leastTime && (orders[child] as number) > (orders[least] as number)) continue;
        least = child;
        leastTime = childTime;
      }
      if (leastTime > timePs || (leastTime === timePs && (orders[least] as number) > order)) break;
      times[at] = leastTime;
      orders[at] = orders[least] as number;
      whats[at] = whats[least] as number;
      at = least;
    }
    times[at] = timePs;
    orders[at] = order;
    whats[at] = whats[last] as number;
  }

  #grow(): void {
    this.#time = doubled(this.#time);
    this.#order = doubled(this.#order);
    this.#what = doubled(this.#what);
  }
}

function doubled(from: Float64Array): Float64Array {
  const to = new Float64Array(from.length * 2);
  to.set(from);
  return to;
}
