import { describe, expect, it } from "vitest";
import { AnyOf, differences, failedAllocation, Phrase } from "#dmasim/sim/check/compare.js";

describe("comparing with an expectation", () => {
  it("compares numbers and hexadecimal text by value", () => {
    expect(differences({ a: "0x0010", b: 16, c: "16" }, { a: 16, b: "0x10", c: 16 })).toEqual([]);
    expect(differences("0xfffffffffffff000", 2 ** 64 - 4096)).toEqual([]);
    expect(differences("0xffffffffffffffff", "DMA_MAPPING_ERROR")).toEqual([]);
    expect(differences("0xffffffffffffffff", Number.MAX_SAFE_INTEGER)).toEqual([]);
    expect(differences(1.5625, 1.5625)).toEqual([]);
    expect(differences("2000.00", 2000)).toHaveLength(1);
    expect(differences("0x1", true)).toHaveLength(1);
    expect(differences(0, false)).toHaveLength(1);
    expect(differences(-22, -22)).toEqual([]);
  });

  it("looks at expected fields only, never at notes", () => {
    expect(differences({ a: 1, note: "prose" }, { a: 1, b: 2 })).toEqual([]);
    expect(differences({ a: { b: [1, { c: 2 }] } }, { a: { b: [1, { c: 3 }] } })).toEqual([
      { path: "a.b[1].c", expected: 2, actual: 3 },
    ]);
    expect(differences({ a: null }, {})).toEqual([]);
    expect(differences({ toString: 1 }, {})).toEqual([{ path: "toString", expected: 1, actual: undefined }]);
  });

  it("takes any way of writing an answer that has several", () => {
    for (const way of [0, "0x0", null, "DMA_MAPPING_ERROR", -12])
      expect(differences(way, failedAllocation())).toEqual([]);
    expect(differences("0x1000", failedAllocation())).toEqual([{ path: "", expected: "0x1000", actual: 0 }]);
    expect(differences({ used: 3 }, new AnyOf(["x", { used: 3 }]))).toEqual([]);
  });

  it("finds the words of a message in order", () => {
    const said = new Phrase("device driver frees DMA memory with different size [map size=4096 bytes]");
    expect(differences("frees with different size", said)).toEqual([]);
    expect(differences("different size frees", said)).toHaveLength(1);
    expect(differences("frees with different direction", said)).toHaveLength(1);
    expect(differences(["a b"], [new Phrase("a x b")])).toEqual([]);
  });
});
