import { describe, it } from "vitest";
import { RING } from "#dmasim/shm/layout.js";
import { canRace, judge, judgeRuns, runThreads } from "./harness.js";

function run(roles: readonly string[], depth: number, timeLimitMs?: number) {
  const words = new Int32Array(new SharedArrayBuffer((RING.WORDS + depth * 4) * 4));
  return runThreads("ring", roles, { words, messages: 100_000, depth, timeLimitMs });
}

describe("ring: message passing", () => {
  it.each([1, 2, 64])("delivers every slot whole and in order, depth %i", async (depth) => {
    judge(await run(["producer", "consumer"], depth), {
      "in order": ["required", "the consumer read the next message with all its words"],
      "another message": ["forbidden", "a slot was read before it was written, or overwritten before it was read"],
      "half written": ["forbidden", "the message's number arrived before its other words"],
    });
  });

  it.runIf(canRace)("catches a producer that publishes before it writes", async (context) => {
    await judgeRuns(context, ({ timeLimitMs }) => run(["hastyProducer", "doubtingConsumer"], 2, timeLimitMs), {
      "in order": ["acceptable", "the write won the race"],
      "read before the write": ["race", "the consumer read what the slot held before, or half of the new"],
    });
  });
});
