import { describe, it } from "vitest";
import { initIommuUnit } from "#dmasim/device/iotlb.js";
import { Arena } from "#dmasim/shm/arena.js";
import { canRace, type Effort, judgeRuns, runThreads } from "./harness.js";

const STALE = "a page whose invalidation had returned before the call";

/** Programs of these roles, each over an arena of its own. */
function run(roles: readonly string[], entries = 64, ways = 4, pages = 1) {
  return ({ timeLimitMs }: Effort) => {
    const arena = Arena.create();
    initIommuUnit(arena, 0, entries, ways);
    const words = new Int32Array(new SharedArrayBuffer(128));
    return runThreads("iotlb", roles, { handle: arena.handle, words, pages, timeLimitMs });
  };
}

describe("IOTLB: fill against invalidate", () => {
  it("never translates to a page after its invalidation returned", async (context) => {
    await judgeRuns(context, run(["mapper", "device"]), {
      hit: ["race", "filled by an earlier access of the same mapping"],
      walk: ["race", "the page tables had it"],
      fault: ["race", "nothing was mapped"],
      stale: ["forbidden", STALE],
      "page of another address": ["forbidden", "a mix of two entries"],
    });
  });

  it("holds with one entry that all addresses fight for, and two devices", async (context) => {
    await judgeRuns(context, run(["mapper", "device", "device"], 1, 1), {
      hit: ["acceptable", "filled by an earlier access of the same mapping"],
      walk: ["race", "the page tables had it"],
      fault: ["race", "nothing was mapped"],
      stale: ["forbidden", STALE],
      "page of another address": ["forbidden", "a mix of two entries"],
    });
  });

  it("holds when the invalidation scans", async (context) => {
    await judgeRuns(context, run(["mapper", "device"], 8, 8, 16), {
      hit: ["acceptable", "filled by an earlier access of the same mapping"],
      walk: ["race", "the page tables had it"],
      fault: ["race", "nothing was mapped"],
      stale: ["forbidden", STALE],
      "page of another address": ["forbidden", "a mix of two entries"],
    });
  });

  it.runIf(canRace)("catches a device that takes the generation after its walk", async (context) => {
    await judgeRuns(context, run(["mapper", "rashDevice"]), {
      stale: ["race", "the fill came after the invalidation"],
    });
  });
});

describe("page tables: table reuse", () => {
  it("a walk never returns an entry that another domain wrote into a recycled frame", async (context) => {
    await judgeRuns(context, run(["recycler", "walker"]), {
      "own page": ["race", "mapped at one moment of the walk"],
      absent: ["race", "not mapped"],
      "page of another domain": ["forbidden", "the frame had left the tree"],
    });
  });

  it.runIf(canRace)("catches a walk that ignores the generation", async (context) => {
    await judgeRuns(context, run(["recycler", "rashWalker"]), {
      "page of another domain": ["race", "the frame had left the tree"],
    });
  });
});
