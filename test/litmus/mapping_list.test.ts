import { describe, it } from "vitest";
import { Arena } from "#dmasim/shm/arena.js";
import { canRace, judge, runThreads } from "./harness.js";

function run(roles: readonly string[]) {
  const words = new Int32Array(new SharedArrayBuffer(64));
  return runThreads("mapping_list", roles, { handle: Arena.create().handle, words });
}

describe("mapping list: look-ups against changes", () => {
  it("a look-up returns one mapping, and never misses one that stays", async () => {
    judge(await run(["mapper", "walker"]), {
      stays: ["required", "mapped all the time"],
      lost: ["forbidden", "the list moved under the look-up"],
      present: ["required", "mapped at one moment of the look-up"],
      absent: ["required", "not mapped"],
      "mix of two mappings": ["forbidden", "a record that moved"],
    });
  });

  it.runIf(canRace)("catches a look-up that ignores the generation", async () => {
    judge(await run(["mapper", "rashWalker"]), {
      "mix of two mappings": ["required", "a record that moved"],
    });
  });
});
