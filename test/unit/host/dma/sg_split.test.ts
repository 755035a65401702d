import { describe, expect, it } from "vitest";
import { sgSetDma } from "#dmasim/host/dma/scatterlist.js";
import { type SplitOutput, sgSplit } from "#dmasim/host/dma/sg_split.js";
import { freeSg, sgEntriesUsed } from "#dmasim/host/dma/sg_table.js";
import { MAP_FAILURES } from "#dmasim/host/status.js";
import { Arena } from "#dmasim/shm/arena.js";
import { sgNext } from "#dmasim/shm/sg_entry.js";
import { dmaEntries, listOfPages, pageEntries } from "../../../support/list.ts";

const arena = Arena.create();

function lengths(defects: "shipped" | "corrected", entries: number[], skipBytes: number, sizes: number[]) {
  const sg = listOfPages(
    arena,
    entries.map((length, i) => ({ pfn: i * 16, offset: 0, length })),
  );
  const outputs = sgSplit(arena, 0, defects, { sg, mappedNents: 0, skipBytes, sizes });
  freeSg(arena, 0, sg);
  if (typeof outputs === "number") return outputs;
  const result = outputs.map((output) => pageEntries(arena, output.sg, 99).map((entry) => entry.length));
  for (const output of outputs) freeSg(arena, 0, output.sg);
  expect(sgEntriesUsed(arena)).toBe(0);
  return result;
}

describe("splitting a scatterlist", () => {
  it("cuts at sizes that cover the list", () => {
    expect(lengths("shipped", [4096, 4096, 4096], 0, [6000, 6288])).toEqual([
      [4096, 1904],
      [2192, 4096],
    ]);
    expect(lengths("corrected", [12288], 0, [4096, 4096, 4096])).toEqual([[4096], [4096], [4096]]);
  });

  it("refuses when bytes are missing", () => {
    expect(lengths("shipped", [4096, 4096], 0, [9000])).toBe(-MAP_FAILURES.invalid.code);
    expect(lengths("shipped", [4096], 5000, [1])).toBe(-MAP_FAILURES.invalid.code);
  });

  it("shipped: a last split inside an entry takes the entries behind it", () => {
    expect(lengths("shipped", [4096, 4096], 0, [1000])).toEqual([[4096, 0]]);
    expect(lengths("shipped", [4096, 4096, 4096], 0, [500, 500])).toEqual([[500], [3596, 4096, 0]]);
    expect(lengths("corrected", [4096, 4096], 0, [1000])).toEqual([[1000]]);
    expect(lengths("corrected", [4096, 4096, 4096], 0, [500, 500])).toEqual([[500], [500]]);
    expect(lengths("shipped", [4096], 0, [1000])).toEqual([[1000]]);
  });

  it("shipped: a skip of exactly one entry leaves an empty head", () => {
    expect(lengths("shipped", [1000, 2000], 1000, [2000])).toEqual([[0, 2000]]);
    expect(lengths("corrected", [1000, 2000], 1000, [2000])).toEqual([[2000]]);
  });

  it("splits the DMA side by DMA lengths", () => {
    const sg = listOfPages(arena, [
      { pfn: 1, offset: 0, length: 4096 },
      { pfn: 9, offset: 0, length: 4096 },
    ]);
    sgSetDma(arena, sg, 0xffff0000, 8192);
    sgSetDma(arena, sgNext(arena, sg), 0, 0);
    const outputs = sgSplit(arena, 0, "shipped", {
      sg,
      mappedNents: 1,
      skipBytes: 96,
      sizes: [5000, 3096],
    }) as SplitOutput[];
    expect(outputs.map((output) => [output.nents, output.mappedNents])).toEqual([
      [2, 1],
      [1, 1],
    ]);
    expect(dmaEntries(arena, outputs[0]?.sg as number, 1)).toEqual([{ dma: 0xffff0060, len: 5000 }]);
    expect(dmaEntries(arena, outputs[1]?.sg as number, 1)).toEqual([{ dma: 0xffff0060 + 5000, len: 3096 }]);
    for (const output of outputs) freeSg(arena, 0, output.sg);
    freeSg(arena, 0, sg);
  });
});
