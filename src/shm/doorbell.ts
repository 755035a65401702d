/**
 * Doorbell: how a producer wakes a worker that has nothing to do.
 *
 * Words:      bells (producers, fetch-add), parked (the worker).
 * States:     awake (parked = 0), parked (parked = 1 and sleeping on bells).
 * Invariants: the worker sets parked, then looks at its rings again, then sleeps on the value of
 *             bells that it loaded before looking; a producer publishes, then loads parked.
 * Ordering:   store-load on both sides is sequentially consistent, so either the producer sees
 *             parked or the worker sees the published work (Dekker).
 * Progress:   every sleep has a deadline; a lost wake-up costs at most that.
 * Forbidden:  work published, worker asleep, producer saw parked = 0.
 * Proof:      test/litmus/doorbell.test.ts, test/proof
 */
import { fetchAdd, load, notify, store, wait } from "./atomics.ts";
import { WORKER } from "./layout.ts";

/** Producer: after publishing to a ring that `worker` (word index of its record) consumes. */
export function ringBell(words: Int32Array, worker: number): void {
  if (load(words, worker + WORKER.parked) === 0) return;
  fetchAdd(words, worker + WORKER.bells, 1);
  notify(words, worker + WORKER.bells);
}

/** Consumer, step 1: announces that it will sleep; returns the value to pass to {@link parkSleep}. Look for work after it. */
export function parkBegin(words: Int32Array, worker: number): number {
  store(words, worker + WORKER.parked, 1);
  return load(words, worker + WORKER.bells);
}

/** Consumer, step 2: no work was found, sleep until a bell or the deadline. */
export function parkSleep(words: Int32Array, worker: number, bellsSeen: number, deadlineMs: number): void {
  wait(words, worker + WORKER.bells, bellsSeen, deadlineMs);
  store(words, worker + WORKER.parked, 0);
}

/** Consumer, step 2 when work was found after all. */
export function parkCancel(words: Int32Array, worker: number): void {
  store(words, worker + WORKER.parked, 0);
}
