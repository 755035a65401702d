import { describe, it } from "vitest";
import { canRace, judge, judgeRuns, runThreads } from "./harness.js";

function run(roles: readonly string[], turns: number, timeLimitMs?: number) {
  const words = new Int32Array(new SharedArrayBuffer(64 * 4));
  return runThreads("seqlock", roles, { words, turns, timeLimitMs });
}

describe("seqlock: torn reads", () => {
  it("a validated read is never a mix of two writes", async () => {
    judge(await run(["writer", "reader"], 500_000), {
      whole: ["required", "one consistent record"],
      "changed meanwhile": ["acceptable", "the reader treats the record as absent or retries"],
      torn: ["forbidden", "a mix of two writes passed validation"],
    });
  });

  it("writers exclude each other", async () => {
    judge(await run(["both", "both"], 300_000), {
      whole: ["required", "the previous write was complete"],
      torn: ["forbidden", "two writers were inside"],
    });
  });

  it.runIf(canRace)("catches a reader that does not validate", async (context) => {
    await judgeRuns(context, ({ timeLimitMs }) => run(["endlessWriter", "rashReader"], 0, timeLimitMs), {
      torn: ["race", "without validation the mix is seen"],
    });
  });
});
