import { describe, expect, it } from "vitest";
import { areaWord, initPool } from "#dmasim/host/swiotlb/pool.js";
import { crossesWindow, slotsOf, takeSlots, windowSlots } from "#dmasim/host/swiotlb/slots.js";
import { AREA } from "#dmasim/shm/layout.js";
import { makeContext, makeDevice } from "../../../support/host.ts";

describe("slots and segment boundaries", () => {
  it("counts a part of a slot as one", () => {
    expect([1, 2047, 2048, 2049, 4096].map(slotsOf)).toEqual([1, 1, 1, 2, 2]);
  });

  it("a boundary mask makes windows of whole slots", () => {
    expect([0x7ff, 0xfff, 0xffff].map(windowSlots)).toEqual([1, 2, 32]);
  });

  it("a run may end on the boundary, and not one slot behind it", () => {
    const WINDOW = 32;
    for (const first of [0, WINDOW, 7 * WINDOW]) {
      expect(crossesWindow(first, WINDOW, WINDOW)).toBe(false);
      expect(crossesWindow(first, WINDOW + 1, WINDOW)).toBe(true);
      expect(crossesWindow(first + 30, 2, WINDOW)).toBe(false);
      expect(crossesWindow(first + 30, 3, WINDOW)).toBe(true);
      expect(crossesWindow(first + 31, 1, WINDOW)).toBe(false);
      expect(crossesWindow(first + 31, 2, WINDOW)).toBe(true);
    }
  });
});

describe("the search", () => {
  it("goes on at the area's start when the cursor, aligned, is at its end: the next area is not its own", () => {
    const ctx = makeContext({ era: "6.1" });
    const pool = initPool(ctx.arena, 0, 0, 0, 256, 2, 0x4000000);
    ctx.arena.i32[areaWord(pool, 0) + AREA.index] = pool.areaNslabs - 1;
    expect(takeSlots(ctx, makeDevice({ pool }), pool, 0x5000, 4096, 0, 0)).toBe(0);
  });
});
