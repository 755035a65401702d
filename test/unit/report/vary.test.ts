import { describe, expect, it } from "vitest";
import { createScreen } from "#dmasim/report/style.js";
import { renderVariedCsv } from "#dmasim/report/vary/csv.js";
import { renderVaried } from "#dmasim/report/vary/terminal.js";
import { judgeVaried } from "#dmasim/report/vary/verdict.js";
import type { VaryResult, VaryRun } from "#dmasim/sim/vary/result.js";
import { direction, jobResult, runResult } from "../../support/result.js";

const SCREEN = createScreen(false, 100);

function run(key: string, value: string | number, iops: number): VaryRun {
  return {
    params: { [key]: value },
    result: runResult({ jobs: [jobResult({ read: direction(iops, 4096, 100_000) })] }),
  };
}

function varied(runs: readonly VaryRun[], changes: Partial<VaryResult> = {}): VaryResult {
  const keys = Object.keys(runs[0]?.params ?? {});
  return { schema: "dmasim/vary@1", key: keys.join(","), keys, planned: runs.length, runs, ...changes };
}

const MODES = [run("iommu.mode", "off", 2_000_000), run("iommu.mode", "strict", 400_000)];
const DEPTHS = [1e5, 2e5, 4e5, 8e5, 8.1e5].map((iops, index) => run("jobs[*].iodepth", 2 ** index, iops));

describe("verdict over values", () => {
  it("names what the worst value costs and why", () => {
    expect(judgeVaried(varied(MODES)).words).toBe("STRICT COSTS 5×: limited by smmu0.cmdq (71 %)");
  });

  it("names the first number that is as good as the best", () => {
    expect(judgeVaried(varied(DEPTHS)).words).toMatch(/^IODEPTH 8 IS ENOUGH: 3\.28 GB\/s, 8× of iodepth 1; limited by/);
    expect(judgeVaried(varied(DEPTHS.slice(0, 4))).words).toMatch(/^IODEPTH 8 IS THE BEST: .*; limited by/);
  });

  it("says so when values make no difference, or when there is nothing to compare", () => {
    const same = [run("a.b", "x", 1e6), run("a.b", "y", 1.01e6)];
    expect(judgeVaried(varied(same)).words).toMatch(/^A\.B MAKES NO DIFFERENCE/);
    expect(judgeVaried(varied([])).words).toBe("NO RUN FINISHED ANY I/O");
    expect(judgeVaried(varied(MODES.slice(0, 1))).words).toMatch(/^ONLY off FINISHED/);
  });
});

describe("table over values", () => {
  it("fits 100 columns, keeps refused runs, and says what an interruption left out", () => {
    const refused: VaryRun = {
      params: { "iommu.mode": "lazy" },
      error: { code: "X", message: "the queue is too deep" },
    };
    const text = renderVaried(SCREEN, varied([...MODES, refused], { planned: 4, partial: true }), []);
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
    expect(text.replaceAll(/\s+/g, " ")).toContain("refused: the queue is too deep");
    expect(text).toContain("interrupted: 3 of 4 runs had finished");
    expect(text).toMatch(/off +8\.19 +2 M .*100 %/);
  });

  it("as CSV has the values in front of a run's columns", () => {
    const lines = renderVariedCsv(varied(MODES)).trimEnd().split("\r\n");
    expect(lines[0]).toMatch(/^iommu\.mode,version,machine,/);
    expect(lines.slice(1).map((line) => line.split(",")[0])).toEqual(["off", "strict"]);
    expect(new Set(lines.map((line) => line.split(",").length)).size).toBe(1);
  });
});
