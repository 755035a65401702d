import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { EXIT } from "#dmasim/base/errors.js";
import { type RunningCli, startDmasim } from "../support/cli.ts";
import { withFolder } from "../support/run.ts";

const LOAD =
  "jobs:\n  - { name: a, rw: randread, bs: 4k, size: 1GiB, iodepth: 8, numjobs: 2, runtime: 3h, time_based: true }\n";

/** A command that takes hours, its arguments, and what its partial JSON has. */
interface Case {
  readonly name: string;
  readonly args: readonly string[];
  readonly schema: string;
}

const CASES: readonly Case[] = [
  { name: "run", args: ["run", "LOAD", "--full"], schema: "dmasim/result@1" },
  { name: "explain", args: ["explain", "LOAD", "--full"], schema: "dmasim/explain@1" },
  { name: "--vary", args: ["run", "LOAD", "--full", "--vary", "iodepth=1,2"], schema: "dmasim/vary@1" },
  { name: "dmatest", args: ["dmatest", "iterations=1000000000"], schema: "dmasim/dmatest@1" },
  { name: "map-benchmark", args: ["map-benchmark", "--full", "-s", "300"], schema: "dmasim/map-benchmark@1" },
  {
    name: "map-benchmark under wall",
    args: ["map-benchmark", "-s", "300", "--clock", "wall"],
    schema: "dmasim/map-benchmark@1",
  },
  { name: "validate", args: ["validate", "measurements", "--all", "--holdout"], schema: "dmasim/validate@1" },
  {
    name: "validate without threads",
    args: ["validate", "measurements", "--all", "--workers", "0"],
    schema: "dmasim/validate@1",
  },
];

function start(folder: string, args: readonly string[]): RunningCli {
  const cli = startDmasim(args.map((arg) => (arg === "LOAD" ? join(folder, "load.yaml") : arg)));
  onTestFinished(() => void cli.child.kill("SIGKILL"));
  return cli;
}

async function interrupted(each: Case, signal: NodeJS.Signals, afterMs: number): Promise<void> {
  await withFolder({ "load.yaml": LOAD }, async (folder) => {
    const file = join(folder, "out.json");
    const cli = start(folder, [...each.args, "--json", file]);
    await sleep(afterMs);
    cli.child.kill(signal);
    const { code, stdout, stderr } = await cli.done;
    expect([stderr, code]).toEqual([expect.stringMatching(/^dmasim: stopping, .*again to end at once\)\n$/), 130]);
    expect(stdout).not.toBe("");
    const result = JSON.parse(readFileSync(file, "utf8"));
    expect([result.schema, result.partial]).toEqual([each.schema, true]);
  });
}

describe.each(CASES)("$name", { retry: 2 }, (each) => {
  it("SIGINT: a valid partial result and exit code 130", () => interrupted(each, "SIGINT", 1500));

  it("SIGTERM likewise", () => interrupted(each, "SIGTERM", 800));
});

describe("signals at any time", () => {
  it("from the first line of the program on: exit code 130, and whole JSON or none", { retry: 2 }, async () => {
    for (const afterMs of [60, 90, 120, 160, 200, 260, 330]) {
      await withFolder({ "load.yaml": LOAD }, async (folder) => {
        const cli = start(folder, ["run", "LOAD", "--full", "--json", "-"]);
        await sleep(afterMs);
        cli.child.kill("SIGTERM");
        const { code, stdout } = await cli.done;
        // Before Node runs a line of the program, the system ends the process.
        if (code === null) return;
        expect(code).toBe(EXIT.interrupted);
        if (stdout !== "") expect(JSON.parse(stdout).partial).toBe(true);
      });
    }
  });

  it("a second signal ends at once, whichever it is", async () => {
    await withFolder({ "load.yaml": LOAD }, async (folder) => {
      const cli = start(folder, ["run", "LOAD", "--full", "--vary", "iodepth=1,2"]);
      await sleep(800);
      const heard = cli.stderrMatches(/stopping/);
      cli.child.kill("SIGINT");
      await heard;
      cli.child.kill("SIGTERM");
      expect((await cli.done).code).toBe(EXIT.interrupted);
    });
  });
});
