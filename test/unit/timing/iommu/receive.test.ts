import { describe, expect, it } from "vitest";
import { acksPerPacket, mergedPackets } from "#dmasim/timing/iommu/receive_batch.js";
import { coreGoodput, lineGoodput, translatedGoodput } from "#dmasim/timing/iommu/receive_rate.js";

const load = (flows: number, cores = 5) => ({ flows, cores, mtuBytes: 4096, windowBytes: 380_000 });

describe("merged buffers", () => {
  it("are full when each core has one flow, and shrink to single packets with more flows", () => {
    expect(mergedPackets(load(5))).toBe(16);
    const sizes = [10, 20, 40, 80, 1000].map((flows) => mergedPackets(load(flows)));
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    expect(sizes[sizes.length - 1]).toBe(1);
  });

  it("are acknowledged one by one, single packets every second", () => {
    expect(acksPerPacket(1)).toBe(0.5);
    expect(acksPerPacket(16)).toBeCloseTo(1 / 16, 2);
  });
});

describe("goodput", () => {
  it("of a line is its rate less headers", () => {
    expect(lineGoodput(100, 4096)).toBeCloseTo(97.8, 1);
    expect(lineGoodput(100, 1500)).toBeCloseTo(94.1, 1);
  });

  it("of cores grows with them and with merged buffers", () => {
    expect(coreGoodput(2, 1000, 300, 4096)).toBeCloseTo(2 * coreGoodput(1, 1000, 300, 4096));
    expect(coreGoodput(1, 1000, 300, 65536)).toBeGreaterThan(coreGoodput(1, 1000, 300, 4096));
  });

  it("through a unit falls with the entries that it reads", () => {
    expect((translatedGoodput(65, 197, 1.757) * 8) / 1e9).toBeCloseTo(79.7, 0);
    expect((translatedGoodput(65, 197, 4.347) * 8) / 1e9).toBeCloseTo(35.6, 0);
  });
});
