import { describe, it } from "vitest";
import { Arena } from "#dmasim/shm/arena.js";
import { HEADER, REGIONS } from "#dmasim/shm/layout.js";
import { canRace, type Effort, judgeRuns, type Outcomes, runThreads } from "./harness.js";

/** Sectors of a group: more extents than sectors means that freed ones were lost. */
const EXTENTS_MAX = 128;

async function stamp({ timeLimitMs }: Effort): Promise<Outcomes> {
  const arena = Arena.create();
  const counts = await runThreads("memory", ["stamper", "stamper"], {
    handle: arena.handle,
    turns: 200_000,
    timeLimitMs,
  });
  const extents = (arena.i32[REGIONS.header.word + HEADER.mediaNext] as number) - 1;
  return extents > EXTENTS_MAX ? { ...counts, "extents leaked": 1 } : counts;
}

describe("media stripes", () => {
  it("a read of one group sees whole writes", async (context) => {
    await judgeRuns(context, stamp, {
      "own version": ["required", "nobody wrote in between"],
      "version of the other": [canRace ? "race" : "acceptable", "the other thread wrote in between"],
      "mixed versions": ["forbidden", "the read fell into a write"],
      "write lost": ["forbidden", "sectors that were written read as never written"],
      "out of extents": ["forbidden", "freed extents are used again"],
      "extents leaked": ["forbidden", "freed extents are used again"],
    });
  });
});
