/**
 * The event queue of the virtual clock at a steady number of pending events.
 *
 * Measured: pop the earliest, push one at a random later time; a total order by time, priority and sequence.
 * The baseline is the same heap with times only: no payload and no order among equal times.
 * Not measured: what events do (suite virtual).
 */
import { Prng } from "../../src/base/prng.ts";
import { EventQueue } from "../../src/timing/event_queue.ts";
import { BareHeap } from "../bare_heap.ts";
import { type BenchGroup, type BenchSuite, timed } from "../case.ts";

const OPS = 20_000;
const GAPS = 4096;
const GAP_PS_MAX = 1_000_000;

function* groups(): Generator<BenchGroup> {
  for (const pending of [64, 4096]) yield group(pending);
}

function group(pending: number): BenchGroup {
  const prng = new Prng(11, pending);
  const gaps = Float64Array.from({ length: GAPS }, () => 1 + prng.below(GAP_PS_MAX));
  const queue = new EventQueue();
  const bare = new BareHeap(pending + 1);
  for (let i = 0; i < pending; i += 1) {
    queue.push(gaps[i] as number, 0, 1, i, 0);
    bare.push(gaps[i] as number);
  }
  const baseline = `bare heap, ${pending} pending`;
  return {
    title: `${pending} pending`,
    cases: [
      { name: baseline, sample: () => timed(OPS, () => turnBare(bare, gaps)) },
      { name: `event queue, ${pending} pending`, baseline, sample: () => timed(OPS, () => turnQueue(queue, gaps)) },
    ],
    check: () => checkOrder(queue, pending),
  };
}

function turnQueue(queue: EventQueue, gaps: Float64Array): void {
  for (let i = 0; i < OPS; i += 1) {
    queue.pop();
    queue.push(queue.timePs + (gaps[i & (GAPS - 1)] as number), 0, 1, i, 0);
  }
}

function turnBare(heap: BareHeap, gaps: Float64Array): void {
  for (let i = 0; i < OPS; i += 1) heap.push(heap.pop() + (gaps[i & (GAPS - 1)] as number));
}

/** Empties the queue: as many events as were pending, in rising order. */
function checkOrder(queue: EventQueue, pending: number): string | null {
  let last = 0;
  let count = 0;
  while (queue.pop()) {
    if (queue.timePs < last) return `an event at ${queue.timePs} came behind one at ${last}`;
    last = queue.timePs;
    count += 1;
  }
  return count === pending ? null : `${count} events were left of ${pending}`;
}

export const EVENTS: BenchSuite = { name: "events", title: "event queue, pop and push", groups };
