import { describe, expect, it } from "vitest";
import { judgeInLoad } from "#dmasim/sim/load_outcomes.js";
import type { ProfileFault } from "#dmasim/sim/profile/faults.js";

describe("outcomes of faults in a load", () => {
  it.each<[ProfileFault, string, string]>([
    ["pool-full", "map refused: swiotlb buffer is full; mapped later", "detected"],
    ["pool-full", "map refused: swiotlb buffer is full; given up", "detected"],
    ["pool-full", "map refused: IOVA space exhausted; mapped later", "unexplained"],
    ["pool-full", "map refused: swiotlb buffer is full; forgotten", "unexplained"],
    ["pool-full", "served", "harmless"],
    ["pool-leaked", "map refused: swiotlb buffer is full; classified: leaked; load ended first", "detected"],
    ["pool-leaked", "map refused: swiotlb buffer is full; classified: truly full; mapped later", "unexplained"],
    ["pool-leaked", "others hold the pool; mapped later", "harmless"],
    ["table-exhaustion", "map refused: IOVA space exhausted; mapped later", "harmless"],
    ["pmem-poison", "nothing read the line", "harmless"],
    ["poisoned-tlp", "nothing read the line", "unexplained"],
    ["pmem-poison", "nothing noticed", "unexplained"],
  ])("%s: %s is %s", (fault, outcome, verdict) => {
    expect(judgeInLoad(fault, outcome)).toBe(verdict);
  });
});
