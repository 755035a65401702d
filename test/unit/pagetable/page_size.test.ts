import { describe, expect, it } from "vitest";
import { pageRuns, pageShiftsOf, pickPageCount, pickPageShift } from "#dmasim/pagetable/page_size.js";

const SHIFTS = [12, 21, 30];
const K4 = 0x1000;
const M2 = 0x200000;
const G1 = 0x40000000;

describe("iommu_pgsize", () => {
  it("climbs to large pages at the next boundary and down again", () => {
    expect(pageRuns(SHIFTS, 0x1ff000, 0x3ff000, 0x402000)).toEqual([
      { pgsize: K4, count: 1 },
      { pgsize: M2, count: 2 },
      { pgsize: K4, count: 1 },
    ]);
  });

  it("stays small when IOVA and physical address are not congruent", () => {
    expect(pageRuns(SHIFTS, 0x1ff000, 0x400000, 4 * 2 ** 20)).toEqual([{ pgsize: K4, count: 1024 }]);
  });

  it("does not climb for less than one whole larger page behind the boundary", () => {
    expect(pageRuns(SHIFTS, 0x1ff000, 0x3ff000, K4 + M2 - K4)).toEqual([{ pgsize: K4, count: 512 }]);
  });

  it("uses all three sizes", () => {
    const start = G1 - M2 - K4;
    expect(pageRuns(SHIFTS, start, start + 4 * G1, K4 + M2 + G1 + M2)).toEqual([
      { pgsize: K4, count: 1 },
      { pgsize: M2, count: 1 },
      { pgsize: G1, count: 1 },
      { pgsize: M2, count: 1 },
    ]);
  });

  it("refuses what is no multiple of the granule", () => {
    expect(pageRuns(SHIFTS, 0x800, 0, K4)).toEqual([]);
    expect(pageRuns(SHIFTS, 0, 0x800, K4)).toEqual([]);
    expect(pageRuns(SHIFTS, 0, 0, K4 + 1)).toEqual([]);
    expect(pickPageShift(SHIFTS, 0, 0, 100)).toBe(-1);
  });

  it("runs cover the range with pages that fit their alignment", () => {
    let at = 0x7fe000;
    const end = at + 0x40603000;
    for (const run of pageRuns(SHIFTS, at, at + 8 * G1, end - at)) {
      expect(at % run.pgsize).toBe(0);
      at += run.pgsize * run.count;
    }
    expect(at).toBe(end);
  });

  it("counts one page for a page", () => {
    expect(pickPageCount(SHIFTS, 12, 0x5000, 0x9000, K4)).toBe(1);
  });

  it("reads page-size bitmaps above 32 bits", () => {
    expect(pageShiftsOf(0x40201000)).toEqual([12, 21, 30]);
    expect(pageShiftsOf(2 ** 51 + 2 ** 40 + 2 ** 12)).toEqual([12, 40, 51]);
  });
});
