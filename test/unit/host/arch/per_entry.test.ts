import { describe, expect, it } from "vitest";
import { AMD_APERTURE_PAGES } from "#dmasim/host/arch/amd_iommu.js";
import { entriesUsed } from "#dmasim/host/arch/linear_iommu.js";
import { s390Indices } from "#dmasim/host/arch/s390.js";
import { DIR } from "#dmasim/host/dma/device.js";
import { sgDmaLength } from "#dmasim/host/dma/scatterlist.js";
import { type ArchBench, archBench, pairsOf, ranges } from "../../../support/arch.ts";
import { translated } from "../../../support/domain.ts";

const PAGE = 4096;

function used(bench: ArchBench): number {
  return bench.unit.table === null ? -1 : entriesUsed(bench.ctx.arena, bench.unit.table);
}

describe("calgary", () => {
  it("the first 32 pages stay free of mappings; entries say read, and write unless to the device", () => {
    const bench = archBench("x86-calgary", { dir: DIR.fromDevice });
    const result = bench.map(
      ranges([
        [0x1_2345_6800, 0x1000],
        [0x5000, 0x10],
      ]),
    );
    expect(pairsOf(result)).toEqual([
      [32 * PAGE + 0x800, 0x1000],
      [34 * PAGE, 0x10],
    ]);
    expect(result.tableEntries[0]).toEqual({ index: 32, lo: 0x23456003, hi: 1 });
    expect(archBench("x86-calgary").map(ranges([[0x5000, 1]])).tableEntries[0]?.lo).toBe(0x5001);
  });

  it("a search that starts over blasts the TCE cache; a full table returns 0", () => {
    const bench = archBench("x86-calgary", { unit: { entries: 64 } });
    const first = bench.map(ranges([[0, 0x10000]])).request;
    bench.map(ranges([[0, 0xf000]]));
    bench.unmap(first);
    expect(bench.map(ranges([[0, 0x8000]]))).toMatchObject({ ret: 1, tlbFlushes: 1 });
    expect(
      bench.map(
        ranges([
          [0, 0x1000],
          [0, 0x10000],
        ]),
      ),
    ).toMatchObject({ ret: 0, tlbFlushes: 1, message: "IOMMU full" });
    expect(used(bench)).toBe(32 + 8 + 15);
  });

  it("the error path clears entry 0 again and again, unless corrected", () => {
    const lengths = (defects: "shipped" | "corrected"): number[] => {
      const bench = archBench("x86-calgary", { unit: { entries: 40 }, context: { defects } });
      const { request } = bench.map(
        ranges([
          [0, 0x1000],
          [0, 0x1000],
          [0, 0x10000],
        ]),
      );
      return [0, 1, 2].map((i) => sgDmaLength(bench.ctx.arena, request.sg + i * 8));
    };
    expect(lengths("shipped")).toEqual([0, 0x1000, 0]);
    expect(lengths("corrected")).toEqual([0, 0, 0]);
  });
});

describe("amd 4.1", () => {
  it("page 0 is never given out; permissions by direction", () => {
    const bench = archBench("amd-iommu", { dir: DIR.fromDevice });
    const result = bench.map(ranges([[0x1_2345_6800, 0x1000]]));
    expect(pairsOf(result)).toEqual([[PAGE + 0x800, 0x1000]]);
    expect(result.tableEntries[0]).toEqual({ index: 1, lo: 0x23456001, hi: 0x50000001 });
  });

  it("grows by apertures of 128 MiB and never crosses one", () => {
    const bench = archBench("amd-iommu", { unit: { entries: 2 * AMD_APERTURE_PAGES } });
    const bytes = 20000 * PAGE;
    expect(pairsOf(bench.map(ranges([[0, bytes]])))).toEqual([[PAGE, bytes]]);
    const second = bench.map(ranges([[0, bytes]]));
    expect(pairsOf(second)).toEqual([[AMD_APERTURE_PAGES * PAGE, bytes]]);
    expect(second.tlbFlushes).toBe(1);
    expect(
      bench.map(
        ranges([
          [0, 0x1000],
          [0, bytes],
        ]),
      ),
    ).toMatchObject({ ret: 0 });
    expect(used(bench)).toBe(1 + 40000);
  });

  it("flushes at unmap only above the cursor, or with fullflush", () => {
    const flushes = (fullFlush: boolean): number => {
      const bench = archBench("amd-iommu", { unit: { fullFlush } });
      return bench.unmap(bench.map(ranges([[0, 0x1000]])).request).tlbFlushes;
    };
    expect(flushes(false)).toBe(0);
    expect(flushes(true)).toBe(1);
  });

  it("a narrow mask bounds the aperture", () => {
    const bench = archBench("amd-iommu", { device: { dmaMask: 0xffff } });
    expect(bench.map(ranges([[0, 0xe000]])).ret).toBe(1);
    expect(bench.map(ranges([[0, 0x1000]])).ret).toBe(0);
  });
});

describe("intel 4.1", () => {
  it("one range for the list, each entry behind the pages of the one before", () => {
    const bench = archBench("intel-iommu", { dir: DIR.bidirectional });
    const result = bench.map(
      ranges([
        [0x10800, 0x1000],
        [0x50000, 0x200],
        [0x30ffc, 8],
      ]),
    );
    const base = (result.segments[0]?.dmaAddr ?? 0) - 0x800;
    expect(base % (8 * PAGE)).toBe(0);
    expect(base).toBeLessThan(2 ** 32);
    expect(pairsOf(result)).toEqual([
      [base + 0x800, 0x1000],
      [base + 0x2000, 0x200],
      [base + 0x3ffc, 8],
    ]);
    const domain = bench.unit.domain;
    if (domain === null) throw new Error("no domain");
    const phys = (offset: number): number => translated(bench.ctx.arena, domain, base + offset);
    expect([phys(0x800), phys(0x2000), phys(0x3ffc), phys(0x4000)]).toEqual([0x10800, 0x50000, 0x30ffc, 0x31000]);
    bench.unmap(result.request);
    expect(phys(0x2000)).toBe(-1);
    expect(bench.ctx.invalidations).toHaveLength(1);
  });

  it("below 4 GiB first even for a wide mask", () => {
    const bench = archBench("intel-iommu", { device: { dmaMask: 2 ** 48 - 1 } });
    expect(bench.map(ranges([[0x10000, 0x1000]])).segments[0]?.dmaAddr).toBe(2 ** 32 - 0x1000);
  });

  it("an offset beyond a page: the address misses the translation, before and after the series", () => {
    const phys = (series: "before" | "after"): number => {
      const bench = archBench("intel-iommu", { series });
      const result = bench.map([{ pagePhys: 0x40000, offset: 5000, length: 100 }]);
      expect(result.hazards).toHaveLength(1);
      const domain = bench.unit.domain;
      return domain === null ? 0 : translated(bench.ctx.arena, domain, (result.segments[0]?.dmaAddr ?? 0) - PAGE);
    };
    expect(phys("before")).toBe(0x40000 + 5000 - PAGE);
    expect(phys("after")).toBe(0x40000 + 5000);
  });
});

describe("s390", () => {
  it("three levels of indices", () => {
    expect(s390Indices(0x1_2345_6789)).toEqual({ region: 2, segment: 0x234, page: 0x56 });
  });

  it("read-only pages are protected; the window starts at its base", () => {
    const lo = (dir: number): number | undefined =>
      archBench("s390-pci", { dir }).map(ranges([[0x5000, 1]])).tableEntries[0]?.lo;
    expect([lo(DIR.toDevice), lo(DIR.fromDevice), lo(DIR.bidirectional)]).toEqual([0x5200, 0x5000, 0x5000]);
    expect(pairsOf(archBench("s390-pci").map(ranges([[0x5010, 1]])))).toEqual([[0x100000010, 1]]);
  });

  it("lazy: refreshed only when the search starts over; strict: at every map and unmap", () => {
    const lazy = archBench("s390-pci", { unit: { entries: 8 } });
    const first = lazy.map(ranges([[0, 0x4000]]));
    expect(first.tlbFlushes + lazy.unmap(first.request).tlbFlushes).toBe(0);
    expect(lazy.map(ranges([[0, 0x4000]])).tlbFlushes).toBe(1);
    const strict = archBench("s390-pci", { unit: { fullFlush: true } });
    const mapped = strict.map(ranges([[0, 0x1000]]));
    expect([mapped.tlbFlushes, strict.unmap(mapped.request).tlbFlushes]).toEqual([1, 1]);
  });

  it("a list that does not fit is undone", () => {
    const bench = archBench("s390-pci", { unit: { entries: 8 } });
    expect(
      bench.map(
        ranges([
          [0, 0x4000],
          [0, 0x5000],
        ]),
      ),
    ).toMatchObject({ ret: 0, message: "map error" });
    expect(used(bench)).toBe(0);
  });
});
