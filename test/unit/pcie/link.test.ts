import { describe, expect, it } from "vitest";
import { dllpGuideShare, guideIntervalSymbols } from "#dmasim/pcie/dllp.js";
import {
  payloadBytesPerS,
  rawBytesPerS,
  readWireBytes,
  requestWireBytes,
  tlpBytesPerS,
  tlpGuideBytesPerS,
  writeWireBytes,
} from "#dmasim/pcie/link.js";

const GEN3 = { gen: 3, lanes: 8, mpsBytes: 256, mrrsBytes: 512 };

describe("link arithmetic", () => {
  it("knows the line coding of each generation", () => {
    const gbits = [1, 2, 3, 4, 5, 6].map((gen) => (rawBytesPerS(gen, 1) * 8) / 1e9);
    const expected = [2, 4, 7.877, 15.754, 31.508, 60.5];
    gbits.forEach((value, index) => {
      expect(value).toBeCloseTo(expected[index] ?? 0, 3);
    });
    expect(rawBytesPerS(9, 16)).toBe(0);
  });

  it("counts headers per TLP", () => {
    expect(writeWireBytes(257, GEN3)).toBe(257 + 2 * 24);
    expect(readWireBytes(512, GEN3)).toBe(512 + 2 * 20);
    expect(requestWireBytes(513, GEN3)).toBe(2 * 24);
    expect(writeWireBytes(64, { ...GEN3, addrBits: 32, ecrc: true })).toBe(64 + 20 + 4);
    expect(readWireBytes(256, { ...GEN3, completionChunk: "rcb", rcbBytes: 128 })).toBe(256 + 2 * 20);
  });

  it("FLITs have no framing, and room of their own for DLLPs", () => {
    const flit = { ...GEN3, gen: 6, lanes: 16 };
    expect(writeWireBytes(256, flit)).toBe(256 + 16);
    expect(tlpBytesPerS(flit)).toBeCloseTo(tlpGuideBytesPerS(flit), 3);
    expect(tlpBytesPerS(flit) / rawBytesPerS(6, 16)).toBeCloseTo(236 / 242, 9);
  });

  it("the request direction decides where requests are small", () => {
    const one = { ...GEN3, mrrsBytes: 128 };
    expect(payloadBytesPerS("read", 8, one, 1e9)).toBeCloseTo(1e9 * (8 / 28), 3);
    expect(payloadBytesPerS("read", 1, { ...one, addrBits: 64 }, 1e9)).toBeCloseTo(1e9 / 24, 3);
    expect(payloadBytesPerS("both", 256, GEN3, 1e9)).toBeCloseTo(1e9 * (256 / (256 + 48)), 3);
  });
});

describe("DLLPs at the specification's guide values", () => {
  it.each([
    [1, 1, 128, 237],
    [1, 16, 256, 72],
    [2, 8, 512, 137],
    [3, 8, 128, 163],
    [3, 8, 256, 203],
    [3, 16, 256, 168],
    [4, 16, 4096, 630],
    [5, 32, 512, 148],
  ])("gen %d x%d, MPS %d: one in %d symbol times", (gen, lanes, mps, symbols) => {
    expect(guideIntervalSymbols(gen, lanes, mps)).toBe(symbols);
  });

  it("take 8 % of a Gen 3 x8 link", () => {
    expect(dllpGuideShare(3, 8, 256)).toBeCloseTo(0.0814, 3);
  });
});
