import { describe, expect, it } from "vitest";
import { NOT_CONVERTED, patchesOf, SERIES_2015 } from "#dmasim/host/arch/patches.js";
import { debugEntries, kmemcheckMarks, sgHasPageOfPatch1 } from "#dmasim/host/arch/series_common.js";
import { ARCHITECTURES } from "#dmasim/host/arch/table.js";
import { DIR } from "#dmasim/host/dma/device.js";
import { archBench } from "../../../support/arch.ts";

const PAGE_LESS = [{ phys: 0x80000000, length: 4096, hasPage: false }];
const MIXED = [{ phys: 0x100000, length: 4096 }, ...PAGE_LESS];

describe("the series of August 2015", () => {
  it("has 31 patches in order, naming rows that exist", () => {
    expect(SERIES_2015.map((patch) => patch.number)).toEqual(Array.from({ length: 31 }, (_, i) => i + 1));
    const names = new Set(ARCHITECTURES.map((row) => row.name));
    for (const patch of SERIES_2015) {
      for (const row of patch.rows) expect(names.has(row), `${patch.number}: ${row}`).toBe(true);
    }
  });

  it("converts every row that it does not leave out", () => {
    const converted = SERIES_2015.filter((patch) => patch.effect === "converts").flatMap((patch) => patch.rows);
    const left = ARCHITECTURES.map((row) => row.name).filter((name) => !converted.includes(name));
    expect(left.every((name) => NOT_CONVERTED.includes(name))).toBe(true);
    expect(patchesOf("intel-iommu").map((patch) => patch.number)).toEqual([2, 30]);
  });

  for (const patch of SERIES_2015) {
    it(`${patch.number} ${patch.subject}: ${patch.effect}`, () => {
      for (const name of patch.rows.filter((row) => !NOT_CONVERTED.includes(row))) {
        const before = archBench(name, { series: "before", dir: DIR.fromDevice }).map(MIXED);
        const after = archBench(name, { series: "after", dir: DIR.fromDevice }).map(MIXED);
        if (name === "nios2") expect(before.hazards).toHaveLength(1);
        else expect(before.refusal, name).toMatchObject({ entry: 1 });
        expect(after.refusal, name).toBeNull();
        expect(after.ret, name).toBeGreaterThan(0);
        if (patch.template === "B") expect(after.skippedFlushes, name).toBe(1);
        else expect(after.skippedFlushes, name).toBe(0);
      }
      for (const name of patch.rows.filter((row) => NOT_CONVERTED.includes(row))) {
        expect(archBench(name, { series: "after" }).map(MIXED).refusal, name).not.toBeNull();
      }
    });
  }

  it("page-backed lists map the same before and after", () => {
    const list = [
      { phys: 0x100800, length: 0x800 },
      { phys: 0x204000, length: 0x1000 },
    ];
    for (const row of ARCHITECTURES) {
      const before = archBench(row.name, { series: "before", dir: DIR.bidirectional }).map(list);
      const after = archBench(row.name, { series: "after", dir: DIR.bidirectional }).map(list);
      const seen = ({ ret, segments, cacheOps, tableEntries }: typeof before) => ({
        ret,
        segments,
        cacheOps,
        tableEntries,
      });
      expect(seen(after), row.name).toEqual(seen(before));
    }
  });
});

describe("around the ops tables", () => {
  const request = (series: "before" | "after") => archBench("x86-nommu", { series }).request(MIXED);

  it("patch 1 answers true for everything", () => {
    expect(sgHasPageOfPatch1()).toBe(true);
  });

  it("patch 3: dma-debug records frames and checks only what has a page", () => {
    expect(debugEntries(request("before"))).toBeNull();
    expect(debugEntries(request("after"))).toEqual([
      { pfn: 0x100, isChecked: true },
      { pfn: 0x80000, isChecked: false },
    ]);
  });

  it("patch 31: only entries with a page are marked", () => {
    expect(kmemcheckMarks(request("before"))).toBeNull();
    expect(kmemcheckMarks(request("after"))).toEqual([{ entry: 0, kva: 0x100000, bytes: 4096 }]);
  });
});
