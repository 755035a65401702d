import { describe, expect, it } from "vitest";
import { sgSetDma, sgSetPfn } from "#dmasim/host/dma/scatterlist.js";
import { sgCopyFromBuffer, sgCopyToBuffer, sgZero } from "#dmasim/host/dma/sg_copy.js";
import { SgMiter, sgNentsForDma, sgNentsForLen, sgPageCount } from "#dmasim/host/dma/sg_iterate.js";
import { MAP_FAILURES } from "#dmasim/host/status.js";
import { Arena } from "#dmasim/shm/arena.js";
import { sgNext } from "#dmasim/shm/sg_entry.js";
import { listOfPages } from "../../../support/list.ts";

const arena = Arena.create();
const ENTRIES = [
  { pfn: 2, offset: 4000, length: 300 },
  { pfn: 10, offset: 0, length: 100 },
  { pfn: 20, offset: 50, length: 5000 },
];

function steps(miter: SgMiter): number[][] {
  const seen: number[][] = [];
  while (miter.next()) seen.push([miter.pfn, miter.pageOffset, miter.length]);
  return seen;
}

describe("iterating a scatterlist", () => {
  it("yields at most one page at a time", () => {
    expect(steps(new SgMiter(arena, listOfPages(arena, ENTRIES), 3))).toEqual([
      [2, 4000, 96],
      [3, 0, 204],
      [10, 0, 100],
      [20, 50, 4046],
      [21, 0, 954],
    ]);
  });

  it("advances the page first when the offset exceeds it, and stops at nents", () => {
    const sg = listOfPages(arena, [
      { pfn: 4, offset: 9000, length: 100 },
      { pfn: 50, offset: 0, length: 10 },
    ]);
    expect(steps(new SgMiter(arena, sg, 1))).toEqual([[6, 808, 100]]);
    expect(sgPageCount(arena, sg)).toBe(3);
  });

  it("re-visits what was not consumed", () => {
    const miter = new SgMiter(arena, listOfPages(arena, ENTRIES), 3);
    miter.next();
    miter.consumed = 40;
    miter.next();
    expect([miter.pfn, miter.pageOffset, miter.length]).toEqual([2, 4040, 56]);
    miter.consumed = 57;
    expect(() => miter.next()).toThrow(/at most/);
  });

  it("skips, and tells when the list ends first", () => {
    const sg = listOfPages(arena, ENTRIES);
    const miter = new SgMiter(arena, sg, 3);
    expect(miter.skip(350)).toBe(true);
    miter.next();
    expect([miter.pfn, miter.pageOffset, miter.length]).toEqual([10, 50, 50]);
    expect(new SgMiter(arena, sg, 3).skip(5400)).toBe(true);
    expect(new SgMiter(arena, sg, 3).skip(5401)).toBe(false);
  });

  it("counts entries for a length", () => {
    const sg = listOfPages(arena, ENTRIES);
    const lens = [0, 1, 300, 301, 400, 401, 5400, 5401];
    expect(lens.map((len) => sgNentsForLen(arena, sg, len))).toEqual([0, 1, 1, 2, 2, 3, 3, -MAP_FAILURES.invalid.code]);
  });

  it("counts hardware descriptors", () => {
    const sg = listOfPages(arena, ENTRIES);
    sgSetDma(arena, sg, 0, 4097);
    sgSetDma(arena, sgNext(arena, sg), 0, 4096);
    expect(sgNentsForDma(arena, sg, 2, 4096)).toBe(3);
  });
});

describe("copying a scatterlist", () => {
  const sg = listOfPages(arena, ENTRIES);

  it("returns the bytes that both sides hold", () => {
    const sizes: [number, number, number][] = [
      [200, 350, 200],
      [200, 5399, 1],
      [200, 5400, 0],
      [200, 6000, 0],
      [6000, 0, 5400],
    ];
    for (const [bytes, skip, copied] of sizes) {
      expect(sgCopyToBuffer(arena, sg, 3, new Uint8Array(bytes), skip)).toBe(copied);
    }
  });

  it("brings back what it wrote, across pages and entries", () => {
    const data = Uint8Array.from({ length: 5400 }, (_, i) => (i * 7) & 0xff);
    expect(sgCopyFromBuffer(arena, sg, 3, data, 0)).toBe(5400);
    const back = new Uint8Array(5400);
    sgCopyToBuffer(arena, sg, 3, back, 0);
    expect(back).toEqual(data);
    expect(sgZero(arena, sg, 3, 100, 250)).toBe(100);
    sgCopyToBuffer(arena, sg, 3, back, 0);
    data.fill(0, 250, 350);
    expect(back).toEqual(data);
  });

  it("refuses page-less memory, which has no kernel address", () => {
    const pageless = listOfPages(arena, ENTRIES);
    sgSetPfn(arena, sgNext(arena, pageless), 99, 100, 0);
    expect(sgCopyToBuffer(arena, pageless, 3, new Uint8Array(200), 0)).toBe(200);
    expect(sgCopyToBuffer(arena, pageless, 3, new Uint8Array(301), 0)).toBe(-MAP_FAILURES.noPage.code);
  });
});
