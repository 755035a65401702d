/** After an unmap the table of a linear-table IOMMU no longer translates what was mapped, where the kernel clears it. */
import { describe, expect, it } from "vitest";
import { entryHi, entryLo, type LinearTable } from "#dmasim/host/arch/linear_iommu.js";
import type { PlainEntry } from "#dmasim/host/arch/plain_list.js";
import { ARCHITECTURES } from "#dmasim/host/arch/table.js";
import { archBench } from "../../../support/arch.ts";

const ENTRIES: PlainEntry[] = [
  { phys: 0x100000, length: 4096 },
  { phys: 0x204000, length: 6000 },
];
/** The aperture is for what lies beyond the device's mask. */
const HIGH = ENTRIES.map(({ phys, length }) => ({ phys: 2 ** 32 + phys, length }));
/** Rows whose kernel leaves the entries: freed many at a time, or only marked as free. */
const LEAVES_ENTRIES = ["ia64-sba", "sparc32-io-unit"];

describe("an unmap clears the table's entries", () => {
  it.each(ARCHITECTURES.filter((row) => row.translation === "linear").map(({ name }) => name))("%s", (name) => {
    const bench = archBench(name);
    const { arena } = bench.ctx;
    const table = bench.unit.table as LinearTable;
    const { request, tableEntries } = bench.map(name === "x86-gart" ? HIGH : ENTRIES);
    expect(tableEntries.length).toBeGreaterThan(0);
    const translates = () =>
      tableEntries.filter(
        ({ index, lo, hi }) => entryLo(arena, table, index) === lo && entryHi(arena, table, index) === hi,
      );
    expect(translates()).toEqual(tableEntries);
    bench.unmap(request);
    expect(translates()).toEqual(LEAVES_ENTRIES.includes(name) ? tableEntries : []);
  });
});
