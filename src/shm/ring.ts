/**
 * Single-producer single-consumer ring of fixed-size records.
 *
 * Words:      tail, headSeen (producer); head, tailSeen (consumer); slots (producer before publish).
 * States:     head <= tail <= head + depth (free-running 32-bit counters, compared by difference).
 * Invariants: slots [head, tail) are the consumer's, the others the producer's.
 * Ordering:   the producer writes a slot with plain stores, then publishes by one atomic store of
 *             tail; the consumer loads tail, reads slots, then frees them by one atomic store of head.
 * Progress:   both sides are wait-free; the cached copies spare an atomic load while there is room or work.
 * Forbidden:  a slot read before it was written; a slot overwritten before it was read.
 * Proof:      test/litmus/ring.test.ts, test/proof
 */
import { load, store } from "./atomics.ts";
import { RING } from "./layout.ts";

/** Producer: word index of the next free slot, or -1 when the ring is full. Write it, then {@link ringPublish}. */
export function ringReserve(
  words: Int32Array,
  ring: number,
  slots: number,
  slotWords: number,
  depth: number,
  ahead: number,
): number {
  const tail = ((words[ring + RING.tail] as number) + ahead) | 0;
  if (((tail - (words[ring + RING.headSeen] as number)) | 0) >= depth) {
    words[ring + RING.headSeen] = load(words, ring + RING.head);
    if (((tail - (words[ring + RING.headSeen] as number)) | 0) >= depth) return -1;
  }
  return slots + (tail & (depth - 1)) * slotWords;
}

/** Producer: hands `count` written slots to the consumer. */
export function ringPublish(words: Int32Array, ring: number, count: number): void {
  store(words, ring + RING.tail, ((words[ring + RING.tail] as number) + count) | 0);
}

/** Consumer: word index of the slot that is `ahead` slots behind the oldest, or -1 when there are not that many. */
export function ringPeek(
  words: Int32Array,
  ring: number,
  slots: number,
  slotWords: number,
  depth: number,
  ahead = 0,
): number {
  const at = ((words[ring + RING.head] as number) + ahead) | 0;
  if (at === (words[ring + RING.tailSeen] as number)) {
    words[ring + RING.tailSeen] = load(words, ring + RING.tail);
    if (at === (words[ring + RING.tailSeen] as number)) return -1;
  }
  return slots + (at & (depth - 1)) * slotWords;
}

/** Consumer: gives the oldest `count` slots back to the producer. One release a batch: the store waits for all stores before it. */
export function ringRelease(words: Int32Array, ring: number, count = 1): void {
  store(words, ring + RING.head, ((words[ring + RING.head] as number) + count) | 0);
}

/** Anyone: slots published and not yet released. */
export function ringUsed(words: Int32Array, ring: number): number {
  return (load(words, ring + RING.tail) - load(words, ring + RING.head)) | 0;
}

/** Anyone: slots released since the ring was made, modulo 2^32. */
export function ringConsumed(words: Int32Array, ring: number): number {
  return load(words, ring + RING.head);
}
