import { describe, it } from "vitest";
import { initWindowSet } from "#dmasim/host/p2p/window_set.js";
import { Arena } from "#dmasim/shm/arena.js";
import { windowClient, windowSet } from "../support/windows.js";
import { canRace, type Effort, judgeRuns, runThreads } from "./harness.js";

const REMAPPED = "bytes moved through a slot that shows another page";

/** Programs of these roles, over one slot. */
function run(roles: readonly string[]) {
  return ({ timeLimitMs }: Effort) => {
    const arena = Arena.create();
    const set = windowSet(1, 16);
    initWindowSet(arena, set);
    const words = new Int32Array(new SharedArrayBuffer(128));
    return runThreads("windows", roles, { handle: arena.handle, words, set, client: windowClient(), timeLimitMs });
  };
}

describe("moving windows: access against remap", () => {
  it("an access moves bytes of its own page or faults", async (context) => {
    await judgeRuns(context, run(["exporter", "engine"]), {
      "own page": ["race", "the generation was held until the end"],
      fault: ["race", "the slot was closed or shows another page"],
      "another page": ["forbidden", REMAPPED],
    });
  });

  it("holds with two engines in one slot", async (context) => {
    await judgeRuns(context, run(["exporter", "engine", "engine"]), {
      "own page": ["race", "the generation was held until the end"],
      fault: ["race", "the slot was closed or shows another page"],
      "another page": ["forbidden", REMAPPED],
    });
  });

  it.runIf(canRace)("catches an engine that does not check the epoch", async (context) => {
    await judgeRuns(context, run(["exporter", "trustingEngine"]), {
      "own page": ["acceptable", "it came in time"],
      "another page": ["race", REMAPPED],
    });
  });

  it.runIf(canRace)("catches an engine that checks before it counts itself in", async (context) => {
    await judgeRuns(context, run(["exporter", "rashEngine"]), {
      "own page": ["acceptable", "it came in time"],
      fault: ["acceptable", "the slot was closed"],
      "another page": ["race", REMAPPED],
    });
  });
});
