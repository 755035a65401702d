import { describe, expect, it } from "vitest";
import { coherenceIndex } from "#dmasim/host/arch/coherence.js";
import { entriesUsed, entryHi, entryLo } from "#dmasim/host/arch/linear_iommu.js";
import { PARISC_SBA_DELAYED, takeCcio, takeParisc } from "#dmasim/host/arch/parisc_resmap.js";
import type { PlainEntry } from "#dmasim/host/arch/plain_list.js";
import type { PagelessPolicy } from "#dmasim/host/arch/types.js";
import { ArchWork } from "#dmasim/host/arch/work.js";
import { DIR } from "#dmasim/host/dma/device.js";
import { type ArchBench, archBench, pairsOf, ranges } from "../../../support/arch.ts";

const PAGE_LESS: PlainEntry = { phys: 0x80000100, length: 4096, hasPage: false };

function sequence(bench: ArchBench, take: typeof takeCcio, pages: readonly number[]): number[] {
  const table = bench.unit.table;
  if (table === null) return [];
  const work = new ArchWork(bench.ctx.cost);
  return pages.map((count) => take(bench.ctx.arena, table, count, bench.device.segBoundaryMask, work));
}

function used(bench: ArchBench): number {
  return bench.unit.table === null ? -1 : entriesUsed(bench.ctx.arena, bench.unit.table);
}

describe("ccio space", () => {
  it("byte, 16, 32 and 64-bit units, each aligned to itself", () => {
    const bench = archBench("parisc-ccio");
    expect(sequence(bench, takeCcio, [1, 16, 1, 32, 8, 64, 2])).toEqual([0, 16, 32, 64, 96, 128, 192]);
    expect(used(bench)).toBe(8 + 16 + 8 + 32 + 8 + 64 + 8);
  });

  it("goes on behind the last unit, then looks from the start", () => {
    const bench = archBench("parisc-ccio", { unit: { entries: 64 } });
    const first = bench.map(ranges([[0x1000, 0x1000]]));
    expect(sequence(bench, takeCcio, [9, 17])).toEqual([16, 32]);
    bench.unmap(first.request);
    expect(sequence(bench, takeCcio, [1, 1])).toEqual([0, 8]);
    expect(used(bench)).toBe(64);
  });

  it("panics when nothing is free, and beyond 64 pages", () => {
    const bench = archBench("parisc-ccio", { unit: { entries: 64 } });
    expect(bench.map(ranges([[0, 0x41000]])).refusal?.text).toContain("Too many pages to map. pages_needed: 65");
    bench.map(ranges([[0, 0x40000]]));
    expect(bench.map(ranges([[0, 1]])).refusal).toMatchObject({ site: "panic" });
    expect(bench.map(ranges([[0, 1]])).message).toContain("I/O MMU is out of mapping resources.");
  });

  it("a unit that would cross the boundary is passed over", () => {
    const bench = archBench("parisc-ccio", { device: { segBoundaryMask: 0xffff } });
    expect(sequence(bench, takeCcio, [1, 9, 9])).toEqual([0, 16, 32]);
    expect(bench.map(ranges([[0, 0x11000]])).refusal?.site).toBe("panic");
  });
});

describe("parisc sba space", () => {
  it("aligns to the power of two inside a word; more than half a word takes a word", () => {
    const bench = archBench("parisc-sba");
    expect(sequence(bench, takeParisc, [3, 1, 1, 2, 33, 1, 32, 32, 5])).toEqual([0, 3, 4, 6, 64, 128, 160, 192, 224]);
  });

  it("frees sixteen at a time; entries are invalid and purged at once", () => {
    const bench = archBench("parisc-sba");
    const lists = Array.from({ length: PARISC_SBA_DELAYED }, () => bench.map(ranges([[0x1000, 0x2000]])).request);
    for (const request of lists.slice(0, -1)) expect(bench.unmap(request).tlbFlushes).toBe(1);
    expect(used(bench)).toBe(2 * PARISC_SBA_DELAYED);
    const table = bench.unit.table;
    if (table === null) throw new Error("no table");
    expect(entryHi(bench.ctx.arena, table, 0)).toBe(0);
    bench.unmap(lists.at(-1) ?? (lists[0] as (typeof lists)[0]));
    expect(used(bench)).toBe(0);
  });

  it("searches twice, then panics", () => {
    const bench = archBench("parisc-sba", { unit: { entries: 64 } });
    const first = bench.map(ranges([[0, 0x20000]])).request;
    bench.map(ranges([[0, 0x20000]]));
    expect(bench.map(ranges([[0, 1]])).refusal?.text).toBe(
      "drivers/parisc/sba_iommu.c: I/O MMU is out of mapping resources",
    );
    bench.unmap(first);
    expect(bench.map(ranges([[0, 1]])).refusal?.site).toBe("panic");
  });
});

describe("the shared helper", () => {
  it("merges only what is contiguous and page aligned at the seam", () => {
    const bench = archBench("parisc-ccio");
    const count = (pairs: [number, number][]): number => bench.map(ranges(pairs)).ret;
    expect(
      count([
        [0x1800, 0x800],
        [0x2000, 0x800],
      ]),
    ).toBe(1);
    expect(
      count([
        [0x1800, 0x400],
        [0x1c00, 0x400],
      ]),
    ).toBe(2);
    expect(
      count([
        [0x1000, 0x1000],
        [0x5000, 0x1000],
      ]),
    ).toBe(2);
  });

  it("merges on virtual addresses: what is contiguous there may lie apart in memory", () => {
    const result = archBench("parisc-ccio").map([
      { phys: 0x1000, length: 4096, kva: 0x10001000 },
      { phys: 0x9000, length: 4096, kva: 0x10002000 },
    ]);
    expect(pairsOf(result)).toEqual([[0, 8192]]);
    expect(result.tableEntries.map(({ lo, hi }) => [lo >>> 12, hi >>> 16])).toEqual([
      [1, 0x001],
      [9, 0x002],
    ]);
  });

  it("a chunk has 64 pages at most, offset included", () => {
    const bench = archBench("parisc-ccio", { device: { maxSegBytes: 2 ** 30 } });
    expect(
      bench.map(
        ranges([
          [0, 0x3f000],
          [0x3f000, 0x1000],
          [0x40000, 0x1000],
        ]),
      ).ret,
    ).toBe(2);
    expect(
      bench.map(
        ranges([
          [0x800, 0x3f800],
          [0x40000, 0x800],
        ]),
      ).ret,
    ).toBe(2);
  });

  it("max_seg counts bytes without the offset", () => {
    const bench = archBench("parisc-ccio", { device: { maxSegBytes: 0x2000 } });
    expect(
      bench.map(
        ranges([
          [0x800, 0x1800],
          [0x2000, 0x800],
        ]),
      ).ret,
    ).toBe(1);
    expect(
      bench.map(
        ranges([
          [0x800, 0x1800],
          [0x2000, 0x801],
        ]),
      ).ret,
    ).toBe(2);
  });
});

describe("translations", () => {
  it("ccio: physical page, hints by direction, twelve bits of the virtual address", () => {
    const lo = (dir: number, phys: number, more: PlainEntry[] = []): number =>
      archBench("parisc-ccio", { dir }).map([{ phys, length: 64 }, ...more]).tableEntries[0]?.lo ?? 0;
    expect(lo(DIR.toDevice, 0x5000)).toBe(0x5011);
    expect(lo(DIR.fromDevice, 0x5000)).toBe(0x5001);
    expect(lo(DIR.bidirectional, 0x5000)).toBe(0x5003);
    expect(lo(DIR.fromDevice, 0x5004)).toBe(0x5003);
    expect(lo(DIR.fromDevice, 0x5004, [{ phys: 0x9000, length: 64 }])).toBe(0x5001);
    const high = archBench("parisc-ccio").map([{ phys: 0x3_0000_5000, length: 64, kva: 0x10abc000 }]);
    expect(high.tableEntries[0]?.hi).toBe(0x0abc0003);
  });

  it("sba: eight bits of the virtual address, valid in bit 63", () => {
    const result = archBench("parisc-sba").map([{ phys: 0x3_0000_5000, length: 0x1800, kva: 0x10abf000 }]);
    expect(result.tableEntries.map(({ lo, hi }) => [lo, hi])).toEqual([
      [0x50bf, 0x80000003],
      [0x60c0, 0x80000003],
    ]);
    expect(coherenceIndex(0x10abf000, 8)).toBe(0xbf);
  });

  it("ccio: unmap clears the low byte of every entry and purges once a chain", () => {
    const bench = archBench("parisc-ccio");
    const result = bench.map(ranges([[0x5000, 0x2000]]));
    expect(bench.unmap(result.request).tlbFlushes).toBe(1);
    const table = bench.unit.table;
    if (table === null) throw new Error("no table");
    expect(entryLo(bench.ctx.arena, table, 0)).toBe(0x5000);
    const small = archBench("parisc-ccio", { unit: { entries: 256 } });
    expect(small.unmap(small.map(ranges([[0x5000, 0x3000]])).request).tlbFlushes).toBe(3);
  });
});

describe("entries without a kernel address", () => {
  it("are refused, page or not", () => {
    for (const name of ["parisc-ccio", "parisc-sba"]) {
      const refused = archBench(name, { series: "after" }).map([{ phys: 0x1000, length: 64 }, PAGE_LESS]);
      expect(refused.refusal).toMatchObject({ site: "coherence-index", entry: 1, errno: -22 });
      expect(refused.ret).toBe(0);
      const high = archBench(name).map([{ phys: 0x1000, length: 64, kva: null }]);
      expect(high.refusal?.site).toBe("coherence-index");
    }
  });

  it("index 0 and an untouched line work, and keep flushing that line", () => {
    const found = (policy: PagelessPolicy) =>
      archBench("parisc-sba", { dir: DIR.fromDevice }).map([{ phys: 0x1000, length: 4096 }, PAGE_LESS], {
        pagelessPolicy: policy,
      });
    const zero = found("index0");
    expect(zero.refusal).toBeNull();
    expect(zero.tableEntries.map(({ lo }) => lo & 0xff)).toEqual([1, 0, 0]);
    expect(zero.repeatedFlushes).toBe(64);
    expect(found("untouched-line").tableEntries.map(({ lo }) => lo & 0xff)).toEqual([1, 0xff, 0xff]);
    expect(found("untouched-line").repeatedFlushes).toBe(64);
  });

  it("the user alias carries its own index, if the caller has one", () => {
    const bench = archBench("parisc-sba");
    const result = bench.map([PAGE_LESS], { pagelessPolicy: "user-alias", userVa: [0x40042100] });
    expect(result.tableEntries.map(({ lo }) => lo & 0xff)).toEqual([0x42, 0x43]);
    expect(result.repeatedFlushes).toBe(0);
    expect(result.hazards).toHaveLength(1);
    expect(bench.map([PAGE_LESS], { pagelessPolicy: "user-alias" }).refusal?.site).toBe("coherence-index");
  });

  it("counts lines that the IOMMU reads, modifies and writes for a device that writes parts of them", () => {
    const rmw = (phys: number, length: number, dir: number): number =>
      archBench("parisc-ccio", { dir }).map([{ phys, length }]).lineReadModifyWrites;
    expect(rmw(0x1000, 4096, DIR.fromDevice)).toBe(0);
    expect(rmw(0x1010, 4096, DIR.fromDevice)).toBe(2);
    expect(rmw(0x1010, 16, DIR.fromDevice)).toBe(1);
    expect(rmw(0x1000, 100, DIR.bidirectional)).toBe(1);
    expect(rmw(0x1010, 16, DIR.toDevice)).toBe(0);
  });
});
