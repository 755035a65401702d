import { describe, expect, it } from "vitest";
import {
  sgChain,
  sgHasPage,
  sgInit,
  sgIsLast,
  sgLast,
  sgNents,
  sgPhys,
  sgSetPage,
  sgSetPfn,
  sgVirt,
} from "#dmasim/host/dma/scatterlist.js";
import { allocSg, freeSg, planChunks, sgArraySlots, sgEntriesUsed } from "#dmasim/host/dma/sg_table.js";
import { MAP_FAILURES } from "#dmasim/host/status.js";
import { Arena } from "#dmasim/shm/arena.js";
import { REGIONS, SG } from "#dmasim/shm/layout.js";
import { SG_FLAG, sgNext } from "#dmasim/shm/sg_entry.js";

const arena = Arena.create();

describe("scatterlist tables", () => {
  it.each([
    [1, [1]],
    [128, [128]],
    [129, [127, 2]],
    [254, [127, 127]],
    [255, [127, 128]],
    [256, [127, 127, 2]],
    [382, [127, 127, 128]],
    [1000, [127, 127, 127, 127, 127, 127, 127, 111]],
  ])("puts %i entries into chunks of %j data entries", (nents, payload) => {
    const sg = allocSg(arena, 0, nents);
    const slots = sgArraySlots(arena, sg);
    expect(slots.map((count, i) => (i === slots.length - 1 ? count : count - 1))).toEqual(payload);
    expect(planChunks(nents, 128)).toEqual(slots);
    expect(sgNents(arena, sg)).toBe(nents);
    freeSg(arena, 0, sg);
    expect(sgEntriesUsed(arena)).toBe(0);
  });

  it("sizes a preallocated first chunk by itself", () => {
    expect(planChunks(5, 128, 2)).toEqual([2, 4]);
    expect(planChunks(2, 128, 2)).toEqual([2]);
  });

  it("refuses an empty list", () => {
    expect(allocSg(arena, 0, 0)).toBe(-MAP_FAILURES.invalid.code);
  });

  it("hands a freed array out again, zeroed", () => {
    const first = allocSg(arena, 0, 5);
    sgSetPage(arena, first, 7, 100, 3);
    freeSg(arena, 0, first);
    const second = allocSg(arena, 0, 8);
    expect(second).toBe(first);
    expect(sgPhys(arena, second)).toBe(0);
    expect(sgNents(arena, second)).toBe(8);
    freeSg(arena, 0, second);
  });

  it("finds a second free of the same list", () => {
    const sg = allocSg(arena, 0, 3);
    freeSg(arena, 0, sg);
    expect(() => freeSg(arena, 0, sg)).toThrow(/once/);
  });

  it("reports exhaustion as a status and keeps nothing", () => {
    const small = Arena.create();
    const lists: number[] = [];
    for (;;) {
      const sg = allocSg(small, 0, 20_000);
      if (sg < 0) {
        expect(sg).toBe(-MAP_FAILURES.noScatterlist.code);
        break;
      }
      lists.push(sg);
    }
    expect(lists.length).toBeGreaterThan(100);
    expect(lists.length * 20_000).toBeLessThan(REGIONS.scatterlists.count);
    for (const sg of lists) freeSg(small, 0, sg);
    expect(sgEntriesUsed(small)).toBe(0);
  });
});

describe("scatterlist entries", () => {
  it("keeps the end mark over sg_set_page and drops the page over sg_set_pfn", () => {
    const sg = allocSg(arena, 0, 1);
    sgSetPage(arena, sg, 0x10, 0x100, 0x1200);
    expect([sgIsLast(arena, sg), sgHasPage(arena, sg), sgPhys(arena, sg)]).toEqual([true, true, 0x11200]);
    expect(sgVirt(arena, sg)).toBe(0x11200);
    sgSetPfn(arena, sg, 0x38000000, 0x1000, 0);
    expect([sgIsLast(arena, sg), sgHasPage(arena, sg), sgPhys(arena, sg)]).toEqual([true, false, 0x38000000000]);
    expect(sgVirt(arena, sg)).toBe(-1);
    freeSg(arena, 0, sg);
  });

  it("steps over a chain link and stops at the end mark", () => {
    const a = allocSg(arena, 0, 3);
    const b = allocSg(arena, 0, 2);
    const link = a + 2 * SG.WORDS;
    sgChain(arena, link, b);
    expect(arena.u32[link + SG.length]).toBe(0);
    expect((arena.i32[link + SG.flags] as number) & SG_FLAG.chain).toBe(SG_FLAG.chain);
    expect(sgNents(arena, a)).toBe(4);
    expect(sgNext(arena, a + SG.WORDS)).toBe(b);
    expect(sgLast(arena, a, 4)).toBe(b + SG.WORDS);
    expect(() => sgLast(arena, a, 3)).toThrow(/ends with/);
    freeSg(arena, 0, a);
    expect(sgEntriesUsed(arena)).toBe(0);
  });

  it("initialises an array without losing what the pool knows of it", () => {
    const sg = allocSg(arena, 0, 6);
    sgInit(arena, sg, 4);
    expect(sgNents(arena, sg)).toBe(4);
    freeSg(arena, 0, sg);
    expect(sgEntriesUsed(arena)).toBe(0);
  });
});
