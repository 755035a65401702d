import { describe, expect, it } from "vitest";
import { CostRecord } from "#dmasim/base/cost.js";
import { initWindowSet, type WindowSet, windowSetWord, windowSlotWord } from "#dmasim/host/p2p/window_set.js";
import { reapSlots } from "#dmasim/host/p2p/window_slots.js";
import { commitRange } from "#dmasim/memory/backing.js";
import { Arena } from "#dmasim/shm/arena.js";
import { WINDOW_SET, WINDOW_SLOT } from "#dmasim/shm/layout.js";
import { canRace, judge, type Outcomes, runThreads, type Table } from "../litmus/harness.js";
import { makeContext } from "../support/host.js";
import { K64, VRAM, windowClient, windowSet } from "../support/windows.js";

/** Remaps and revokes of one round; DMASIM_DEEP=1 runs ten rounds over the same windows, a million together. */
const MOVES = 100_000;
const ROUNDS = process.env.DMASIM_DEEP === "1" ? 10 : 1;
const TIME_LIMIT_MS = 25_000;
const SLOTS = 8;
const PAGES = 32;

const NEVER: Table = {
  moved: ["required", "DMA through a window"],
  "stale fault": ["required", "its page was revoked before the access"],
  told: ["required", "an importer learned of a revoke"],
  busy: ["acceptable", "every slot in use"],
  "pinned refused": ["acceptable", "a revoke met a pin"],
  "byte moved through a remapped window": ["forbidden", "the epoch check let it in"],
  "remapped under DMA": ["forbidden", "the remap did not wait"],
  "other data": ["forbidden", "a page has bytes of another"],
  "fault of a live generation": ["forbidden", "a fault without a revoke"],
  "pinned page evicted": ["forbidden", "pins hold"],
  "pin lost": ["forbidden", "pins hold"],
};

function makeArena(): { arena: Arena; set: WindowSet } {
  const arena = Arena.create();
  const set = windowSet(SLOTS, PAGES);
  initWindowSet(arena, set);
  commitRange(arena, VRAM, PAGES * K64);
  return { arena, set };
}

function run(arena: Arena, set: WindowSet, trusting: boolean, moves: number): Promise<Outcomes> {
  const base = windowSetWord(set);
  const counters = [base + WINDOW_SET.remaps, base + WINDOW_SET.revokes];
  return runThreads("window_load", ["worker", "worker"], {
    handle: arena.handle,
    set,
    client: windowClient(),
    trusting,
    moves,
    counters,
    timeLimitMs: TIME_LIMIT_MS,
  });
}

/** State that must be left when nothing is mapped any more. */
function leftovers(arena: Arena, set: WindowSet): number[] {
  const ctx = { ...makeContext({ arena }), cost: new CostRecord() };
  reapSlots(ctx, set);
  const fields = [WINDOW_SLOT.inFlight, WINDOW_SLOT.users, WINDOW_SLOT.pins];
  return fields.map((field) => {
    let sum = 0;
    for (let slot = 0; slot < set.slots; slot += 1) {
      const at = windowSlotWord(set, slot);
      const isOpen = ((arena.i32[at + WINDOW_SLOT.epoch] as number) & 1) === 1;
      if (isOpen || field === WINDOW_SLOT.inFlight) sum += Math.abs(arena.i32[at + field] as number);
    }
    return sum;
  });
}

describe("moving windows under load", () => {
  it(`${MOVES * ROUNDS} remaps and revokes from two workers move no byte through a window that went`, async () => {
    const { arena, set } = makeArena();
    for (let round = 1; round <= ROUNDS; round += 1) judge(await run(arena, set, false, MOVES * round), NEVER);
    const at = windowSetWord(set);
    const moves = (arena.i32[at + WINDOW_SET.remaps] as number) + (arena.i32[at + WINDOW_SET.revokes] as number);
    expect(moves).toBeGreaterThanOrEqual(MOVES * ROUNDS);
    expect(leftovers(arena, set)).toEqual([0, 0, 0]);
    expect(arena.i32[at + WINDOW_SET.closing]).toBe(0);
  }, 300_000);

  it.runIf(canRace)(
    "a broken epoch check is caught",
    async () => {
      const { arena, set } = makeArena();
      const outcomes = await run(arena, set, true, MOVES);
      expect(outcomes["byte moved through a remapped window"]).toBeGreaterThan(0);
    },
    60_000,
  );
});
