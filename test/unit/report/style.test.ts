import { describe, expect, it } from "vitest";
import { plain, shorten, wrap, wrapParts } from "#dmasim/report/style.js";

describe("text that fits", () => {
  it("wraps at spaces, never between a number and its unit", () => {
    expect(wrap("about 120 k hits in 9.1 s", 9)).toEqual(["about", "120 k", "hits in", "9.1 s"]);
    expect(wrap("short", 10)).toEqual(["short"]);
    expect(wrap("averyveryverylongword x", 5)).toEqual(["averyveryverylongword", "x"]);
    expect(wrap("5 kilos", 5)).toEqual(["5", "kilos"]);
    expect(wrap("", 5)).toEqual([""]);
  });

  it("parts break only between each other", () => {
    expect(wrapParts(["a b", "c d", "e"], 9)).toEqual(["a b · c d", "e"]);
    expect(wrapParts([], 9)).toEqual([]);
  });

  it("shortens in the middle", () => {
    expect(shorten("abcdefghij", 10)).toBe("abcdefghij");
    expect(shorten("abcdefghijk", 10)).toBe("abcde…hijk");
  });

  it("replaces control characters", () => {
    expect(plain("a\u001b[31mb\nc")).toBe("a�[31mb�c");
  });
});
