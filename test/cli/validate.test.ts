import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonText, summaryOf } from "../../scripts/validation_table.mjs";
import { dmasim } from "../support/cli.js";

interface Row {
  readonly id: string;
  readonly topic: string;
  readonly status: string;
  readonly predicted: number | null;
  readonly measured: number;
  readonly error: number | null;
  readonly tolerance: number;
  readonly reason?: string;
  readonly counted: boolean;
}

interface Summary {
  readonly group?: string;
  readonly topic: string;
  readonly rows: number;
  readonly supported: number;
  readonly within: number;
  readonly mape: number | null;
  readonly median: number | null;
  readonly worst: number | null;
  readonly bias: number | null;
}

const REASONS = ["quantity-not-simulated", "system-not-described", "software-outside-model"];
const MEASUREMENTS = JSON.parse(readFileSync("data/measurements.json", "utf8")) as Record<string, unknown>[];
const folder = mkdtempSync(join(tmpdir(), "dmasim-validate-"));
afterAll(() => rmSync(folder, { recursive: true }));

function rowFile(name: string, rows: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(rows, null, 1));
  return path;
}

describe("dmasim validate, the shipped measurements", () => {
  let result: { rows: Row[]; groups: Summary[]; topics: Summary[]; total: Summary };
  let screen = "";
  const files = { json: join(folder, "all.json"), csv: join(folder, "all.csv"), plot: join(folder, "all.html") };

  beforeAll(() => {
    const { json, csv, plot } = files;
    const run = dmasim(["validate", "measurements", "--json", json, "--csv", csv, "--plot", plot, "--groups"]);
    expect(run.stderr).toBe("");
    expect(run.code).toBe(0);
    screen = run.stdout;
    result = JSON.parse(readFileSync(json, "utf8"));
  }, 120_000);

  it("gives the documented JSON", () => {
    const counted = result.rows.filter((row) => row.counted);
    const wanted = MEASUREMENTS.filter((row) => row.scope === "simulated" || row.topic === "pcie-model");
    expect(counted.map(({ id }) => id).sort()).toEqual(wanted.map((row) => row.id).sort());
    for (const row of result.rows) {
      expect(["ok", "unsupported"]).toContain(row.status);
      if (row.status === "ok") expect(row.error, row.id).toBeGreaterThanOrEqual(0);
      else expect(REASONS, row.id).toContain(row.reason);
    }
    for (const summary of [...result.groups, ...result.topics]) {
      for (const key of ["rows", "supported", "within", "mape", "median", "worst", "bias"])
        expect(summary).toHaveProperty(key);
    }
    const sum = (list: readonly Summary[]) => list.reduce((total, { rows }) => total + rows, 0);
    expect([sum(result.groups), sum(result.topics)]).toEqual([counted.length, counted.length]);
  });

  it("meets link arithmetic within 0.5 %", () => {
    const rows = result.rows.filter(({ topic }) => topic === "pcie-model");
    expect(rows).toHaveLength(42);
    for (const row of rows) expect(row.error, row.id).toBeLessThan(0.005);
  });

  it("gives the figures that data/validation.json has (node scripts/validation_table.mjs renews them)", () => {
    const text = readFileSync("data/validation.json", "utf8");
    expect(jsonText(summaryOf(result, MEASUREMENTS))).toBe(text);
  });

  it("puts the verdict first, then topics and groups", () => {
    expect(screen).toMatch(/^ \d+ of \d+ simulated rows within tolerance \(\d+ %\)/);
    expect(screen.indexOf("\n topic ")).toBeLessThan(screen.indexOf("\n group "));
  });

  it("writes a row a measurement, and a page without scripts or links", () => {
    const csv = readFileSync(files.csv, "utf8").trimEnd().split("\r\n");
    expect(csv).toHaveLength(result.rows.length + 1);
    const page = readFileSync(files.plot, "utf8");
    for (const { group } of result.groups) expect(page).toContain(`<figcaption>${group}<`);
    expect(page).not.toMatch(/<script|https?:|NaN|Infinity|undefined/);
  });
});

describe("dmasim validate", () => {
  it("gives the same rows in any number of threads, and takes names from the reader's file", () => {
    const args = ["validate", "measurements", "--topic", "pcie-model,pmem-numa", "--json", "-"];
    const here = dmasim([...args, "--workers", "0"]);
    expect(here.code).toBe(0);
    expect(dmasim([...args, "--workers", "2"])).toEqual(here);
  });

  it("predicts an application row that is a baseline, without counting it", () => {
    const pairs = MEASUREMENTS.filter(({ id }) => id === "VIOMMU11-001" || id === "VIOMMU11-002");
    const file = rowFile("pair.json", [{ ...pairs[0] }, { ...pairs[1], scope: "simulated" }]);
    const { rows, total } = JSON.parse(dmasim(["validate", file, "--json", "-"]).stdout);
    expect(rows.map((row: Row) => [row.id, row.counted])).toEqual([
      ["VIOMMU11-001", false],
      ["VIOMMU11-002", true],
    ]);
    expect(total.rows).toBe(1);
  });

  it("refuses a damaged file with file, line, row and key", () => {
    const damaged = MEASUREMENTS.slice(0, 3).map((row, index) => (index === 2 ? { ...row, value_si: "fast" } : row));
    const { code, stdout, stderr } = dmasim(["validate", rowFile("damaged.json", damaged)]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/damaged\.json:\d+:\d+: \[2\]\.value_si: row PB-HSW-SIZE-003: .*got "fast"/);
  });

  it.each([
    [["validate", "absent.json"], /absent\.json: this measurement file does not exist/],
    [["validate", "measurements", "--worst", "-1"], /--worst takes a whole number/],
    [["validate", "measurements", "--topic", "a,,b"], /--topic takes names/],
    [["validate", "measurements", "--json", "-", "--csv", "-"], /both write to stdout/],
  ])("refuses %j", (args, message) => {
    const { code, stderr } = dmasim(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it("calibrates on a part of the rows and tries the rest", () => {
    const args = ["validate", "measurements", "--topic", "dram", "--holdout", "--json", "-"];
    const { holdout } = JSON.parse(dmasim(args).stdout);
    expect(holdout.map(({ method }: { method: string }) => method)).toEqual(["halves", "systems"]);
    for (const each of holdout) expect(each).toMatchObject({ topic: "dram", rows: 20, constantsMax: 4 });
  });
});
