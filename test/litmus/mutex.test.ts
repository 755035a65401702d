import { describe, it } from "vitest";
import { canRace, judge, runThreads } from "./harness.js";

const COUNTER = 32;

async function runLocked(turns: number) {
  const words = new Int32Array(new SharedArrayBuffer(64 * 4));
  const counts = await runThreads("mutex", ["locked", "locked"], { words, turns, longEvery: Math.floor(turns / 100) });
  const total = words[COUNTER] === counts.sections ? "every increment counted" : "increments lost";
  return { ...counts, [total]: 1, ...(words[0] === 0 ? {} : { "still locked at the end": 1 }) };
}

describe("mutex: mutual exclusion", () => {
  it("lets one owner in, and wakes parked waiters", async () => {
    judge(await runLocked(100_000), {
      sections: ["required", "critical sections run"],
      "every increment counted": ["required", "plain stores under the lock are seen by the next owner"],
      "increments lost": ["forbidden", "the sections overlapped"],
      "two owners at once": ["forbidden", "the sections overlapped"],
      "released to a parked waiter": [canRace ? "required" : "acceptable", "the wake-up path ran"],
      "released with nobody parked": ["acceptable", "the other thread was elsewhere"],
      "still locked at the end": ["forbidden", "a release was lost"],
    });
  });

  it.runIf(canRace)("catches threads that take no lock", async () => {
    const words = new Int32Array(new SharedArrayBuffer(64 * 4));
    judge(await runThreads("mutex", ["unlocked", "unlocked"], { words }), {
      "two owners at once": ["required", "without the lock the sections overlap"],
    });
  });
});
