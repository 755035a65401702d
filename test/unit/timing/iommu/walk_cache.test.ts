import { describe, expect, it } from "vitest";
import { WalkCache } from "#dmasim/timing/iommu/walk_cache.js";

const MIB = 2 ** 20;
const GIB = 2 ** 30;

describe("page-structure caches", () => {
  it("read four entries when cold, the leaf alone below a cached table", () => {
    const cache = new WalkCache(32);
    expect(cache.walk(0)).toBe(4);
    expect(cache.walk(MIB)).toBe(1);
    expect(cache.walk(2 * MIB)).toBe(2);
    expect(cache.walk(GIB)).toBe(3);
    expect(cache.misses).toEqual([0, 1, 2, 3]);
  });

  it("lose the way to an invalidated page from the level that is named", () => {
    const cache = new WalkCache(32);
    cache.walk(0);
    cache.walk(4 * MIB);
    cache.drop(0, 4096, 3);
    expect(cache.walk(0)).toBe(2);
    expect(cache.walk(4 * MIB)).toBe(1);
    cache.drop(0, 4096, 1);
    expect(cache.walk(4 * MIB)).toBe(1);
    expect(cache.walk(0)).toBe(4);
  });

  it("drop all tables that a range crosses", () => {
    const cache = new WalkCache(32);
    for (let at = 0; at < 8 * MIB; at += 2 * MIB) cache.walk(at);
    cache.drop(2 * MIB, 4 * MIB, 3);
    expect(cache.walk(0)).toBe(1);
    expect(cache.walk(2 * MIB)).toBe(2);
    expect(cache.walk(4 * MIB)).toBe(2);
    expect(cache.walk(6 * MIB)).toBe(1);
  });

  it("replace the entry that was not used for the longest time", () => {
    const cache = new WalkCache(2);
    cache.walk(0);
    cache.walk(2 * MIB);
    cache.walk(0);
    cache.walk(4 * MIB);
    expect(cache.walk(0)).toBe(1);
    expect(cache.walk(2 * MIB)).toBe(2);
  });
});
