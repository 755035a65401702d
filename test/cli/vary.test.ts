import { describe, expect, it } from "vitest";
import type { VaryResult } from "#dmasim/sim/vary/result.js";
import { dmasim, startDmasim } from "../support/cli.js";

const SHORT = ["--limit-ios", "300"];

function json(...args: readonly string[]): VaryResult {
  const { code, stdout, stderr } = dmasim(["run", "rand-read-4k", ...SHORT, ...args, "--json", "-"]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return JSON.parse(stdout) as VaryResult;
}

describe("dmasim run --vary", () => {
  it("one table over the values, the verdict first", () => {
    const args = ["run", "rand-read-4k", ...SHORT, "--vary", "iommu.mode=off,passthrough,lazy,strict"];
    const { code, stdout, stderr } = dmasim(args);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ STRICT COSTS [\d.]+×: limited by /m);
    for (const mode of ["off", "passthrough", "lazy", "strict"])
      expect(stdout).toMatch(new RegExp(`^ ${mode} +\\d`, "m"));
    expect(stdout.indexOf("COSTS")).toBeLessThan(stdout.indexOf("limited by", stdout.indexOf("miss/IO")));
  });

  it("every combination, in order; each result is that of the run alone, on threads or not", () => {
    const axes = ["--vary", "iommu.mode=lazy,strict", "--vary", "iodepth=1..16*4"];
    const here = json(...axes, "--workers", "1");
    const threads = json(...axes, "--workers", "2");
    expect(here).toMatchObject({ schema: "dmasim/vary@1", key: "iommu.mode,iodepth", planned: 6 });
    expect(here.runs.map(({ params }) => Object.values(params))).toEqual([
      ["lazy", 1],
      ["lazy", 4],
      ["lazy", 16],
      ["strict", 1],
      ["strict", 4],
      ["strict", 16],
    ]);
    const plain = ({ runs }: VaryResult) => runs.map(({ result }) => ({ ...result, host: null }));
    expect(plain(threads)).toEqual(plain(here));
    const args = ["run", "rand-read-4k", ...SHORT, "--set", "iommu.mode=strict", "--set", "iodepth=4", "--json", "-"];
    const alone = { ...JSON.parse(dmasim(args).stdout), host: null, notes: [] };
    expect({ ...here.runs[4]?.result, host: null, notes: [] }).toEqual(alone);
  });

  it("--csv has a row for each value", () => {
    const { code, stdout } = dmasim(["run", "rand-read-4k", ...SHORT, "--vary", "bs=4k,8k", "--csv", "-"]);
    expect(code).toBe(0);
    expect(
      stdout
        .trimEnd()
        .split("\r\n")
        .map((line) => line.split(",")[0]),
    ).toEqual(["bs", "4k", "8k"]);
  });

  it.each([
    [["--vary", "iommu.mode"], "--vary needs a path and values"],
    [["--vary", "iodepth=1..8*1"], "does not rise"],
    [["--vary", "iodepth=1..60", "--vary", "numjobs=1,2"], "at most 100"],
    [["--vary", "iommu.mode=lazy,fast"], "iommu.mode"],
    [["--vary", "bs=4k", "--vary", "bs=8k"], "names bs twice"],
    [["--vary", "bs=4k,8k", "--fio-json", "-"], "exclude each other"],
  ])("%j is wrong use", (args, message) => {
    const { code, stdout, stderr } = dmasim(["run", "rand-read-4k", ...args]);
    expect(stderr).toContain(message);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  it("an interruption leaves the finished runs, partial, and exit code 130", async () => {
    const args = ["run", "rand-read-4k", "--full", "--workers", "1", "--json", "-"];
    const vary = ["--vary", "iodepth=1,64,128", "--set", "jobs[*].runtime=500s", "--set", "jobs[0].io_size=1m"];
    const running = startDmasim([...args, ...vary]);
    setTimeout(() => running.child.kill("SIGINT"), 3000);
    const { code, stdout } = await running.done;
    expect(code).toBe(130);
    const { partial, planned, runs } = JSON.parse(stdout) as VaryResult;
    expect({ partial, planned }).toEqual({ partial: true, planned: 3 });
    expect(runs.length).toBeLessThan(3);
  });
});
