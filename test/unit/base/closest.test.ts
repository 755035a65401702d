import { describe, expect, it } from "vitest";
import { closestWord, editDistance } from "#dmasim/base/closest.js";

describe("editDistance", () => {
  it.each([
    ["", "", 0],
    ["abc", "abc", 0],
    ["abc", "", 3],
    ["abc", "abd", 1],
    ["abc", "acb", 1],
    ["abc", "abcd", 1],
    ["kitten", "sitting", 3],
  ])("%j, %j: %d", (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance);
    expect(editDistance(b, a)).toBe(distance);
  });
});

describe("closestWord", () => {
  it("takes the nearest word that is near enough", () => {
    expect(closestWord("iodpeth", ["bs", "iodepth", "iodepth_low"])).toBe("iodepth");
    expect(closestWord("IoMMU", ["iommu"])).toBe("iommu");
    expect(closestWord("swiotlb", ["memory", "devices"])).toBeUndefined();
    expect(closestWord("x".repeat(1e5), ["x"])).toBeUndefined();
  });
});
