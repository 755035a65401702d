import { describe, expect, it } from "vitest";
import { entriesUsed } from "#dmasim/host/arch/linear_iommu.js";
import type { ArchOptions } from "#dmasim/host/arch/types.js";
import { DIR } from "#dmasim/host/dma/device.js";
import { type ArchBench, archBench, pairsOf, ranges } from "../../../support/arch.ts";

const PAGE = 4096;

function ppc(unit: ArchOptions = {}, more: Parameters<typeof archBench>[1] = {}): ArchBench {
  return archBench("powerpc-iommu", { unit, ...more });
}

/** Entry of the first segment of a list of one entry of `pages` pages. */
function take(bench: ArchBench, pages: number): number {
  return Math.floor((bench.map(ranges([[0x100000, pages * PAGE]])).segments[0]?.dmaAddr ?? -PAGE) / PAGE);
}

describe("powerpc pools", () => {
  it("small requests move the hint to the next block of 16, large ones come from the last quarter", () => {
    const bench = ppc();
    expect([take(bench, 1), take(bench, 15), take(bench, 2)]).toEqual([1, 16, 32]);
    const large = 262144 * 0.75;
    expect([take(bench, 16), take(bench, 17), take(bench, 1)]).toEqual([large, large + 16, 48]);
  });

  it("four small pools from 1 GiB on, one below; a CPU begins in its own", () => {
    expect(take(ppc({ pool: 2 }), 1)).toBe((2 * 262144 * 0.75) / 4);
    expect(take(ppc({ pool: 2, entries: 131072 }), 1)).toBe(1);
  });

  it("a full pool starts over, then tries the others", () => {
    const bench = ppc({ entries: 64, pools: 2, blockEntries: 1 });
    expect(take(bench, 12)).toBe(1);
    expect(take(bench, 8)).toBe(13);
    expect(take(bench, 10)).toBe(24);
    expect(take(bench, 2)).toBe(21);
  });

  it("the last entry of a pool is never used, and a list that fails gives everything back", () => {
    const bench = ppc({ entries: 64, pools: 2, blockEntries: 1 });
    const before = bench.unit.table === null ? -1 : entriesUsed(bench.ctx.arena, bench.unit.table);
    const result = bench.map(
      ranges([
        [0x1000, 15 * PAGE],
        [0x101000, 15 * PAGE],
        [0x201800, 15 * PAGE],
      ]),
    );
    expect(result).toMatchObject({ ret: 0, segments: [] });
    expect(result.message).toBe("iommu_alloc failed, tbl 0 vaddr 201800 npages 16");
    expect(bench.unit.table === null ? -2 : entriesUsed(bench.ctx.arena, bench.unit.table)).toBe(before);
  });

  it("a narrow mask keeps to what the device reaches", () => {
    const bench = ppc({ pool: 3 }, { device: { dmaMask: 0xffffff } });
    expect(take(bench, 1)).toBe(1);
  });

  it("a table with an offset", () => {
    const bench = ppc({ dmaBase: 0x40000000, reserved: 0 });
    expect(pairsOf(bench.map(ranges([[0x800, 0x800]])))).toEqual([[0x40000800, 0x800]]);
  });
});

describe("powerpc lists", () => {
  it("the handle keeps a list adjacent, so page-joins become one segment", () => {
    const bench = ppc();
    const list = ranges([
      [0x10800, 0x800],
      [0x50000, 0x1000],
      [0x30000, 0x400],
      [0x70000, 0x1000],
    ]);
    expect(pairsOf(bench.map(list))).toEqual([
      [0x1800, 0x1c00],
      [0x4000, 0x1000],
    ]);
  });

  it("novmerge keeps them apart in DMA entries, not in addresses", () => {
    expect(
      pairsOf(
        ppc({ merge: false }).map(
          ranges([
            [0, 0x1000],
            [0x9000, 0x1000],
          ]),
        ),
      ),
    ).toEqual([
      [0x1000, 0x1000],
      [0x2000, 0x1000],
    ]);
  });

  it("an entry of length 0 is passed over and breaks adjacency", () => {
    const result = ppc().map(
      ranges([
        [0, 0x1000],
        [0x5000, 0],
        [0x9000, 0x1000],
      ]),
    );
    expect(pairsOf(result)).toEqual([
      [0x1000, 0x1000],
      [0x2000, 0x1000],
    ]);
  });

  it("a small entry behind a large one finds its place in another pool", () => {
    const result = ppc().map(
      ranges([
        [0, 0x10000],
        [0x100000, 0x1000],
      ]),
    );
    expect(pairsOf(result)).toEqual([
      [262144 * 0.75 * PAGE, 0x10000],
      [0x1000, 0x1000],
    ]);
  });

  it("64 KiB CPU pages keep their alignment in a table of 4 KiB pages", () => {
    const bench = ppc({ pageBytes: 65536 });
    expect(pairsOf(bench.map(ranges([[0x10000, 0x10000]])))).toEqual([[262144 * 0.75 * PAGE, 0x10000]]);
    bench.map(ranges([[0x11000, 0x10000]]));
    expect(pairsOf(bench.map(ranges([[0x10000, 0x10000]])))).toEqual([[(262144 * 0.75 + 32) * PAGE, 0x10000]]);
  });

  it("64 KiB and 16 MiB table pages", () => {
    expect(pairsOf(ppc({ iommuPageBytes: 65536 }).map(ranges([[0x12345, 0x100]])))).toEqual([[0x12345, 0x100]]);
    const huge = ppc({ iommuPageBytes: 2 ** 24, entries: 1024 });
    expect(pairsOf(huge.map(ranges([[0x5123456, 0x100]])))).toEqual([[0x1123456, 0x100]]);
  });

  it("entries hold the page and the permissions", () => {
    const lo = (dir: number): number =>
      archBench("powerpc-iommu", { dir }).map(ranges([[0x1_2345_6000, 1]])).tableEntries[0]?.lo ?? 0;
    expect([lo(DIR.toDevice), lo(DIR.fromDevice)]).toEqual([0x23456001, 0x23456003]);
  });

  it("unmap returns the ranges", () => {
    const bench = ppc();
    const result = bench.map(
      ranges([
        [0x10000, 0x3000],
        [0x50000, 0x800],
      ]),
    );
    bench.unmap(result.request);
    expect(bench.unit.table === null ? -1 : entriesUsed(bench.ctx.arena, bench.unit.table)).toBe(1);
  });
});
