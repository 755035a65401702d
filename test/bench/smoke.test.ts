import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("../../dist/bundle/bench.js", import.meta.url));
const SUITES = ["copy", "atomics", "ring", "map", "translate", "events", "wall", "virtual"];

interface Case {
  readonly name: string;
  readonly hz: number;
  readonly ns: number;
  readonly ratio?: number;
  readonly baseline?: string;
}

function bench(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
}

describe("bench", () => {
  it("runs every suite in smoke mode, finds the bytes right and prints JSON only", () => {
    const { status, stdout, stderr } = bench("--smoke", "--json", "-");
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const { cases } = JSON.parse(stdout) as { cases: Case[] };
    const names = new Set(cases.map((each) => each.name));
    expect(names.size).toBe(cases.length);
    expect(new Set(cases.map((each) => each.name.split(":")[0]))).toEqual(new Set(SUITES));
    for (const each of cases) {
      expect(each.ns, each.name).toBeGreaterThan(0);
      expect(each.hz * each.ns, each.name).toBeCloseTo(1e9, 0);
      if (each.baseline === undefined) expect(each.ratio, each.name).toBeUndefined();
      else expect(names, each.name).toContain(each.baseline);
    }
  });

  it("names a case's baseline in the table", () => {
    const { status, stdout } = bench("--smoke", "--only", "atomics");
    expect(status).toBe(0);
    expect(stdout).toMatch(/shm\/atomics: add +[\d.]+ [nu]s +[\d.]+ M +[\d.]+ {2}vs Atomics: add\n/);
  });

  it("lists its suites", () => {
    const { stdout } = bench("--list");
    expect(stdout.split("\n").flatMap((line) => (line === "" ? [] : [line.split(" ")[0]]))).toEqual(SUITES);
  });

  it("refuses a suite that does not exist", () => {
    const { status, stderr } = bench("--only", "nothing");
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/no suite nothing; suites: copy, atomics/);
  });
});
