import { describe, it } from "vitest";
import { RING, WORKER } from "#dmasim/shm/layout.js";
import { canRace, judge, type Outcomes, runThreads, until } from "./harness.js";

const CELL_WORDS = WORKER.WORDS + RING.WORDS + 16;
const CELLS = 16 * 1024;

/** Runs both sides over as many cells as the time allows; the outcome of a cell is what each side saw of the other. */
async function storeBuffering(producer: string, sleeper: string): Promise<Outcomes> {
  const words = new Int32Array(new SharedArrayBuffer(CELLS * CELL_WORDS * 4));
  const found = new Uint8Array(new SharedArrayBuffer(CELLS));
  const done = new Int32Array(new SharedArrayBuffer(4));
  await runThreads("doorbell", [producer, sleeper], { words, cells: CELLS, found, done });
  const outcomes: Record<string, number> = {};
  for (let cell = 0; cell < (done[0] as number); cell += 1) {
    const rung = words[cell * CELL_WORDS + WORKER.bells] !== 0;
    const outcome = `${rung ? "rung" : "not rung"}, ${found[cell] === 1 ? "work seen" : "asleep"}`;
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  return outcomes;
}

const BOTH = ["acceptable", "both saw the other; the bell was not needed"] as const;
const RUNG = ["acceptable", "the producer saw parked and wakes the sleeper"] as const;
const SEEN = ["acceptable", "the sleeper saw the work and stays awake"] as const;

describe("doorbell: store-buffering", () => {
  it("never leaves a sleeper with published work", async () => {
    judge(await storeBuffering("producer", "sleeper"), {
      "rung, work seen": BOTH,
      "rung, asleep": RUNG,
      "not rung, work seen": SEEN,
      "not rung, asleep": ["forbidden", "work published, worker asleep, producer saw parked = 0"],
    });
  });

  it.runIf(canRace)("catches sides that use plain stores and loads", async () => {
    const outcomes = await until("not rung, asleep", () => storeBuffering("plainProducer", "plainSleeper"));
    judge(outcomes, {
      "rung, work seen": BOTH,
      "rung, asleep": RUNG,
      "not rung, work seen": SEEN,
      "not rung, asleep": ["required", "each store waited in its core's buffer while the other side loaded"],
    });
  });

  it("ends every sleep by a bell", async () => {
    const words = new Int32Array(new SharedArrayBuffer(CELL_WORDS * 4));
    const outcomes = await runThreads("doorbell", ["handOver", "consume"], { words, messages: 3000, deadlineMs: 2000 });
    judge(outcomes, {
      "work seen before the sleep": ["required", "the second look found the published slot"],
      woken: ["acceptable", "the bell, or a bell rung before the sleep, ended it"],
      "slept to the deadline": ["forbidden", "a lost wake-up"],
    });
  });
});
