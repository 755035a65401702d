// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ${VAR} is what job files have.
import { describe, expect, it } from "vitest";
import { DEFAULT_KEYWORDS, evaluate, expandValue } from "#dmasim/sim/fio/expand.js";

describe("evaluate", () => {
  it.each([
    ["1+2*3", 7],
    ["(1+2)*3", 9],
    ["2^3^2", 512],
    ["7%4", 3],
    ["-(2-5)", 3],
    ["(4k+1)", 4097],
    [" 10 / 4 ", 2.5],
  ])("%s = %d", (text, value) => expect(evaluate(text)).toBe(value));

  it.each(["", "1+", "(1", "1/0", "1 2", "a", "1+(", `${"(".repeat(200)}1`, "1".repeat(300)])("%j is none", (text) =>
    expect(evaluate(text)).toBeUndefined(),
  );
});

describe("expandValue", () => {
  const environment = { SIZE: "64m", EMPTY: "" };
  const keywords = { ncpus: 4, mbMemory: 1024, pagesize: 4096 };
  it.each([
    ["${SIZE}", "64m"],
    ["a${EMPTY}${ABSENT}b", "ab"],
    ["8*$mb_memory", "8192"],
    ["$ncpus", "4"],
    ["$ncpus/3", "1"],
    ["(2*$pagesize)", "8192"],
    ["(1024*4)", "4096"],
    ["4-8", "4-8"],
    ["$jobname.$jobnum.$filenum", "$jobname.$jobnum.$filenum"],
    ["(not math)", "(not math)"],
    ["${SIZE", "${SIZE"],
  ])("%s → %s", (text, value) => expect(expandValue(text, environment, keywords)).toBe(value));

  it("has keywords of its own, so that a result does not depend on the computer", () => {
    expect(expandValue("$ncpus", {}, DEFAULT_KEYWORDS)).toBe("8");
  });
});
