/** One of two threads that hand numbers to each other: thread 0 sends, thread 1 sends back what it got. */
import { parentPort, workerData } from "node:worker_threads";
import { parkBegin, parkCancel, parkSleep, ringBell } from "../../src/shm/doorbell.ts";
import { WORKER } from "../../src/shm/layout.ts";
import { ringPeek, ringPublish, ringRelease, ringReserve } from "../../src/shm/ring.ts";
import { BACK, BACK_SLOTS, BELLS, DEPTH, FIRST, PING, PONG, SLOT_WORDS, SLOTS } from "./handover_layout.ts";

export interface HandoverTask {
  readonly words: Int32Array;
  readonly side: number;
  readonly rounds: number;
  /** Sleep while there is nothing, else spin. */
  readonly parked: boolean;
  /** One word each way with bare Atomics instead of rings and doorbells. */
  readonly bare: boolean;
}

const PARK_MS_MAX = 100;

class RingSide {
  readonly #words: Int32Array;
  readonly #parked: boolean;
  readonly #out: number;
  readonly #outSlots: number;
  readonly #in: number;
  readonly #inSlots: number;
  readonly #bell: number;
  readonly #otherBell: number;

  constructor(task: HandoverTask) {
    const sends = task.side === 0;
    this.#words = task.words;
    this.#parked = task.parked;
    this.#out = sends ? FIRST : BACK;
    this.#outSlots = sends ? SLOTS : BACK_SLOTS;
    this.#in = sends ? BACK : FIRST;
    this.#inSlots = sends ? BACK_SLOTS : SLOTS;
    this.#bell = BELLS + task.side * WORKER.WORDS;
    this.#otherBell = BELLS + (1 - task.side) * WORKER.WORDS;
  }

  send(value: number): void {
    const words = this.#words;
    words[ringReserve(words, this.#out, this.#outSlots, SLOT_WORDS, DEPTH, 0)] = value;
    ringPublish(words, this.#out, 1);
    ringBell(words, this.#otherBell);
  }

  receive(): number {
    let slot = this.#peek();
    while (slot < 0) {
      if (this.#parked) this.#park();
      slot = this.#peek();
    }
    const value = this.#words[slot] as number;
    ringRelease(this.#words, this.#in);
    return value;
  }

  #peek(): number {
    return ringPeek(this.#words, this.#in, this.#inSlots, SLOT_WORDS, DEPTH);
  }

  #park(): void {
    const bells = parkBegin(this.#words, this.#bell);
    if (this.#peek() >= 0) parkCancel(this.#words, this.#bell);
    else parkSleep(this.#words, this.#bell, bells, PARK_MS_MAX);
  }
}

/** The baseline: value + 1 in one word each way. */
class WordSide {
  readonly #words: Int32Array;
  readonly #parked: boolean;
  readonly #out: number;
  readonly #in: number;
  #seen = 0;

  constructor(task: HandoverTask) {
    this.#words = task.words;
    this.#parked = task.parked;
    this.#out = task.side === 0 ? PING : PONG;
    this.#in = task.side === 0 ? PONG : PING;
  }

  send(value: number): void {
    Atomics.store(this.#words, this.#out, value + 1);
    if (this.#parked) Atomics.notify(this.#words, this.#out);
  }

  receive(): number {
    let now = Atomics.load(this.#words, this.#in);
    while (now === this.#seen) {
      if (this.#parked) Atomics.wait(this.#words, this.#in, now, PARK_MS_MAX);
      now = Atomics.load(this.#words, this.#in);
    }
    this.#seen = now;
    return now - 1;
  }
}

/** Milliseconds and sum of the numbers received, over `rounds` round trips after a tenth as many to warm up. */
function run(task: HandoverTask): { ms: number; sum: number } {
  const side = task.bare ? new WordSide(task) : new RingSide(task);
  const warmup = Math.ceil(task.rounds / 10);
  exchange(task, side, 1, warmup + 1);
  const startMs = performance.now();
  const sum = exchange(task, side, 0, task.rounds);
  return { ms: performance.now() - startMs, sum };
}

function exchange(task: HandoverTask, side: RingSide | WordSide, first: number, end: number): number {
  let sum = 0;
  for (let i = first; i < end; i += 1) {
    if (task.side === 0) side.send(i);
    const got = side.receive();
    if (task.side === 1) side.send(got);
    sum = (sum + got) | 0;
  }
  return sum;
}

parentPort?.postMessage(run(workerData as HandoverTask));
