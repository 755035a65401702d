import { describe, it } from "vitest";
import { canRace, type Effort, judgeRuns, runThreads } from "./harness.js";

const COUNTER = 32;

async function runLocked(turns: number, timeLimitMs: number) {
  const words = new Int32Array(new SharedArrayBuffer(64 * 4));
  const longEvery = Math.floor(turns / 100);
  const counts = await runThreads("mutex", ["locked", "locked"], { words, turns, longEvery, timeLimitMs });
  const total = words[COUNTER] === counts.sections ? "every increment counted" : "increments lost";
  return { ...counts, [total]: 1, ...(words[0] === 0 ? {} : { "still locked at the end": 1 }) };
}

describe("mutex: mutual exclusion", () => {
  it("lets one owner in, and wakes parked waiters", async (context) => {
    await judgeRuns(context, ({ timeLimitMs }) => runLocked(100_000, timeLimitMs), {
      sections: ["required", "critical sections run"],
      "every increment counted": ["required", "plain stores under the lock are seen by the next owner"],
      "increments lost": ["forbidden", "the sections overlapped"],
      "two owners at once": ["forbidden", "the sections overlapped"],
      "released to a parked waiter": [canRace ? "race" : "acceptable", "the wake-up path ran"],
      "released with nobody parked": ["acceptable", "the other thread was elsewhere"],
      "still locked at the end": ["forbidden", "a release was lost"],
    });
  });

  it.runIf(canRace)("catches threads that take no lock", async (context) => {
    const run = ({ timeLimitMs }: Effort) => {
      const words = new Int32Array(new SharedArrayBuffer(64 * 4));
      return runThreads("mutex", ["unlocked", "unlocked"], { words, timeLimitMs });
    };
    await judgeRuns(context, run, {
      "two owners at once": ["race", "without the lock the sections overlap"],
    });
  });
});
