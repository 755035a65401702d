import { describe, it } from "vitest";
import { RING, WORKER } from "#dmasim/shm/layout.js";
import { canRace, type Effort, judge, judgeRuns, type Outcomes, runThreads } from "./harness.js";

const CELL_WORDS = WORKER.WORDS + RING.WORDS + 16;
const CELLS = 16 * 1024;

/** Runs both sides over as many cells as the time allows; the outcome of a cell is what each side saw of the other. */
async function storeBuffering(producer: string, sleeper: string, cells: number, timeLimitMs?: number) {
  const words = new Int32Array(new SharedArrayBuffer(cells * CELL_WORDS * 4));
  const found = new Uint8Array(new SharedArrayBuffer(cells));
  const done = new Int32Array(new SharedArrayBuffer(4));
  await runThreads("doorbell", [producer, sleeper], { words, cells, found, done, timeLimitMs });
  const outcomes: Record<string, number> = {};
  for (let cell = 0; cell < (done[0] as number); cell += 1) {
    const rung = words[cell * CELL_WORDS + WORKER.bells] !== 0;
    const outcome = `${rung ? "rung" : "not rung"}, ${found[cell] === 1 ? "work seen" : "asleep"}`;
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  return outcomes as Outcomes;
}

const BOTH = ["acceptable", "both saw the other; the bell was not needed"] as const;
const RUNG = ["acceptable", "the producer saw parked and wakes the sleeper"] as const;
const SEEN = ["acceptable", "the sleeper saw the work and stays awake"] as const;

describe("doorbell: store-buffering", () => {
  it("never leaves a sleeper with published work", async () => {
    judge(await storeBuffering("producer", "sleeper", CELLS), {
      "rung, work seen": BOTH,
      "rung, asleep": RUNG,
      "not rung, work seen": SEEN,
      "not rung, asleep": ["forbidden", "work published, worker asleep, producer saw parked = 0"],
    });
  });

  it.runIf(canRace)("catches sides that use plain stores and loads", async (context) => {
    const run = ({ round, timeLimitMs }: Effort) =>
      storeBuffering("plainProducer", "plainSleeper", CELLS << round, timeLimitMs);
    await judgeRuns(context, run, {
      "rung, work seen": BOTH,
      "rung, asleep": RUNG,
      "not rung, work seen": SEEN,
      "not rung, asleep": ["race", "each store waited in its core's buffer while the other side loaded"],
    });
  });

  it("ends every sleep by a bell", async (context) => {
    const run = ({ timeLimitMs }: Effort) => {
      const words = new Int32Array(new SharedArrayBuffer(CELL_WORDS * 4));
      return runThreads("doorbell", ["handOver", "consume"], { words, messages: 3000, deadlineMs: 2000, timeLimitMs });
    };
    await judgeRuns(context, run, {
      "work seen before the sleep": ["race", "the second look found the published slot"],
      woken: ["acceptable", "the bell, or a bell rung before the sleep, ended it"],
      "slept to the deadline": ["forbidden", "a lost wake-up"],
    });
  });
});
