/**
 * Sequence lock on one arena word: readers never write, writers exclude each other.
 *
 * Words:      seq (any writer): even = stable, odd = being written.
 * Invariants: a reader that saw the same even value before and after has read one consistent record.
 * Ordering:   every load and store of seq is sequentially consistent; the plain words between are
 *             bracketed by them.
 * Progress:   readers that see a change treat the record as absent or retry; a writer that finds an
 *             odd value spins (the section is a few plain stores, never a park).
 * Forbidden:  a reader that returns a mix of two writes.
 * Proof:      test/litmus/seqlock.test.ts, test/proof
 */
import { compareExchange, load, store } from "./atomics.ts";

/** Value to pass to {@link readValid}; odd means that a write is going on. */
export function readBegin(words: Int32Array, word: number): number {
  return load(words, word);
}

/** True when nothing was written since {@link readBegin} returned `begun`. */
export function readValid(words: Int32Array, word: number, begun: number): boolean {
  return (begun & 1) === 0 && load(words, word) === begun;
}

/** Excludes other writers; returns the odd value to give back to {@link writeEnd}. */
export function writeBegin(words: Int32Array, word: number): number {
  for (;;) {
    const seen = load(words, word);
    if ((seen & 1) === 0 && compareExchange(words, word, seen, (seen + 1) | 0)) return (seen + 1) | 0;
  }
}

/** Publishes the record. */
export function writeEnd(words: Int32Array, word: number, begun: number): void {
  store(words, word, (begun + 1) | 0);
}
