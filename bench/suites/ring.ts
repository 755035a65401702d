/**
 * The ring of shm/ring.ts: cost of a slot on one thread, and of handing one over to another thread.
 *
 * Measured: push and pop of a 16-byte record beside a ring without atomics; round trips between two threads that spin or park,
 * beside the same round trip over one word with bare `Atomics`. A hand-over is half a round trip.
 * Not measured: batches (publishing many slots costs the same one store).
 */
import { ringPeek, ringPublish, ringRelease, ringReserve } from "../../src/shm/ring.ts";
import { type BenchGroup, type BenchSuite, type Effort, timed } from "../case.ts";
import { DEPTH, FIRST, HANDOVER_BYTES, SLOT_WORDS, SLOTS } from "../threads/handover_layout.ts";
import type { HandoverTask } from "../threads/handover_thread.ts";
import { runThread } from "../threads/thread.ts";

const OPS = 50_000;

class OneThread {
  readonly #words = new Int32Array(new SharedArrayBuffer(HANDOVER_BYTES));
  readonly #plain = new Int32Array(DEPTH * SLOT_WORDS);
  #plainAt = 0;
  #pushed = 0;
  #popped = 0;

  ring(): void {
    const words = this.#words;
    for (let i = 0; i < OPS; i += 1) {
      const slot = ringReserve(words, FIRST, SLOTS, SLOT_WORDS, DEPTH, 0);
      words[slot] = i;
      ringPublish(words, FIRST, 1);
      const taken = ringPeek(words, FIRST, SLOTS, SLOT_WORDS, DEPTH);
      this.#popped = (this.#popped + (words[taken] as number)) | 0;
      ringRelease(words, FIRST);
      this.#pushed = (this.#pushed + i) | 0;
    }
  }

  plain(): void {
    const words = this.#plain;
    for (let i = 0; i < OPS; i += 1) {
      const slot = (this.#plainAt & (DEPTH - 1)) * SLOT_WORDS;
      words[slot] = i;
      this.#plainAt = (this.#plainAt + 1) | 0;
      this.#popped = (this.#popped + (words[slot] as number)) | 0;
      this.#pushed = (this.#pushed + i) | 0;
    }
  }

  check(): string | null {
    return this.#pushed === this.#popped ? null : "the slots that were taken are not those that were put";
  }
}

function oneThread(): BenchGroup {
  const work = new OneThread();
  return {
    title: "one thread",
    cases: [
      { name: "ring without atomics", sample: () => timed(OPS, () => work.plain()) },
      { name: "push and pop", baseline: "ring without atomics", sample: () => timed(OPS, () => work.ring()) },
    ],
    check: () => work.check(),
  };
}

function twoThreads(parked: boolean, effort: Effort): BenchGroup {
  const how = parked ? "parked" : "spinning";
  const rounds = effort.smoke ? 20 : parked ? 2000 : 200_000;
  let wrong: string | null = null;
  const sample = (bare: boolean) => async () => {
    const words = new Int32Array(new SharedArrayBuffer(HANDOVER_BYTES));
    const task = (side: number): HandoverTask => ({ words, side, rounds, parked, bare });
    const [first, second] = await Promise.all(
      [0, 1].map((side) => runThread<{ ms: number; sum: number }>("handover_thread.js", task(side))),
    );
    const expected = ((rounds * (rounds - 1)) / 2) | 0;
    if (first?.sum !== expected || second?.sum !== expected) wrong = `${how}: a message was lost or came twice`;
    return { ops: rounds * 2, ms: first?.ms ?? Number.NaN };
  };
  const baseline = `one word, ${how}`;
  return {
    title: `hand-over between two threads, ${how}`,
    cases: [
      { name: baseline, long: true, sample: sample(true) },
      { name: `ring, ${how}`, long: true, baseline, sample: sample(false) },
    ],
    check: () => wrong,
  };
}

function* groups(effort: Effort): Generator<BenchGroup> {
  yield oneThread();
  yield twoThreads(false, effort);
  yield twoThreads(true, effort);
}

export const RING: BenchSuite = { name: "ring", title: "the ring between two parties", groups };
