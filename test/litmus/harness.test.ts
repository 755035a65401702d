import { describe, expect, it } from "vitest";
import { judge, judgeRuns, type Outcomes, type Table } from "./harness.js";

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

describe("judgeRuns", () => {
  const racing: Table = { ...table, race: ["race", "shows that threads met"], whole: ["required", "always"] };
  const none = { skip: () => expect.fail("nothing to skip") as never };

  it("runs again until the race came, and judges the sum", async () => {
    const runs: Outcomes[] = [{ whole: 1 }, { race: 1 }, { torn: 1 }];
    await judgeRuns(none, async ({ round }) => runs[round] ?? {}, racing);
  });

  it("fails at once when an outcome is forbidden, and at the end when a required one is missing", async () => {
    await expect(judgeRuns(none, async () => ({ torn: 1, whole: 1 }), racing)).rejects.toThrow(/>>\s+1\s+forbidden/);
    await expect(judgeRuns(none, async () => ({ seen: 1 }), racing)).rejects.toThrow(/>>\s+0\s+required\s+whole/);
  });

  it("skips when the race never came", async () => {
    const notes: string[] = [];
    const skip = ((note: string) => void notes.push(note)) as never;
    await judgeRuns({ skip }, async () => ({ whole: 1 }), racing);
    expect(notes[0]).toMatch(/the threads never met for: race\n(.*\n)*>>\s+0\s+race/);
  });
});
