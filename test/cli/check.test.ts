import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { dmasim } from "../support/cli.ts";

const folder = mkdtempSync(join(tmpdir(), "dmasim-check-"));
afterAll(() => rmSync(folder, { recursive: true }));

function caseFile(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const CASE = {
  id: "a-1",
  area: "swiotlb",
  given: { op: "limit_nareas", nslots: 512, nareas: [8] },
  expect: { areas: [4] },
};

describe("dmasim check", () => {
  it("runs the shipped cases: a table, totals, exit code 0", () => {
    const { code, stdout, stderr } = dmasim(["check", "linux-cases"]);
    expect(stderr).toBe("");
    expect(stdout).toMatch(/ scatterlist +\d+ +0 +0\n/);
    expect(stdout).toMatch(/ \d+ of \d+ passed, 0 failed, 0 unsupported\n$/);
    expect(code).toBe(0);
  });

  it("--json - gives the documented shape and nothing else", () => {
    const wrong = { ...CASE, id: "a-2", expect: { areas: ["0x5"] } };
    const unknown = { ...CASE, id: "a-3", given: { op: "teleport" } };
    const file = caseFile("mixed.json", JSON.stringify([CASE, wrong, unknown]));
    const { code, stdout } = dmasim(["check", file, "--json", "-"]);
    expect(JSON.parse(stdout)).toEqual({
      passed: 1,
      failed: 1,
      unsupported: 1,
      cases: [
        { id: "a-1", area: "swiotlb", op: "limit_nareas", status: "passed" },
        {
          id: "a-2",
          area: "swiotlb",
          op: "limit_nareas",
          status: "failed",
          diff: [{ path: "areas[0]", expected: "0x5", actual: 4 }],
        },
        { id: "a-3", area: "swiotlb", op: "teleport", status: "unsupported", reason: "unknown op" },
      ],
    });
    expect(code).toBe(3);
  });

  it("shows expected and actual of a failure, and takes several files", () => {
    const good = caseFile("good.json", JSON.stringify([CASE]));
    const bad = caseFile("bad.json", JSON.stringify([{ ...CASE, id: "b-1", expect: { areas: [5] } }]));
    const { code, stdout } = dmasim(["check", good, bad]);
    expect(stdout).toMatch(/FAILED b-1 \(swiotlb, limit_nareas\)\n {3}areas\[0\]\n {5}expected 5\n {5}actual {3}4\n/);
    expect(stdout).toContain("1 of 2 passed, 1 failed, 0 unsupported");
    expect(code).toBe(3);
  });

  it("unsupported cases do not fail", () => {
    const file = caseFile("unknown.json", JSON.stringify([{ ...CASE, given: { op: "teleport" } }]));
    const { code, stdout } = dmasim(["check", file]);
    expect(stdout).toContain("unsupported a-1 (swiotlb, teleport): unknown op");
    expect(code).toBe(0);
  });

  it.each([
    ["absent.json", undefined, "this case file does not exist"],
    ["syntax.json", "[\n {,\n]", ":2:3: this file is not JSON from here on"],
    ["shape.json", '[{"id": "a"}]', ":1:2: [0].given: a case needs an object `given`"],
  ])("%s: one located message, exit code 2", (name, text, message) => {
    const path = text === undefined ? join(folder, name) : caseFile(name, text);
    const { code, stdout, stderr } = dmasim(["check", path]);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/^dmasim: .*\n {2}remedy: .*\n$/);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  it("needs a file, and is in the help", () => {
    expect(dmasim(["check"])).toMatchObject({ code: 2, stdout: "" });
    expect(dmasim(["--help"]).stdout).toContain("\n  check <file...> ");
  });
});
