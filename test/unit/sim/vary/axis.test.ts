import { describe, expect, it } from "vitest";
import { combinations, VARY_RUNS_MAX, varyValues } from "#dmasim/sim/vary/axis.js";

describe("--vary values", () => {
  it.each([
    ["off,lazy, strict", ["off", "lazy", "strict"]],
    ["1..128*2", ["1", "2", "4", "8", "16", "32", "64", "128"]],
    ["1..100*10", ["1", "10", "100"]],
    ["4k..1m*4", ["4k", "16k", "64k", "256k", "1m"]],
    ["512..4k*2", ["512", "1k", "2k", "4k"]],
    ["8..32+8", ["8", "16", "24", "32"]],
    ["1..3", ["1", "2", "3"]],
    ["1,8..32*2", ["1", "8", "16", "32"]],
    ["[1,2],[3]", ["[1,2]", "[3]"]],
    ["'a,b',c", ["'a,b'", "c"]],
    ["../m.yaml", ["../m.yaml"]],
  ])("%s", (text, values) => expect(varyValues("key", text)).toEqual(values));

  it.each([
    ["", "a value is missing"],
    ["a,,b", "a value is missing"],
    ["lazy,lazy", "stands twice"],
    ["8..1*2", "does not rise"],
    ["1..8*1", "does not rise"],
    ["0..8*2", "does not rise"],
    ["1..1000", "more than 100 values"],
  ])("%j is refused", (text, message) => expect(() => varyValues("key", text)).toThrow(message));
});

describe("--vary combinations", () => {
  it("the last axis is the fastest", () => {
    const axes = [
      { path: "a", values: ["1", "2"] },
      { path: "b", values: ["x", "y"] },
    ];
    expect(combinations(axes)).toEqual([
      ["1", "x"],
      ["1", "y"],
      ["2", "x"],
      ["2", "y"],
    ]);
  });

  it("has a limit", () => {
    const values = Array.from({ length: VARY_RUNS_MAX / 2 + 1 }, (_, index) => String(index));
    expect(() =>
      combinations([
        { path: "a", values },
        { path: "b", values: ["1", "2"] },
      ]),
    ).toThrow("at most 100");
  });
});
