import { describe, expect, it } from "vitest";
import { parseCases } from "#dmasim/sim/check/case_file.js";
import { locateValue, syntaxError } from "#dmasim/sim/check/json_locate.js";

const GOOD = '[\n {"id": "a", "area": "x",\n  "given": {"op": "o"}, "expect": {}}\n]';

/** Texts that are no case file, and the start of the one message that each gives. */
const WRONG: readonly (readonly [text: string, message: string])[] = [
  ["", "f.json:1:1: this file is not JSON"],
  ["[1,\n 2,]", "f.json:2:4: this file is not JSON"],
  ['[{"id": "a"', "f.json:1:12: this file is not JSON"],
  ["[\n01]", "f.json:2:2: this file is not JSON"],
  ["{}", "f.json:1:1: a case file is a list"],
  ["[3]", "f.json:1:2: [0]: a case is an object"],
  ['[\n {"id": "a", "area": "x", "expect": {}}]', "f.json:2:2: [0].given: a case needs an object `given`"],
  ['[{"id": "a", "area": "x", "given": {"op": 3}, "expect": {}}]', "f.json:1:43: [0].given.op: a case needs text"],
  ['[{"id": "", "area": "x", "given": {"op": "o"}, "expect": {}}]', "f.json:1:9: [0].id: a case needs text"],
  ['[{"id": "a", "area": "x", "given": {"op": "o"}, "expect": []}]', "f.json:1:59: [0].expect: a case needs"],
];

describe("case files", () => {
  it("are read", () => {
    expect(parseCases("f.json", GOOD)).toEqual([
      { id: "a", area: "x", op: "o", given: { op: "o" }, expect: {}, source: "" },
    ]);
  });

  it.each(WRONG)("%j is refused with its place", (text, message) => {
    expect(() => parseCases("f.json", text)).toThrow(message);
  });

  it("a file nested without end is refused", () => {
    expect(() => parseCases("f.json", "[".repeat(1e5))).toThrow("f.json:1:");
  });
});

describe("places in JSON", () => {
  it("agree with JSON.parse about what is JSON", () => {
    for (const text of ['{"a": [1, -2.5e3, "\\u00e9\\n", true, null, {}]}', " 1 ", '""', "[]", '{"a":{},"b":[[]]}']) {
      expect([text, syntaxError(text)]).toEqual([text, undefined]);
    }
    for (const text of ["{a: 1}", "'x'", "[1 2]", '{"a" 1}', '"\n"', "1.", "[,1]", '{"a":1,}', "tru", "[1]]"]) {
      expect(() => JSON.parse(text)).toThrow();
      expect(syntaxError(text), text).toBeDefined();
    }
  });

  it("name the value at a path, or its nearest parent", () => {
    const text = '[\n  {"a": 1, "b": {"c": [10, 20]}},\n  5\n]';
    expect(locateValue(text, [0, "b", "c", 1])).toEqual({ line: 2, column: 28 });
    expect(locateValue(text, [0, "b", "z"])).toEqual({ line: 2, column: 17 });
    expect(locateValue(text, [1])).toEqual({ line: 3, column: 3 });
    expect(locateValue(text, [])).toEqual({ line: 1, column: 1 });
  });
});
