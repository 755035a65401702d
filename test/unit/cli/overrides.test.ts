import { describe, expect, it } from "vitest";
import { collectOverride, splitOverrides } from "#dmasim/cli/overrides.js";

describe("--set", () => {
  it("collects in order; the value may hold further equals signs and be empty", () => {
    const one = collectOverride("a.b=c=d");
    expect(collectOverride("x=", one)).toEqual([
      { path: "a.b", value: "c=d" },
      { path: "x", value: "" },
    ]);
  });

  it("needs a path and an equals sign", () => {
    for (const text of ["path", "=value", ""]) expect(() => collectOverride(text)).toThrow("needs a path and a value");
  });

  it("jobs, global and seed are the profile's; everything else is the machine's", () => {
    const paths = ["jobs[0].bs", "jobs.reader.bs", "global.bs", "seed", "iommu.mode", "jobsite", "devices[0].name"];
    const split = splitOverrides(paths.map((path) => ({ path, value: "1" })));
    expect(split.profile.map((override) => override.path)).toEqual(paths.slice(0, 4));
    expect(split.machine.map((override) => override.path)).toEqual(paths.slice(4));
  });
});
