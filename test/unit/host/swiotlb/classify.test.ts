import { describe, expect, it } from "vitest";
import { DIR, type DmaDevice } from "#dmasim/host/dma/device.js";
import { swiotlbMap, swiotlbUnmap } from "#dmasim/host/swiotlb/bounce.js";
import { classifyFull, fullLines, overflowLine } from "#dmasim/host/swiotlb/classify.js";
import { initPool } from "#dmasim/host/swiotlb/pool.js";
import { Arena } from "#dmasim/shm/arena.js";
import { makeContext, makeDevice } from "../../../support/host.ts";

const ORIG = 0x1_2345_6000;
const arena = Arena.create();

function bench(nslabs: number, nareas: number, overrides: Partial<DmaDevice> = {}) {
  const ctx = makeContext({ arena });
  const device = makeDevice({ pool: initPool(arena, 0, 0, 0, nslabs, nareas, 0x4000000), ...overrides });
  const map = (bytes: number): number => swiotlbMap(ctx, device, ORIG, bytes, 0, DIR.none, 0);
  const unmap = (tlb: number): number => swiotlbUnmap(ctx, device, tlb, 0, DIR.none, 0);
  const why = (bytes: number, live: number) => {
    expect(map(bytes)).toBeLessThan(0);
    return classifyFull(ctx, device, { orig: ORIG, mappingBytes: bytes, allocAlignMask: 0 }, () => live);
  };
  return { ctx, device, map, unmap, why };
}

describe("classifyFull", () => {
  it("names a request that no pool can serve, on an empty pool too", () => {
    const found = bench(32768, 1).why(524276, 0);
    expect(found.reason).toBe("request too large");
    expect(found.remedy).toContain("262144");
    expect(found.kernelLines).toEqual([
      "swiotlb buffer is full (sz: 524276 bytes), total 32768 (slots), used 0 (slots)",
    ]);
  });

  it("names an alignment that leaves no place even in an empty pool", () => {
    const b = bench(32768, 1, { minAlignMask: 0xffff });
    expect(b.why(262144, 0).reason).toBe("alignment");
  });

  it("names free runs that start in the wrong place", () => {
    const b = bench(512, 1);
    const held = Array.from({ length: 512 }, () => b.map(2048));
    for (const tlb of held.slice(1, 3)) b.unmap(tlb);
    const found = b.why(4096, 510);
    expect([found.reason, found.longestFreeRun]).toEqual(["alignment", 2]);
  });

  it("names fragmentation", () => {
    const b = bench(512, 1);
    const held = Array.from({ length: 512 }, () => b.map(2048));
    held.forEach((tlb, i) => {
      if (i % 2 === 0) b.unmap(tlb);
    });
    const found = b.why(8192, 256);
    expect([found.reason, found.usedSlots, found.longestFreeRun, found.nslots]).toEqual(["fragmented", 256, 1, 4]);
  });

  it("names free slots that lie in different areas", () => {
    const b = bench(512, 4);
    for (let area = 0; area < 4; area += 1) b.map(100 * 2048);
    expect(b.why(64 * 2048, 4).reason).toBe("one area");
  });

  it("names a pool full of mappings in flight", () => {
    const b = bench(512, 1);
    for (let i = 0; i < 256; i += 1) b.map(4000);
    const found = b.why(4000, 256);
    expect([found.reason, found.usedSlots, found.leak]).toEqual(["truly full", 512, null]);
  });

  it("names the device whose mappings outlive its requests", () => {
    const b = bench(512, 1, { index: 3 });
    for (let i = 0; i < 256; i += 1) b.map(4000);
    const found = b.why(4000, 2);
    expect(found.reason).toBe("leaked");
    expect(found.leak).toEqual({ device: 3, slots: 512, mappings: 256 });
  });

  it("sees room that came back meanwhile", () => {
    const b = bench(512, 1);
    const request = { orig: ORIG, mappingBytes: 2048, allocAlignMask: 0 };
    expect(classifyFull(b.ctx, b.device, request, () => 0).reason).toBe("retry");
  });

  it("names a machine without a pool", () => {
    const b = bench(512, 1, { pool: null });
    expect(b.why(2048, 0).reason).toBe("no pool");
  });
});

describe("the kernel's words", () => {
  const request = { orig: ORIG, mappingBytes: 5000, allocAlignMask: 0xfff };

  it("follow the era", () => {
    expect(fullLines("4.1", "0000:01:00.0", request, 5000, 512, 7)).toEqual([
      "swiotlb buffer is full (sz: 5000 bytes)",
      "DMA: Out of SW-IOMMU space for 5000 bytes at device 0000:01:00.0",
    ]);
    expect(fullLines("6.1", "x", request, 9000, 512, 7)[0]).toContain(
      "(sz: 8192 bytes), total 512 (slots), used 7 (slots)",
    );
    expect(fullLines("6.12", "x", request, 12288, 512, 7)[0]).toContain("(sz: 12288 bytes)");
  });

  it("give mask and limit of an unreachable slot", () => {
    const device = makeDevice({ dmaMask: 0xffffff });
    expect(overflowLine(device, 0x4000000, 4096)).toBe(
      "swiotlb addr 0x4000000+4096 overflow (mask 0xffffff, bus limit 0x0)",
    );
  });
});
