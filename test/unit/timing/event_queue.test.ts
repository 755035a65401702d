import { describe, expect, it } from "vitest";
import { Prng } from "#dmasim/base/prng.js";
import { EventQueue } from "#dmasim/timing/event_queue.js";

interface Model {
  readonly timePs: number;
  readonly priority: number;
  readonly number: number;
}

/** The order that the queue promises: time, priority, sequence. */
function earlier(a: Model, b: Model): number {
  return a.timePs - b.timePs || a.priority - b.priority || a.number - b.number;
}

/** Pushes and pops at random around `pending` events whose times often coincide; every event must come out as in a sorted list. */
function compare(pending: number, rounds: number, seed: number): void {
  const prng = new Prng(seed, 1);
  const queue = new EventQueue(4);
  const model: Model[] = [];
  let nowPs = 0;
  for (let number = 0; number < rounds; number += 1) {
    const soon = prng.below(4) > 0;
    const event = { timePs: nowPs + prng.below(soon ? 8 : 2000), priority: prng.below(4), number };
    queue.push(event.timePs, event.priority, number & 127, number & 0xffffff, number);
    model.push(event);
    while (model.length > prng.below(2 * pending)) {
      model.sort(earlier);
      expect(queue.size).toBe(model.length);
      const next = model.shift() as Model;
      expect(queue.nextPs).toBe(next.timePs);
      expect(queue.pop()).toBe(true);
      expect([queue.timePs, queue.kind, queue.subject, queue.detail]).toEqual([
        next.timePs,
        next.number & 127,
        next.number & 0xffffff,
        next.number,
      ]);
      nowPs = next.timePs;
    }
    if (number === rounds / 2) {
      // The epoch moves: all times together.
      queue.rebase(nowPs);
      for (const [index, entry] of model.entries()) model[index] = { ...entry, timePs: entry.timePs - nowPs };
      nowPs = 0;
    }
  }
}

describe("event queue", () => {
  it.each([
    [3, 2000],
    [60, 4000],
    [300, 4000],
  ])("keeps the order of time, priority and sequence with about %i pending", (pending, rounds) => {
    for (let seed = 1; seed <= 4; seed += 1) compare(pending, rounds, seed);
  });

  it("is empty at the end", () => {
    const queue = new EventQueue();
    for (let i = 0; i < 200; i += 1) queue.push(1000 - i, 0, 1, i, 0);
    for (let i = 199; i >= 0; i -= 1) {
      expect(queue.pop()).toBe(true);
      expect(queue.subject).toBe(i);
    }
    expect(queue.pop()).toBe(false);
    expect(queue.nextPs).toBe(Number.POSITIVE_INFINITY);
  });

  it("refuses what its packed form cannot hold", () => {
    expect(() => new EventQueue().push(0, 0, 256, 0, 0)).toThrow(/fits its packed form/);
  });
});
