import { describe, expect, it } from "vitest";
import { CostRecord } from "#dmasim/base/cost.js";
import {
  areaIsClear,
  bitIsSet,
  boundaryEntries,
  findClearArea,
  nextClear,
  nextSet,
  setBits,
  spansBoundary,
  takeArea,
} from "#dmasim/host/arch/bitmap.js";
import {
  entriesUsed,
  entryHi,
  entryLo,
  initLinearTable,
  type LinearTable,
  writeEntry,
} from "#dmasim/host/arch/linear_iommu.js";
import { seamOf } from "#dmasim/host/arch/merge.js";
import { openArch } from "#dmasim/host/arch/open.js";
import { archNamed } from "#dmasim/host/arch/table.js";
import { ArchWork } from "#dmasim/host/arch/work.js";
import { Arena } from "#dmasim/shm/arena.js";
import { LINEAR_ENTRIES_MAX } from "#dmasim/shm/capacities.js";
import { makeContext } from "../../../support/host.ts";

const arena = Arena.create();
const table = (overrides: Partial<LinearTable> = {}): LinearTable => ({
  index: 1,
  entryBase: 128,
  entries: 256,
  iommuPageBytes: 4096,
  dmaBase: 0,
  ...overrides,
});

describe("bitmaps", () => {
  it("find, set and clear like a naive array", () => {
    const shape = table();
    initLinearTable(arena, shape, 0);
    const naive = new Array<boolean>(256).fill(false);
    let seed = 7;
    const next = (below: number): number => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % below;
    };
    for (let step = 0; step < 300; step += 1) {
      const count = 1 + next(40);
      const align = [1, 2, 8][next(3)] ?? 1;
      const from = next(256);
      const found = findClearArea(arena, shape.entryBase, 256, from, count, align - 1);
      let want = -1;
      for (let at = from; at + count <= 256 && want < 0; at += 1) {
        if (at % align === 0 && naive.slice(at, at + count).every((bit) => !bit)) want = at;
      }
      expect(found, `step ${step}`).toBe(want);
      if (next(3) > 0) {
        const first = next(250);
        setBits(arena, shape.entryBase, first, 6);
        naive.fill(true, first, first + 6);
      }
      expect(bitIsSet(arena, shape.entryBase, from)).toBe(naive[from]);
    }
    expect(entriesUsed(arena, shape)).toBe(naive.filter(Boolean).length);
    expect(nextSet(arena, shape.entryBase, 0, 256)).toBe(naive.indexOf(true));
    expect(nextClear(arena, shape.entryBase, 256, 256)).toBe(256);
  });

  it("an area stays inside its boundary window and leaves the last entry", () => {
    const shape = table();
    initLinearTable(arena, shape, 0);
    expect(takeArea(arena, shape.entryBase, 256, 14, 4, 0, 16, 0)).toBe(16);
    expect(takeArea(arena, shape.entryBase, 256, 14, 2, 1, 16, 0)).toBe(20);
    expect(takeArea(arena, shape.entryBase, 256, 252, 4, 0, 256, 0)).toBe(-1);
    expect(takeArea(arena, shape.entryBase, 256, 0, 17, 0, 16, 0)).toBe(-1);
    expect(spansBoundary(15, 2, 0, 16)).toBe(true);
    expect(spansBoundary(15, 2, 1, 16)).toBe(false);
    expect(boundaryEntries(0xffffffff, 4096)).toBe(2 ** 20);
  });
});

describe("linear tables", () => {
  it("keep 64-bit entries in disjoint slices", () => {
    const first = table({ index: 2, entryBase: 1024 });
    const second = table({ index: 3, entryBase: 1280 });
    initLinearTable(arena, first, 4);
    initLinearTable(arena, second, 0);
    const work = new ArchWork(new CostRecord());
    writeEntry(arena, first, 255, 0xdeadbeef, 0x80000001, work);
    expect([entryLo(arena, first, 255), entryHi(arena, first, 255)]).toEqual([0xdeadbeef, 0x80000001]);
    expect([entryLo(arena, second, 0), entryHi(arena, second, 0)]).toEqual([0, 0]);
    expect(entriesUsed(arena, first)).toBe(4);
    expect(areaIsClear(arena, second.entryBase, 0, 256)).toBe(true);
    expect(work.tableEntries).toEqual([{ index: 255, lo: 0xdeadbeef, hi: 0x80000001 }]);
  });

  it("a table beyond the region is refused with its limit", () => {
    const ctx = makeContext({ arena });
    const slot = { index: 0, entryBase: LINEAR_ENTRIES_MAX - 64 };
    expect(() => openArch(ctx, archNamed("x86-gart"), slot)).toThrow(/does not fit.*1 to 64 entries/);
    expect(() => openArch(ctx, archNamed("intel-iommu"))).toThrow(/domain/);
  });
});

describe("merge families", () => {
  it("differ as their diagram says", () => {
    const seams = (prevEnd: number, start: number): string[] =>
      (["none", "page-join", "contiguous-or-join", "contiguous-and-aligned"] as const).map((family) =>
        seamOf(family, prevEnd, start, 4096),
      );
    expect(seams(0x2000, 0x2000)).toEqual(["none", "page-join", "contiguous", "contiguous"]);
    expect(seams(0x2000, 0x5000)).toEqual(["none", "page-join", "page-join", "none"]);
    expect(seams(0x2800, 0x2800)).toEqual(["none", "none", "contiguous", "none"]);
    expect(seams(0x2800, 0x5000)).toEqual(["none", "none", "none", "none"]);
  });
});
