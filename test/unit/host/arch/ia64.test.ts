import { describe, expect, it } from "vitest";
import { IA64_DELAYED, takeIa64 } from "#dmasim/host/arch/ia64_resmap.js";
import { entriesUsed } from "#dmasim/host/arch/linear_iommu.js";
import type { ArchOptions } from "#dmasim/host/arch/types.js";
import { ArchWork } from "#dmasim/host/arch/work.js";
import { DIR } from "#dmasim/host/dma/device.js";
import { type ArchBench, archBench, pairsOf, ranges } from "../../../support/arch.ts";

const BASE = 0x40000000;
const P4K: ArchOptions = { pageBytes: 4096, iommuPageBytes: 4096, bypass: false };

function sba(unit: ArchOptions = {}, more: Parameters<typeof archBench>[1] = {}): ArchBench {
  return archBench("ia64-sba", { unit: { ...P4K, ...unit }, ...more });
}

function sequence(bench: ArchBench, pages: readonly number[]): number[] {
  const table = bench.unit.table;
  if (table === null) return [];
  const work = new ArchWork(bench.ctx.cost);
  return pages.map((count) => takeIa64(bench.ctx.arena, table, count, 0xffffffff, work));
}

describe("ia64 sba space", () => {
  it("rounds to a power of two and aligns to it", () => {
    expect(sequence(sba(), [1, 1, 2, 3, 1, 5, 32, 33, 1])).toEqual([0, 1, 2, 4, 8, 16, 32, 64, 128]);
  });

  it("a single page takes the lowest free bit from the cursor's word on", () => {
    const bench = sba();
    const first = bench.map(ranges([[0x1000, 0x1000]]));
    bench.map(ranges([[0x1000, 0x1000]]));
    for (let i = 0; i < IA64_DELAYED; i += 1)
      bench.unmap(i === 0 ? first.request : bench.map(ranges([[0, 1]])).request);
    expect(pairsOf(bench.map(ranges([[0x1000, 0x1000]])))).toEqual([[BASE + 64 * 4096, 0x1000]]);
  });

  it("frees are held back until there are 64, then purged one by one", () => {
    const bench = sba();
    const table = bench.unit.table;
    if (table === null) throw new Error("no table");
    const lists = Array.from({ length: IA64_DELAYED }, () => bench.map(ranges([[0x1000, 0x3000]])).request);
    const flushes = lists.map((request) => bench.unmap(request).tlbFlushes);
    expect(flushes.slice(0, -1).every((count) => count === 0)).toBe(true);
    expect(flushes.at(-1)).toBe(IA64_DELAYED);
    expect(entriesUsed(bench.ctx.arena, table)).toBe(1);
  });

  it("out of space: held back frees are taken in, then the kernel gives up", () => {
    const bench = sba({ entries: 128 });
    const halves: [number, number][] = [
      [0x1000, 0x20000],
      [0x80800, 0x1f800],
    ];
    const request = bench.map(ranges(halves)).request;
    expect(bench.map(ranges([[0x1000, 0x20000]])).ret).toBe(1);
    const none = bench.map(ranges(halves));
    expect(none).toMatchObject({ ret: 0 });
    expect(none.message).toBe("sba_alloc_range: I/O MMU @ 40000000 isout of mapping resources, 16 32 ffffffff");
    expect(bench.unmap(request).tlbFlushes).toBe(0);
    const again = bench.map(ranges(halves));
    expect(again).toMatchObject({ ret: 2, tlbFlushes: 2 });
  });
});

describe("ia64 sba lists", () => {
  it("merges what is contiguous or page-joined, 64 I/O pages at most", () => {
    const bench = sba({}, { device: { maxSegBytes: 2 ** 30 } });
    const entries = Array.from({ length: 5 }, (_, i): [number, number] => [i * 0x40000, 0x10000]);
    expect(pairsOf(bench.map(ranges(entries)))).toEqual([
      [BASE, 0x40000],
      [BASE + 0x40000, 0x10000],
    ]);
    expect(
      bench.map(
        ranges([
          [0x200, 0x400],
          [0x600, 0x400],
          [0x5000, 0x1000],
        ]),
      ).ret,
    ).toBe(2);
  });

  it("a chunk counts its offset", () => {
    const bench = sba({}, { device: { maxSegBytes: 2 ** 30 } });
    expect(
      bench.map(
        ranges([
          [0x800, 0x3f800],
          [0x80000, 0x800],
        ]),
      ).ret,
    ).toBe(2);
    expect(
      bench.map(
        ranges([
          [0x800, 0x3e800],
          [0x80000, 0x1000],
        ]),
      ).ret,
    ).toBe(1);
  });

  it("translations are the physical page with the valid bit", () => {
    const result = sba().map(
      ranges([
        [0x1_2345_6800, 0x1000],
        [0x9000, 0x800],
      ]),
    );
    expect(result.ret).toBe(2);
    expect(result.tableEntries.slice(0, 2)).toEqual([
      { index: 0, lo: 0x23456000, hi: 0x80000001 },
      { index: 1, lo: 0x23457000, hi: 0x80000001 },
    ]);
  });

  it("one entry alone bypasses when the device reaches it; in a list nothing does", () => {
    const bench = sba({ bypass: true });
    expect(pairsOf(bench.map(ranges([[0x5000, 64]])))).toEqual([[0x5000, 64]]);
    expect(pairsOf(bench.map(ranges([[0x1_0000_0000, 64]])))).toEqual([[BASE, 64]]);
    expect(
      pairsOf(
        bench.map(
          ranges([
            [0x5000, 0x1000],
            [0x9000, 64],
          ]),
        ),
      ),
    ).toEqual([[BASE + 0x2000, 0x1040]]);
  });

  it("16 KiB I/O pages", () => {
    const bench = sba({ iommuPageBytes: 16384 });
    expect(
      bench.map(
        ranges([
          [0x1000, 0x1000],
          [0x5000, 0x1000],
        ]),
      ).ret,
    ).toBe(2);
    expect(
      bench.map(
        ranges([
          [0x4000, 0x4000],
          [0x10000, 0x1000],
        ]),
      ).ret,
    ).toBe(1);
  });

  it("a failed list keeps its ranges, unless corrected", () => {
    const half: [number, number] = [0x800, 0x1f800];
    const afterwards = (defects: "shipped" | "corrected"): number => {
      const bench = sba({ entries: 128 }, { context: { defects } });
      expect(bench.map(ranges([half, half, half, half])).ret).toBe(0);
      return bench.map(ranges([half, half, half])).ret;
    };
    expect(afterwards("shipped")).toBe(0);
    expect(afterwards("corrected")).toBe(3);
  });
});

describe("ia64 page-less", () => {
  it("is refused by the series, which only renames, and taken once converted", () => {
    const entries = [
      { phys: 0x1000, length: 4096 },
      { phys: 0x2000, length: 4096, hasPage: false },
    ];
    expect(sba({}, { series: "after" }).map(entries).refusal?.site).toBe("kernel virtual address");
    const bench = sba({}, { series: "after", dir: DIR.fromDevice });
    const result = bench.map(entries, { converted: true });
    expect(pairsOf(result)).toEqual([[BASE, 8192]]);
    expect(bench.unmap({ ...result.request, converted: true }).hazards).toHaveLength(1);
  });
});

describe("sn2", () => {
  it("64-bit masks get direct addresses, others translation entries", () => {
    const direct = archBench("ia64-sn2", { device: { dmaMask: Number.MAX_SAFE_INTEGER } });
    expect(pairsOf(direct.map(ranges([[0x123456789, 100]])))).toEqual([[0x123456789, 100]]);
    const bench = archBench("ia64-sn2", { unit: { entries: 4 } });
    expect(pairsOf(bench.map(ranges([[0x123456789, 100]])))).toEqual([[BASE + 0x2789, 100]]);
    expect(
      bench.map(
        ranges([
          [0, 0x4000],
          [0x8000, 0x10000],
        ]),
      ),
    ).toMatchObject({
      ret: 0,
      message: "sn_dma_map_sg: out of ATEs",
    });
  });
});
