import { describe, expect, it } from "vitest";
import { entriesUsed } from "#dmasim/host/arch/linear_iommu.js";
import { maskedTo32Bits, maskedWide, pageForms } from "#dmasim/host/arch/page_mask.js";
import { DIR } from "#dmasim/host/dma/device.js";
import { type ArchBench, archBench, pairsOf, ranges } from "../../../support/arch.ts";

const BASE = 0x80000000;

function used(bench: ArchBench): number {
  return bench.unit.table === null ? -1 : entriesUsed(bench.ctx.arena, bench.unit.table);
}

describe("ARM IOMMU ranges", () => {
  it("first-fit, aligned to the power of two of the size up to 1 MiB", () => {
    const bench = archBench("arm-iommu");
    const at = (pages: number): number =>
      ((bench.map(ranges([[0, pages * 4096]])).segments[0]?.dmaAddr ?? 0) - BASE) / 4096;
    expect([at(1), at(3), at(1), at(300), at(300)]).toEqual([0, 4, 1, 256, 768]);
  });

  it("max_seg includes the first offset", () => {
    const bench = archBench("arm-iommu", { device: { maxSegBytes: 0x2000 } });
    expect(
      bench.map(
        ranges([
          [0x800, 0x800],
          [0x5000, 0x1000],
        ]),
      ).ret,
    ).toBe(1);
    expect(
      bench.map(
        ranges([
          [0x800, 0x800],
          [0x5000, 0x1001],
        ]),
      ).ret,
    ).toBe(2);
  });

  it("a list that does not fit is undone, an exact fit succeeds", () => {
    const bench = archBench("arm-iommu", { unit: { entries: 8 } });
    expect(
      bench.map(
        ranges([
          [0, 0x4000],
          [0x800, 0x4000],
        ]),
      ),
    ).toMatchObject({ ret: 0 });
    expect(used(bench)).toBe(0);
    expect(bench.map(ranges([[0, 0x8000]])).ret).toBe(1);
  });

  it("unmap returns every range and syncs by the entries' pages", () => {
    const bench = archBench("arm-iommu", { dir: DIR.fromDevice });
    const result = bench.map(
      ranges([
        [0x1000, 0x1000],
        [0x5000, 0x1000],
        [0x9800, 0x100],
      ]),
    );
    expect(pairsOf(result)).toEqual([
      [BASE, 0x2000],
      [BASE + 0x2800, 0x100],
    ]);
    expect(bench.unmap(result.request).cacheOps.map((each) => each.entry)).toEqual([0, 0, 1, 1, 2, 2]);
    expect(used(bench)).toBe(0);
  });

  it("map_pfn beside map_page takes page-less entries without cache work", () => {
    const list = [
      { phys: 0x1000, length: 4096 },
      { phys: 0x9000, length: 4096, hasPage: false },
    ];
    for (const name of ["arm", "arm-iommu"]) {
      const result = archBench(name, { series: "after" }).map(list, { converted: true });
      expect(result.refusal).toBeNull();
      expect(result.skippedFlushes).toBe(1);
      expect(result.cacheOps.every((each) => each.entry === 0)).toBe(true);
    }
  });
});

describe("the second rewrite rule of the series", () => {
  it("maps a later page when the offset is a page or more", () => {
    const first = (series: "before" | "after") =>
      archBench("arm-iommu", { series }).map([{ pagePhys: 0x40000, offset: 5000, length: 100 }]);
    expect(first("before").tableEntries[0]?.lo).toBe(0x40001);
    expect(first("after").tableEntries[0]?.lo).toBe(0x41001);
    expect(first("after").hazards).toHaveLength(1);
    expect(pairsOf(first("after"))).toEqual([[BASE + 5000, 100]]);
  });

  it("with 64-bit physical addresses its 32-bit mask loses the upper half", () => {
    const word = (defects: "shipped" | "corrected") =>
      archBench("arm-iommu", { series: "after", context: { defects } }).map(ranges([[0x1_2345_6800, 64]]))
        .tableEntries[0];
    expect(word("shipped")).toEqual({ index: 0, lo: 0x23456001, hi: 0 });
    expect(word("corrected")).toEqual({ index: 0, lo: 0x23456001, hi: 1 });
  });

  it("as arithmetic", () => {
    expect(maskedTo32Bits(0x123456800, 0xfffff000)).toBe(0x23456000);
    expect(maskedWide(0x123456800, 0xfffff000)).toBe(0x123456000);
    expect(maskedWide(0xf_ffff_ffff, 0xffe00000)).toBe(0xf_ffe0_0000);
    expect(pageForms(0x40000, 4095, 4096).identical).toBe(true);
    expect(pageForms(0x40000, 4096, 4096)).toEqual({
      pageToPhys: 0x40000,
      sgPhys: 0x41000,
      sgPhysAndPageMask: 0x41000,
      identical: false,
    });
  });
});
