import { describe, expect, it } from "vitest";
import { createScreen } from "#dmasim/report/style.js";
import { renderRun } from "#dmasim/report/terminal.js";
import { direction, jobResult, runResult, troubledResult } from "../../support/result.ts";

const PLAIN = createScreen(false, undefined);
const WIDTH_MAX = 116;

function lines(text: string): string[] {
  return text.split("\n");
}

describe("terminal report", () => {
  it("a plain run: verdict, why, detail, trust", async () => {
    await expect(renderRun(PLAIN, runResult())).toMatchFileSnapshot("snapshots/run_plain.txt");
  });

  it("a run in which everything went wrong", async () => {
    await expect(renderRun(PLAIN, troubledResult())).toMatchFileSnapshot("snapshots/run_troubled.txt");
  });

  it("no line is wider than the screen and none ends in space", () => {
    for (const result of [runResult(), troubledResult()]) {
      for (const line of lines(renderRun(PLAIN, result))) {
        expect(line.length).toBeLessThanOrEqual(WIDTH_MAX);
        expect(line).toBe(line.trimEnd());
      }
    }
  });

  it("colour changes no text", () => {
    const colored = renderRun(createScreen(true, undefined), troubledResult());
    // biome-ignore lint/suspicious/noControlCharactersInRegex: strips the colours again
    const stripped = colored.replaceAll(/\u001b\[\d+m/g, "");
    expect(colored).not.toBe(stripped);
    const trimmed = lines(stripped).map((line) => line.trimEnd());
    expect(trimmed).toEqual(lines(renderRun(PLAIN, troubledResult())));
  });

  it("names cannot steer the terminal", () => {
    const jobs = [jobResult({ jobname: "a\u001b[2Jb", notes: ["x\u0007y"], error: 5, error_text: "\u009b31m" })];
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not come out
    expect(renderRun(PLAIN, runResult({ jobs }))).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  });

  it("a wall run is labelled as a host figure and promises nothing", () => {
    const text = renderRun(PLAIN, runResult({ clock: "wall", virtual: null, bottleneck: null, resources: [] }));
    expect(text).toContain("WALL 9.1 s (host)");
    expect(text).toContain("MEASURED ON THIS COMPUTER: 11.5 GB/s, 2.8 M IOPS");
    expect(text).toContain("job (host)");
    expect(text).not.toContain("VIRTUAL");
  });

  it("a figure that is not calibrated says so in capitals, part by part; a band is shown with its figure", () => {
    const text = renderRun(PLAIN, runResult());
    expect(text).toContain("trust           EXTRAPOLATED: compare, do not quote · PCIe (as haswell-ep) ±11 %");
    expect(text).toContain("SMMUv3 strict maps ±17 %");
    expect(text).toContain("2.8 M IOPS\n");
    const calibrated = runResult({ confidence: { level: "calibrated", band: 0.15, parts: [], not_modelled: [] } });
    expect(renderRun(PLAIN, calibrated)).toContain("2.8 M IOPS ±15 %");
    expect(renderRun(PLAIN, calibrated)).toContain("trust           calibrated ±15 %:");
    expect(renderRun(PLAIN, calibrated)).not.toContain("not modelled");
  });

  it("many jobs: the table ends, and says how to get the rest", () => {
    const jobs = Array.from({ length: 50 }, (_, at) => jobResult({ jobname: `job${at}` }));
    const text = renderRun(PLAIN, runResult({ jobs }));
    expect(text).toContain("10 more rows: see --json or --csv");
    expect(text).not.toContain("job45");
  });

  it("a job without I/O keeps its line", () => {
    const jobs = [jobResult({ jobname: "idle", read: direction(0, 4096, 0) })];
    expect(renderRun(PLAIN, runResult({ jobs }))).toMatch(/idle ×8 +– +nvme0 +32 +– /);
  });
});
