import { describe, expect, it } from "vitest";
import { DepthSearch } from "#dmasim/sim/load/depth_search.js";

const TARGET = { targetNs: 1000, windowNs: 100, percentile: 99 };

/** Feeds a device whose latency is `nsPerDepth` times the depth until the search is done. */
function settle(nsPerDepth: number, depthMax: number): DepthSearch {
  const search = new DepthSearch(TARGET, depthMax);
  for (let nowNs = 0; !search.done && nowNs < 1e6; nowNs += 10) search.record(nowNs, search.depth * nsPerDepth);
  return search;
}

describe("depth search", () => {
  it("finds the deepest queue below the target, and says that it meets it", () => {
    const search = settle(30, 256);
    expect([search.depth, search.met, search.done]).toEqual([33, true, true]);
  });

  it("stops at the job's own depth when that meets the target", () => {
    const search = settle(1, 64);
    expect([search.depth, search.met, search.done]).toEqual([64, true, true]);
  });

  it("misses when not even depth 1 meets it", () => {
    const search = settle(5000, 64);
    expect([search.depth, search.met, search.done]).toEqual([1, false, true]);
  });
});
