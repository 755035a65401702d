import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dmasim } from "../support/cli.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "dmasim-stress-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface StressJson {
  readonly seed: number;
  readonly ops: number;
  readonly bytes: number;
  readonly paths: Readonly<Record<string, { readonly ops: number; readonly share: number }>>;
  readonly bytes_median: number;
  readonly bytes_mean: number;
  readonly bytes_max: number;
  readonly faults: readonly {
    readonly name: string;
    readonly injected: number;
    readonly detected: number;
    readonly harmless: number;
    readonly unexplained: number;
  }[];
  readonly failures: number;
}

function stress(...args: string[]) {
  return dmasim(["stress", "--save", join(folder, "finding.json"), ...args]);
}

describe("dmasim stress", () => {
  it("moves and compares bytes on every path; nothing but JSON on stdout", () => {
    const { code, stdout, stderr } = stress("--ops", "4000", "--seed", "7", "--json", "-");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const result = JSON.parse(stdout) as StressJson;
    expect(result).toMatchObject({ seed: 7, failures: 0, faults: [] });
    expect(result.ops).toBeGreaterThan(4000);
    for (const path of ["direct", "iommu", "bounce", "p2p"]) expect(result.paths[path]?.share).toBeGreaterThan(0.05);
    expect(result.bytes_median).toBeGreaterThanOrEqual(2048);
    expect(result.bytes_median).toBeLessThanOrEqual(8192);
    expect(result.bytes_mean).toBe(Math.round(result.bytes / result.ops));
    expect(result.bytes_max).toBeGreaterThan(2 ** 18);
  });

  it("accounts for every fault that it injects", () => {
    const { code, stdout } = stress("--ops", "12000", "--round", "0", "--faults", "all", "--json", "-");
    expect(code).toBe(0);
    const { faults } = JSON.parse(stdout) as StressJson;
    expect(faults.length).toBeGreaterThan(8);
    for (const { injected, detected, harmless, unexplained } of faults) {
      expect(unexplained).toBe(0);
      expect(detected + harmless).toBe(injected);
    }
    expect(faults.find(({ name }) => name === "worker-stuck")).toMatchObject({ injected: 1, detected: 1 });
    expect(faults.find(({ name }) => name === "worker-terminated")).toMatchObject({ injected: 1, detected: 1 });
  });

  it("--only leaves the other paths out; the screen says what was checked", () => {
    const { code, stdout } = stress("--ops", "1000", "--only", "bounce,p2p", "--workers", "1");
    expect(code).toBe(0);
    expect(stdout).toMatch(/nothing is wrong/);
    expect(stdout).toMatch(/^ {2}bounce/m);
    expect(stdout).not.toMatch(/^ {2}(direct|iommu)/m);
    expect(stdout).toMatch(/locks are free, rings empty/);
    expect(stdout).toMatch(/sizes: median .*, mean .*, largest /);
    expect(stdout).toMatch(/memory of this process: not judged/);
  });

  it("replays a saved list", () => {
    const file = join(folder, "replay.json");
    const op = {
      id: 0,
      device: 0,
      path: 1,
      call: "phys",
      dir: 2,
      attrs: 0,
      cpu: 0,
      pieces: [{ area: 1, offset: 4096, bytes: 5000 }],
      reuse: true,
      hold: 0,
      fault: null,
    };
    const list = {
      schema: "dmasim/stress-replay@1",
      version: "0",
      seed: 1,
      worker: 0,
      workers: 1,
      machine: "intel-vtd-2s",
      set: [],
      finding: "a test",
      operations: [op],
    };
    writeFileSync(file, JSON.stringify(list));
    const { code, stdout } = dmasim(["stress", "--replay", file]);
    expect(stdout).toBe("dmasim stress: 1 operations, nothing is wrong (saved for: a test)\n");
    expect(code).toBe(0);
    writeFileSync(file, JSON.stringify({ ...list, operations: [{ ...op, pieces: [] }] }));
    const wrong = dmasim(["stress", "--replay", file]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain("operations.0.pieces");
  });

  it.each([
    ["--only", "sideways"],
    ["--faults", "meteor"],
    ["--minutes", "-1"],
    ["--replay", "/nowhere/at-all.json"],
  ])("refuses %s %s with exit code 2", (...args) => {
    const { code, stderr } = stress(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^dmasim: /);
  });

  it("the table of faults in the documentation is the program's", () => {
    const page = readFileSync(new URL("../../docs/stress.md", import.meta.url), "utf8");
    const { code, stdout } = dmasim(["stress", "--list-faults"]);
    expect(code).toBe(0);
    expect(stdout.split("\n").length).toBeGreaterThan(25);
    expect(page).toContain(stdout);
    expect(JSON.parse(dmasim(["stress", "--list-faults", "--json", "-"]).stdout)).toHaveLength(27);
  });
});
