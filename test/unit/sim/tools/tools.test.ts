import { describe, expect, it } from "vitest";
import { copiedByte, destinationByte, sourceByte, summarise, summaryLine } from "#dmasim/sim/tools/dmatest.js";
import {
  headLine,
  latencyFigures,
  MAP_BENCHMARK_DEFAULTS,
  refusal,
  resultLines,
  sumLatencies,
} from "#dmasim/sim/tools/map_benchmark.js";

describe("dmatest", () => {
  it("fills source and destination with different patterns", () => {
    const range = { offset: 4, bytes: 8 };
    expect([0, 4, 11, 12, 33].map((i) => sourceByte(i, range))).toEqual([0x9f, 0xdb, 0xd4, 0x93, 0x9e]);
    expect([0, 4, 12].map((i) => destinationByte(i, range))).toEqual([0x1f, 0x3b, 0x13]);
  });

  it("knows a good copy", () => {
    const source = { offset: 16, bytes: 8 };
    expect(copiedByte(2, { offset: 2, bytes: 8 }, source)).toBe(sourceByte(16, source));
    expect(copiedByte(1, { offset: 2, bytes: 8 }, source)).toBe(0x1e);
  });

  it("summarises in fixed point", () => {
    const totals = { tests: 5, failures: 0, runtimeUs: 2500, bytes: 81920 };
    expect(summarise(totals)).toEqual({ iopsText: "2000.00", kBytesPerS: 32000 });
    expect(summarise({ ...totals, tests: 1, runtimeUs: 3 }).iopsText).toBe("333333.33");
    expect(summarise({ ...totals, runtimeUs: 0 })).toEqual({ iopsText: "0.00", kBytesPerS: 0 });
    expect(summarise({ tests: 4e9, failures: 0, runtimeUs: 2 ** 33, bytes: 0 }).iopsText).toBe("465661.28");
    expect(summaryLine("dma0chan0-copy0", totals)).toBe(
      "dma0chan0-copy0: summary 5 tests, 0 failures 2000.00 iops 32000 KB/s (0)",
    );
  });
});

describe("map_benchmark", () => {
  it("truncates like the kernel", () => {
    const map = latencyFigures(sumLatencies([1234, 2345, 999]));
    expect(map).toEqual({ average: 14, deviation: 7 });
    expect(resultLines(map, latencyFigures(sumLatencies([])))).toEqual([
      "average map latency(us):1.4 standard deviation:0.7",
      "average unmap latency(us):0.0 standard deviation:0.0",
    ]);
  });

  it("refuses what the kernel refuses", () => {
    expect(refusal(MAP_BENCHMARK_DEFAULTS)).toBeUndefined();
    for (const wrong of [
      { threads: 0 },
      { seconds: 301 },
      { dmaDir: 3 },
      { granule: 1025 },
      { mapMode: 2 },
      { node: 1 },
    ]) {
      expect(refusal({ ...MAP_BENCHMARK_DEFAULTS, ...wrong })).toMatch(/^invalid /);
    }
    expect(refusal({ ...MAP_BENCHMARK_DEFAULTS, node: 1 }, 2)).toBeUndefined();
    expect(refusal({ ...MAP_BENCHMARK_DEFAULTS, dmaBits: 20 })).toBe("unsupported DMA mask");
  });

  it("prints the first line of each era", () => {
    const asked = { ...MAP_BENCHMARK_DEFAULTS, threads: 4, seconds: 10, dmaDir: 1 };
    expect(headLine("7.x", asked)).toBe(
      "dma mapping benchmark(SINGLE_MODE): threads:4 seconds:10 node:-1 dir:TO_DEVICE granule:1",
    );
    expect(headLine("6.1", asked)).toBe("dma mapping benchmark: threads:4 seconds:10 node:-1 dir:TO_DEVICE granule: 1");
  });
});
