import { describe, expect, it } from "vitest";
import { alphaClasses, classifyAlpha } from "#dmasim/host/arch/alpha_classify.js";
import { entriesUsed } from "#dmasim/host/arch/linear_iommu.js";
import type { ArchOptions } from "#dmasim/host/arch/types.js";
import { type ArchBench, archBench, pairsOf, ranges } from "../../../support/arch.ts";

const BASE = 0x40000000;
const P4K: ArchOptions = { pageBytes: 4096, iommuPageBytes: 4096 };

function classes(bench: ArchBench, pairs: [number, number][], mayJoin: boolean) {
  const request = bench.request(ranges(pairs));
  classifyAlpha(request, request.sg, request.nents, mayJoin);
  return alphaClasses(request);
}

describe("alpha classification", () => {
  const bench = archBench("alpha-pci", { unit: P4K, device: { maxSegBytes: 0x4000 } });

  it("tells contiguous followers from page-joined ones", () => {
    const pairs: [number, number][] = [
      [0x1000, 0x1000],
      [0x2000, 0x800],
      [0x2800, 0x800],
      [0x9000, 0x1000],
    ];
    expect(classes(bench, pairs, true)).toEqual({ leaders: [{ flag: 1, length: 0x3000 }], followers: [-1, -1, -2] });
    expect(classes(bench, pairs, false)).toEqual({
      leaders: [
        { flag: 0, length: 0x2000 },
        { flag: 0, length: 0x1000 },
      ],
      followers: [-1, -1],
    });
  });

  it("max_seg ends a run before anything is looked at", () => {
    const pairs: [number, number][] = [
      [0x1000, 0x3000],
      [0x4000, 0x2000],
      [0x6000, 0x1000],
    ];
    expect(classes(bench, pairs, true)).toEqual({
      leaders: [
        { flag: 0, length: 0x3000 },
        { flag: 0, length: 0x3000 },
      ],
      followers: [-1],
    });
  });
});

describe("alpha windows", () => {
  it("direct window, then 64-bit window, then arena", () => {
    const unit: ArchOptions = { ...P4K, directBase: 0x80000000, directBytes: 0x1000000, dacOffset: 2 ** 40 };
    const wide = archBench("alpha-pci", { unit, device: { dmaMask: 2 ** 48 - 1 } });
    expect(
      pairsOf(
        wide.map(
          ranges([
            [0x1000, 0x1000],
            [0x3000000, 0x1000],
          ]),
        ),
      ),
    ).toEqual([[BASE, 0x2000]]);
    expect(
      pairsOf(
        wide.map(
          ranges([
            [0x1000, 0x1000],
            [0x9800, 0x800],
          ]),
        ),
      ),
    ).toEqual([
      [0x80001000, 0x1000],
      [0x80009800, 0x800],
    ]);
    expect(pairsOf(wide.map(ranges([[0x3000000, 0x1000]])))).toEqual([[2 ** 40 + 0x3000000, 0x1000]]);
    const narrow = archBench("alpha-pci", { unit });
    expect(pairsOf(narrow.map(ranges([[0x3000000, 0x1000]])))).toEqual([[BASE, 0x1000]]);
  });

  it("entries hold the page number from bit 1 up", () => {
    const result = archBench("alpha-pci").map(ranges([[0x10_0000_2000, 0x2000]]));
    expect(result.tableEntries).toEqual([{ index: 0, lo: 0x01000003, hi: 0 }]);
  });

  it("a contiguous piece that is not page aligned shares entries with its neighbour", () => {
    const result = archBench("alpha-pci", { unit: P4K }).map(
      ranges([
        [0x1800, 0x400],
        [0x1c00, 0x400],
        [0x9000, 0x1000],
      ]),
    );
    expect(pairsOf(result)).toEqual([[BASE + 0x800, 0x1800]]);
    expect(result.tableEntries.map(({ lo }) => lo)).toEqual([(1 << 1) | 1, (9 << 1) | 1]);
  });
});

describe("alpha without room", () => {
  it("a joined run that finds none is classified again without joins, for the direct window", () => {
    const unit: ArchOptions = { ...P4K, entries: 2, directBytes: 2 ** 30, directBase: 0 };
    const bench = archBench("alpha-pci", { unit });
    const result = bench.map(
      ranges([
        [0x1000, 0x1000],
        [0x5000, 0x1000],
        [0x9000, 0x1000],
        [0xa000, 0x1000],
      ]),
    );
    expect(pairsOf(result)).toEqual([
      [0x1000, 0x1000],
      [0x5000, 0x1000],
      [0x9000, 0x2000],
    ]);
  });

  it("a contiguous run that finds none fails the list and gives back what was taken", () => {
    const bench = archBench("alpha-pci", { unit: { ...P4K, entries: 2 } });
    const result = bench.map(
      ranges([
        [0x1000, 0x1000],
        [0x5800, 0x1000],
        [0x9800, 0x800],
      ]),
    );
    expect(result).toMatchObject({ ret: 0, message: "pci_map_sg failed: could not allocate dma page tables" });
    expect(bench.unit.table === null ? -1 : entriesUsed(bench.ctx.arena, bench.unit.table)).toBe(0);
  });

  it("one entry alone: address 0 is failure", () => {
    const bench = archBench("alpha-pci", { unit: { ...P4K, entries: 1 } });
    expect(bench.map(ranges([[0x1000, 0x2000]]))).toMatchObject({
      ret: 0,
      message: "pci_map_single failed: could not allocate dma page tables",
    });
    const noHook = archBench("alpha-pci", { unit: { ...P4K, hasTlbHook: false } });
    expect(noHook.map(ranges([[0x1000, 0x2000]])).message).toBe("pci_map_single: no HW sg");
  });

  it("a search that starts over flushes everything; freeing behind the cursor flushes the range", () => {
    const bench = archBench("alpha-pci", { unit: { ...P4K, entries: 4 } });
    const first = bench.map(ranges([[0x1000, 0x2000]]));
    const second = bench.map(ranges([[0x1000, 0x2000]]));
    expect(bench.unmap(first.request).tlbFlushes).toBe(0);
    const third = bench.map(ranges([[0x1000, 0x2000]]));
    expect(third.tlbFlushes).toBe(1);
    expect(pairsOf(third)).toEqual([[BASE, 0x2000]]);
    expect(bench.unmap(second.request).tlbFlushes).toBe(1);
  });

  it("unmapping a list without arena entries flushes all the same, a wrap of the empty range", () => {
    const unit: ArchOptions = { ...P4K, directBytes: 2 ** 30 };
    const shipped = archBench("alpha-pci", { unit });
    expect(shipped.unmap(shipped.map(ranges([[0x1000, 64]])).request).tlbFlushes).toBe(1);
    const corrected = archBench("alpha-pci", { unit, context: { defects: "corrected" } });
    expect(corrected.unmap(corrected.map(ranges([[0x1000, 64]])).request).tlbFlushes).toBe(0);
  });

  it("the ISA bridge's ranges are aligned to 64 KiB", () => {
    const bench = archBench("alpha-pci", { unit: { alignEntries: 8 } });
    bench.map(ranges([[0x2000, 0x2000]]));
    expect(pairsOf(bench.map(ranges([[0x2000, 0x2000]])))).toEqual([[BASE + 0x10000, 0x2000]]);
  });
});
