import { describe, expect, it } from "vitest";
import { entriesUsed } from "#dmasim/host/arch/linear_iommu.js";
import type { ArchOptions } from "#dmasim/host/arch/types.js";
import { DIR } from "#dmasim/host/dma/device.js";
import { type ArchBench, type ArchBenchOptions, archBench, pairsOf, ranges } from "../../../support/arch.ts";

const PAGE = 8192;
const SUN4U = 0xc0000000;
const SUN4V = 0x80000000;

function used(bench: ArchBench): number {
  return bench.unit.table === null ? -1 : entriesUsed(bench.ctx.arena, bench.unit.table);
}

describe("sparc64 iommu", () => {
  it("joins 8 KiB pages; entries are valid, cached, streaming, writable unless to the device", () => {
    const words = (dir: number, streaming: boolean): (number | undefined)[] => {
      const first = archBench("sparc64-iommu", { dir, unit: { streaming } }).map(ranges([[0x1_0000_2000, 8]]))
        .tableEntries[0];
      return [first?.hi, first?.lo];
    };
    expect(words(DIR.toDevice, true)).toEqual([0x90000001, 0x2010]);
    expect(words(DIR.fromDevice, false)).toEqual([0x80000001, 0x2012]);
    const result = archBench("sparc64-iommu").map(
      ranges([
        [0x1000, 0x1000],
        [0x8000, PAGE],
        [0x4000, 0x1000],
      ]),
    );
    expect(pairsOf(result)).toEqual([[SUN4U + 0x1000, 0x1000 + PAGE + 0x1000]]);
  });

  it("a segment does not grow across the boundary, as seen from entry 0 unless corrected", () => {
    const options = (defects: "shipped" | "corrected"): ArchBenchOptions => ({
      device: { segBoundaryMask: 4 * PAGE - 1 },
      context: { defects },
    });
    const list = ranges([
      [0, PAGE],
      [0x10000, PAGE],
      [0x20000, PAGE],
    ]);
    const count = (defects: "shipped" | "corrected"): number => {
      const bench = archBench("sparc64-iommu", options(defects));
      bench.map(ranges([[0, 2 * PAGE]]));
      return bench.map(list).ret;
    };
    expect(count("shipped")).toBe(1);
    expect(count("corrected")).toBe(2);
  });

  it("the streaming buffer is flushed for every DMA entry at unmap, once for the list at sync", () => {
    const bench = archBench("sparc64-iommu", { dir: DIR.fromDevice });
    const result = bench.map(
      ranges([
        [0, PAGE],
        [0x10100, 0x100],
      ]),
    );
    expect(result.ret).toBe(2);
    expect(bench.sync(result.request, true).cacheOps).toEqual([
      { op: "flush", entry: -1, addr: SUN4U, bytes: 2 * PAGE, cache: "outer" },
    ]);
    expect(bench.sync(result.request, false).cacheOps).toEqual([]);
    const unmapped = bench.unmap(result.request);
    expect(unmapped.cacheOps.map(({ addr, bytes }) => [addr, bytes])).toEqual([
      [SUN4U, PAGE],
      [SUN4U + PAGE, PAGE],
    ]);
    expect(used(bench)).toBe(0);
  });

  it("a full table undoes the list, in the kernel's words; a search that starts over flushes", () => {
    const bench = archBench("sparc64-iommu", { unit: { entries: 8 } });
    const failed = bench.map(
      ranges([
        [0, 4 * PAGE],
        [0x100, 4 * PAGE],
      ]),
    );
    expect(failed).toMatchObject({ ret: 0, message: "iommu_alloc failed, iommu 0 paddr 100 npages 5" });
    expect(used(bench)).toBe(0);
    const first = bench.map(ranges([[0, 4 * PAGE]]));
    bench.unmap(first.request);
    expect(bench.map(ranges([[0, 4 * PAGE]])).tlbFlushes).toBe(1);
  });
});

describe("sun4v", () => {
  it("one hypervisor call a run of entries, at most 1024 pages", () => {
    const bench = archBench("sparc64-sun4v", { device: { maxSegBytes: 2 ** 31 } });
    expect(
      bench.map(
        ranges([
          [0, PAGE],
          [0x10000, PAGE],
        ]),
      ),
    ).toMatchObject({ ret: 1, hypercalls: 1 });
    expect(bench.map(ranges([[0, 2000 * PAGE]]))).toMatchObject({ ret: 1, hypercalls: 2 });
    const result = bench.map(ranges([[0, PAGE]]));
    expect(result.segments[0]?.dmaAddr).toBe(SUN4V + 2002 * PAGE);
    expect(bench.unmap(result.request).hypercalls).toBe(1);
  });
});

describe("ldc", () => {
  it("cookies grow while the next page begins at offset 0 behind them", () => {
    const bench = archBench("sparc64-ldc");
    const result = bench.map(
      ranges([
        [0x1000, 0x1000],
        [0x8000, 3 * PAGE],
        [0x30100, 0x100],
        [0x40000, 0x100],
      ]),
    );
    expect(pairsOf(result)).toEqual([
      [0x1000, 0x1000 + 3 * PAGE],
      [4 * PAGE + 0x100, 0x100],
      [5 * PAGE, 0x100],
    ]);
    expect(result.tableEntries.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("a full table is -ENOMEM, not 0", () => {
    expect(archBench("sparc64-ldc").map(ranges([[0, 9000 * PAGE]]))).toMatchObject({ ret: -12, segments: [] });
  });
});

describe("sparc32 iommu", () => {
  const BASE = 0xf0000000;

  it("a range has the colour of its first page", () => {
    const bench = archBench("sparc32-iommu", { unit: { colours: 16 } });
    expect(
      pairsOf(
        bench.map(
          ranges([
            [0x5000, 0x1000],
            [0x25000, 0x2000],
            [0x3100, 0x100],
          ]),
        ),
      ),
    ).toEqual([
      [BASE + 0x5000, 0x1000],
      [BASE + 0x15000, 0x2000],
      [BASE + 0x3100, 0x100],
    ]);
  });

  it("entries hold the page number from bit 8 up; every page is invalidated", () => {
    const result = archBench("sparc32-iommu").map(ranges([[0x12345800, 0x1000]]));
    expect(result.tableEntries.map(({ lo }) => lo)).toEqual([0x1234586, 0x1234686]);
    expect(result.tlbFlushes).toBe(2);
  });

  it("each page of the CPU cache is flushed once, high memory never", () => {
    const bench = archBench("sparc32-iommu");
    const list = [
      { phys: 0x5000, length: 0x100 },
      { phys: 0x5100, length: 0x2000 },
      { phys: 0x9000, length: 0x100, kva: null },
    ];
    expect(bench.map(list).cacheOps.map(({ addr }) => addr)).toEqual([0x5000, 0x6000, 0x7000]);
    const all = archBench("sparc32-iommu", { unit: { globalFlush: true } }).map(list);
    expect(all.cacheOps).toEqual([{ op: "flush", entry: -1, addr: 0, bytes: 0, cache: "whole" }]);
  });

  it("panics when full; a freed range is found again", () => {
    const bench = archBench("sparc32-iommu", { unit: { entries: 64 } });
    const first = bench.map(ranges([[0, 0x20000]]));
    bench.map(ranges([[0, 0x20000]]));
    expect(bench.map(ranges([[0, 0x1000]])).refusal).toMatchObject({ site: "panic", text: "iommu out" });
    bench.unmap(first.request);
    expect(pairsOf(bench.map(ranges([[0, 0x1000]])))).toEqual([[BASE, 0x1000]]);
  });
});

describe("IO-UNIT", () => {
  const BASE = 0xfc000000;
  const small: ArchOptions = { entries: 64 };

  it("one page, two pages and more have their own areas", () => {
    const result = archBench("sparc32-io-unit").map(
      ranges([
        [0x1000, 0x1000],
        [0x1800, 0x1000],
        [0x1000, 0x5000],
      ]),
    );
    expect(pairsOf(result)).toEqual([
      [BASE, 0x1000],
      [BASE + 8192 * 4096 + 0x800, 0x1000],
      [BASE + 12288 * 4096, 0x5000],
    ]);
    expect(result.tableEntries[0]?.lo).toBe(0x186);
  });

  it("a full area sends one page to the third, two pages to the third, more to the first", () => {
    const bench = archBench("sparc32-io-unit", { unit: small });
    const at = (pages: number): number =>
      ((bench.map(ranges([[0, pages * 4096]])).segments[0]?.dmaAddr ?? 0) - BASE) / 4096;
    expect(Array.from({ length: 33 }, () => at(1))).toEqual([...Array.from({ length: 32 }, (_, i) => i), 48]);
    expect(Array.from({ length: 9 }, () => at(2))).toEqual([...Array.from({ length: 8 }, (_, i) => 32 + 2 * i), 49]);
    expect(at(10)).toBe(51);
    expect(bench.map(ranges([[0x1000, 0x5000]])).refusal?.text).toBe(
      "iounit_get_area: Couldn't find free iopte slots for (00001000,20480)",
    );
  });

  it("the rotor goes on behind the last range", () => {
    const bench = archBench("sparc32-io-unit", { unit: small });
    const first = bench.map(ranges([[0, 4096]]));
    bench.unmap(first.request);
    expect(pairsOf(bench.map(ranges([[0, 4096]])))).toEqual([[BASE + 4096, 4096]]);
  });
});
