import { describe, it } from "vitest";
import { Arena } from "#dmasim/shm/arena.js";
import { judge, runThreads } from "./harness.js";

const TURNS = 20_000;

describe("peer life: a provider goes while a client maps", () => {
  it("no mapping is live after the provider drained", async () => {
    const drained = new Int32Array(new SharedArrayBuffer((TURNS + 1) * 4));
    const outcomes = await runThreads("peer_life", ["client", "provider"], { arena: Arena.create().handle, drained });
    judge(outcomes, {
      held: ["acceptable", "the mapping began first; the provider waited for its end"],
      refused: ["acceptable", "the provider was going"],
      "in use after it drained": ["forbidden", "the provider removed a BAR that was mapped"],
    });
  });
});
