import { describe, it } from "vitest";
import { Arena } from "#dmasim/shm/arena.js";
import { HEADER, REGIONS } from "#dmasim/shm/layout.js";
import { canRace, judge, runThreads } from "./harness.js";

/** Sectors of a group: more extents than sectors means that freed ones were lost. */
const EXTENTS_MAX = 128;

describe("media stripes", () => {
  it("a read of one group sees whole writes", async () => {
    const arena = Arena.create();
    const counts = await runThreads("memory", ["stamper", "stamper"], {
      handle: arena.handle,
      turns: 200_000,
    });
    const extents = (arena.i32[REGIONS.header.word + HEADER.mediaNext] as number) - 1;
    judge(
      { ...counts, ...(extents > EXTENTS_MAX ? { "extents leaked": 1 } : {}) },
      {
        "own version": ["required", "nobody wrote in between"],
        "version of the other": [canRace ? "required" : "acceptable", "the other thread wrote in between"],
        "mixed versions": ["forbidden", "the read fell into a write"],
        "write lost": ["forbidden", "sectors that were written read as never written"],
        "out of extents": ["forbidden", "freed extents are used again"],
        "extents leaked": ["forbidden", "freed extents are used again"],
      },
    );
  });
});
