import { describe, it } from "vitest";
import { Arena } from "#dmasim/shm/arena.js";
import { CONTROL_BYTES } from "#dmasim/shm/capacities.js";
import { canRace, judge, judgeRuns, runThreads } from "./harness.js";

const TURNS = 500_000;

function run(roles: readonly string[], timeLimitMs?: number) {
  return runThreads("wide", roles, { handle: Arena.create().handle, turns: TURNS, timeLimitMs });
}

describe("64-bit words: torn values", () => {
  it("the wasm atomics never show half of a store", async () => {
    judge(await run(["writer64", "reader64"]), {
      whole: ["required", "both halves come from one store"],
      torn: ["forbidden", "a walker would see a page-table entry that nobody wrote"],
    });
  });

  it("compare-exchange loses no update across the carry", async () => {
    const arena = Arena.create();
    arena.ops.store64(CONTROL_BYTES, -1000, 6);
    const counts = await runThreads("wide", ["adder64", "adder64"], { handle: arena.handle, turns: TURNS / 5 });
    const exact = arena.ops.load64(CONTROL_BYTES) === (2 * TURNS) / 5 - 1000 && arena.ops.hi() === 7;
    judge(
      { ...counts, [exact ? "exact sum" : "wrong sum"]: 1 },
      {
        exchanged: ["required", "an update was made"],
        "lost the race": ["acceptable", "another thread was faster; tried again"],
        "exact sum": ["required", "every update is in the sum"],
        "wrong sum": ["forbidden", "an update was lost or torn"],
      },
    );
  });

  // This is why page-table entries go through the wasm atomics: JavaScript has no 64-bit atomic without BigInt.
  it.runIf(canRace)("two 32-bit stores are seen half done", async (context) => {
    await judgeRuns(context, ({ timeLimitMs }) => run(["writer32", "reader32"], timeLimitMs), {
      torn: ["race", "one half of the new value with the other half of the old"],
    });
  });
});
