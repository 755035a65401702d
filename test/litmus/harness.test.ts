import { describe, expect, it } from "vitest";
import { judge, type Table } from "./harness.js";

const table: Table = {
  seen: ["acceptable", "may happen"],
  race: ["required", "shows that threads met"],
  torn: ["forbidden", "must not happen"],
};

describe("judge", () => {
  it("passes what the table allows", () => {
    judge({ seen: 3, race: 1, torn: 0 }, table);
  });

  it("prints all counts when an outcome is forbidden, unknown or missing", () => {
    expect(() => judge({ seen: 3, race: 1, torn: 2 }, table)).toThrow(/>>\s+2\s+forbidden\s+torn: must not happen/);
    expect(() => judge({ seen: 3 }, table)).toThrow(/>>\s+0\s+required\s+race/);
    expect(() => judge({ race: 1, other: 1 }, table)).toThrow(/>>\s+1\s+unknown\s+other/);
  });
});
