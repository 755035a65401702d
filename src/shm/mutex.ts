/**
 * Mutex on one arena word.
 *
 * Words:      lock (any): 0 free, owner + 1 held, | PARKED when a waiter may sleep.
 * Invariants: only the owner releases; locks are taken in rising rank, one of a rank, never across
 *             a payload copy, a park or user code (the caller's duty; ranks stand in layout.ts).
 * Ordering:   acquire by compare-exchange, release by compare-exchange or store: all sequentially consistent, so
 *             plain stores under the lock are seen by the next owner.
 * Progress:   spins briefly, then sleeps with a deadline and looks again; a lock that does not come free in
 *             LOCK_DEADLINE_MS is reported with its owner by an exception, never waited for.
 * Forbidden:  two owners at once; a lost wake-up longer than the deadline.
 * Proof:      test/litmus/mutex.test.ts, test/proof
 */
import { compareExchange, load, notify, store, wait } from "./atomics.ts";

const PARKED = 0x10000;
const SPINS = 64;
const PARK_MS = 5;
/** Longer than any critical section and than the time in which a stuck owner is found, shorter than that in which a run with one must end. */
const LOCK_DEADLINE_MS = 2500;

/** A lock stayed with its owner: the owner is dead or stuck. */
export class LockHeldError extends Error {
  override readonly name = "LockHeldError";
  readonly owner: number;

  constructor(word: number, owner: number) {
    super(`the lock at word ${word} stayed with owner ${owner} for ${LOCK_DEADLINE_MS / 1000} s`);
    this.owner = owner;
  }
}

/** Takes the lock for `owner` (0..65534); returns after it is held. Throws LockHeldError when its owner does not release it. */
export function lock(words: Int32Array, word: number, owner: number): void {
  if (compareExchange(words, word, 0, owner + 1)) return;
  lockSlow(words, word, owner);
}

/** True when the lock was free and is now held by `owner`. */
export function tryLock(words: Int32Array, word: number, owner: number): boolean {
  return compareExchange(words, word, 0, owner + 1);
}

/** Gives the lock back. */
export function unlock(words: Int32Array, word: number, owner: number): void {
  if (compareExchange(words, word, owner + 1, 0)) return;
  store(words, word, 0);
  notify(words, word);
}

/** Owner of a held lock, -1 when free. */
export function lockOwner(words: Int32Array, word: number): number {
  return (load(words, word) & (PARKED - 1)) - 1;
}

function lockSlow(words: Int32Array, word: number, owner: number): void {
  for (let spin = 0; spin < SPINS; spin += 1) {
    if (load(words, word) === 0 && compareExchange(words, word, 0, owner + 1)) return;
  }
  for (let parked = 0; ; parked += 1) {
    const seen = load(words, word);
    if (parked * PARK_MS > LOCK_DEADLINE_MS && seen !== 0) throw new LockHeldError(word, (seen & (PARKED - 1)) - 1);
    if (seen === 0) {
      // The taker keeps PARKED set: it cannot know whether others still sleep.
      if (compareExchange(words, word, 0, (owner + 1) | PARKED)) return;
    } else if ((seen & PARKED) !== 0 || compareExchange(words, word, seen, seen | PARKED)) {
      wait(words, word, seen | PARKED, PARK_MS);
    }
  }
}
