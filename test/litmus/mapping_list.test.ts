import { describe, it } from "vitest";
import { Arena } from "#dmasim/shm/arena.js";
import { canRace, type Effort, judgeRuns, runThreads } from "./harness.js";

/** Programs of these roles, each over an arena of its own. */
function run(roles: readonly string[]) {
  return ({ timeLimitMs }: Effort) => {
    const words = new Int32Array(new SharedArrayBuffer(64));
    return runThreads("mapping_list", roles, { handle: Arena.create().handle, words, timeLimitMs });
  };
}

describe("mapping list: look-ups against changes", () => {
  it("a look-up returns one mapping, and never misses one that stays", async (context) => {
    await judgeRuns(context, run(["mapper", "walker"]), {
      stays: ["race", "mapped all the time"],
      lost: ["forbidden", "the list moved under the look-up"],
      present: ["race", "mapped at one moment of the look-up"],
      absent: ["race", "not mapped"],
      "mix of two mappings": ["forbidden", "a record that moved"],
    });
  });

  it.runIf(canRace)("catches a look-up that ignores the generation", async (context) => {
    await judgeRuns(context, run(["mapper", "rashWalker"]), {
      "mix of two mappings": ["race", "a record that moved"],
    });
  });
});
