import { describe, expect, it } from "vitest";
import { parkBegin, parkCancel, parkSleep, ringBell } from "#dmasim/shm/doorbell.js";
import { RING, WORKER } from "#dmasim/shm/layout.js";
import { lock, lockOwner, tryLock, unlock } from "#dmasim/shm/mutex.js";
import { ringConsumed, ringPeek, ringPublish, ringRelease, ringReserve, ringUsed } from "#dmasim/shm/ring.js";
import { readBegin, readValid, writeBegin, writeEnd } from "#dmasim/shm/seqlock.js";

/** How a sleep on a word ends; main threads cannot block, but they can ask to be told. */
type WaitAsync = (
  words: Int32Array,
  word: number,
  value: number,
  timeoutMs: number,
) => { readonly value: "not-equal" | "timed-out" | Promise<"ok" | "timed-out"> };
const waitAsync = (Atomics as unknown as { waitAsync: WaitAsync }).waitAsync;
const LONG_MS = 5000;

function words(count = 256): Int32Array {
  return new Int32Array(new SharedArrayBuffer(count * 4));
}

describe("ring", () => {
  const RING_AT = 0;
  const SLOTS = RING.WORDS;
  const DEPTH = 4;

  it("is first in, first out, and full at its depth, over counter wrap-around", () => {
    const memory = words();
    for (const field of [RING.tail, RING.head, RING.headSeen, RING.tailSeen]) memory[RING_AT + field] = 0x7fffffff - 2;
    for (let round = 0; round < 4; round += 1) {
      expect(ringPeek(memory, RING_AT, SLOTS, 2, DEPTH)).toBe(-1);
      for (let i = 0; i < DEPTH; i += 1) {
        const slot = ringReserve(memory, RING_AT, SLOTS, 2, DEPTH, 0);
        memory[slot] = round * 10 + i;
        ringPublish(memory, RING_AT, 1);
      }
      expect(ringReserve(memory, RING_AT, SLOTS, 2, DEPTH, 0)).toBe(-1);
      expect(ringUsed(memory, RING_AT)).toBe(DEPTH);
      for (let i = 0; i < DEPTH; i += 1) {
        expect(memory[ringPeek(memory, RING_AT, SLOTS, 2, DEPTH)]).toBe(round * 10 + i);
        ringRelease(memory, RING_AT);
      }
    }
    expect(ringConsumed(memory, RING_AT)).toBe((0x7fffffff - 2 + 16) | 0);
  });

  it("publishes a batch at once", () => {
    const memory = words();
    for (let ahead = 0; ahead < 3; ahead += 1) {
      memory[ringReserve(memory, RING_AT, SLOTS, 1, DEPTH, ahead)] = ahead + 1;
    }
    expect(ringPeek(memory, RING_AT, SLOTS, 1, DEPTH)).toBe(-1);
    expect(ringReserve(memory, RING_AT, SLOTS, 1, DEPTH, DEPTH)).toBe(-1);
    ringPublish(memory, RING_AT, 3);
    expect(ringUsed(memory, RING_AT)).toBe(3);
    expect(memory[ringPeek(memory, RING_AT, SLOTS, 1, DEPTH)]).toBe(1);
  });
});

describe("mutex", () => {
  it("knows its owner and lets one in", () => {
    const memory = words();
    expect(lockOwner(memory, 3)).toBe(-1);
    lock(memory, 3, 41);
    expect(lockOwner(memory, 3)).toBe(41);
    expect(tryLock(memory, 3, 42)).toBe(false);
    unlock(memory, 3, 41);
    expect(tryLock(memory, 3, 0)).toBe(true);
    expect(lockOwner(memory, 3)).toBe(0);
    unlock(memory, 3, 0);
    expect(memory[3]).toBe(0);
  });

  it("wakes whoever sleeps on it at once", async () => {
    const memory = words();
    lock(memory, 3, 41);
    // What a waiter does before it sleeps.
    const parked = (memory[3] as number) | 0x10000;
    memory[3] = parked;
    const sleep = waitAsync(memory, 3, parked, LONG_MS);
    unlock(memory, 3, 41);
    expect(memory[3]).toBe(0);
    expect(await sleep.value).toBe("ok");
  });

  it("reports a lock that its owner never gives back", () => {
    const memory = words();
    lock(memory, 3, 41);
    expect(() => lock(memory, 3, 42)).toThrow("stayed with owner 41");
  });
});

describe("seqlock", () => {
  it("tells a reader that a write began or ended meanwhile", () => {
    const memory = words();
    const before = readBegin(memory, 0);
    expect(readValid(memory, 0, before)).toBe(true);
    const begun = writeBegin(memory, 0);
    expect(begun & 1).toBe(1);
    expect(readValid(memory, 0, before)).toBe(false);
    const during = readBegin(memory, 0);
    expect(readValid(memory, 0, during)).toBe(false);
    writeEnd(memory, 0, begun);
    expect(readValid(memory, 0, during)).toBe(false);
    expect(readValid(memory, 0, readBegin(memory, 0))).toBe(true);
  });
});

describe("doorbell", () => {
  it("rings only for a parked worker, and a bell rung before the sleep ends it at once", () => {
    const memory = words();
    ringBell(memory, 0);
    expect(memory[WORKER.bells]).toBe(0);
    const bells = parkBegin(memory, 0);
    expect(memory[WORKER.parked]).toBe(1);
    ringBell(memory, 0);
    const begun = performance.now();
    parkSleep(memory, 0, bells, 10_000);
    expect(performance.now() - begun).toBeLessThan(5000);
    expect(memory[WORKER.parked]).toBe(0);
    parkBegin(memory, 0);
    parkCancel(memory, 0);
    expect(memory[WORKER.parked]).toBe(0);
  });

  it("wakes a worker that sleeps already", async () => {
    const memory = words();
    const bells = parkBegin(memory, 0);
    const sleep = waitAsync(memory, WORKER.bells, bells, LONG_MS);
    ringBell(memory, 0);
    expect(await sleep.value).toBe("ok");
  });

  it("sleeps no longer than the deadline", () => {
    const memory = words();
    parkSleep(memory, 0, parkBegin(memory, 0), 1);
    expect(memory[WORKER.parked]).toBe(0);
  });
});
