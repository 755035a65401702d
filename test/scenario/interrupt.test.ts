import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { EXIT } from "#dmasim/base/errors.js";
import type { RunResult } from "#dmasim/sim/result.js";
import { type RunningCli, startDmasim } from "../support/cli.ts";
import { patience } from "../support/patience.ts";
import { CLOCKS, withFolder } from "../support/run.ts";

const HEARD_MS = 100;
const ENDED_MS = 1000;

/** Loads that run for hours; of several groups, so that the later ones must not start. */
const LOADS = {
  "random I/O":
    "jobs:\n  - { name: a, rw: randrw, bs: 4k, size: 1GiB, iodepth: 32, numjobs: 4, runtime: 3h, time_based: true }\n",
  "large I/O":
    "jobs:\n  - { name: a, rw: rw, bs: 4MiB, size: 1GiB, iodepth: 4, numjobs: 4, runtime: 3h, time_based: true }\n",
  groups:
    "jobs:\n  - { name: a, rw: write, bs: 4k, size: 64MiB, iodepth: 32, runtime: 3h, time_based: true, verify_pass: true }\n" +
    "  - { name: b, rw: randread, bs: 4k, size: 64MiB, iodepth: 32, runtime: 3h, time_based: true, stonewall: true }\n",
};

/** Waits until a run that was just started is in full swing: as long as a whole small one takes now, and more. */
async function untilRunning(): Promise<void> {
  await startDmasim(["run", "rand-read-4k", "--limit-ios", "10"]).done;
  await sleep(500);
}

/** A run that does not end must not outlive its test. */
function killAfterwards(cli: RunningCli): void {
  onTestFinished(() => void cli.child.kill("SIGKILL"));
}

interface Timing {
  readonly heardMs: number;
  readonly endedMs: number;
}

async function interrupt(text: string, args: readonly string[], check: (result: RunResult) => void): Promise<Timing> {
  return await withFolder({ "load.yaml": text }, async (folder) => {
    const file = join(folder, "out.json");
    const cli = startDmasim(["run", join(folder, "load.yaml"), "--full", "--json", file, ...args]);
    killAfterwards(cli);
    await untilRunning();
    const heard = cli.stderrMatches(/stopping, partial results follow/);
    const sentMs = performance.now();
    cli.child.kill("SIGINT");
    const heardMs = (await heard) - sentMs;
    const { code, stdout, stderr } = await cli.done;
    const endedMs = performance.now() - sentMs;
    expect(stderr).toBe("dmasim: stopping, partial results follow (again to end at once)\n");
    expect(stdout).toMatch(/partial|interrupted|stopped/i);
    expect(code).toBe(EXIT.interrupted);
    check(JSON.parse(readFileSync(file, "utf8")) as RunResult);
    return { heardMs, endedMs };
  });
}

// Another process may take the cores at the wrong moment, so a late answer gets a second chance.
describe.each(CLOCKS)("%s clock: Ctrl-C", { retry: 2 }, (clock) => {
  it.each(Object.entries(LOADS))("%s: heard at once, ends soon, with partial results", async (_name, text) => {
    const timing = await interrupt(text, ["--clock", clock, "--workers", "2"], (result) => {
      expect([result.schema, result.partial, result.clock]).toEqual(["dmasim/result@1", true, clock]);
      expect(result.jobs[0]?.read.total_ios ?? 0).toBeGreaterThanOrEqual(0);
      expect((result.jobs[0]?.read.total_ios ?? 0) + (result.jobs[0]?.write.total_ios ?? 0)).toBeGreaterThan(0);
      expect(result.host.integrity.mismatches).toBe(0);
      const later = result.jobs[1];
      if (later !== undefined) expect([later.read.total_ios, result.jobs[0]?.verified_ios]).toEqual([0, 0]);
    });
    expect(timing.heardMs).toBeLessThan(HEARD_MS * patience());
    expect(timing.endedMs).toBeLessThan(ENDED_MS * patience());
  });

  it("without payload", async () => {
    if (clock === "wall") return;
    const timing = await interrupt(LOADS["random I/O"], ["--no-payload"], (result) =>
      expect(result.partial).toBe(true),
    );
    expect(timing.endedMs).toBeLessThan(ENDED_MS * patience());
  });
});

describe("a second Ctrl-C", () => {
  it("ends the process at once", async () => {
    await withFolder({ "load.yaml": LOADS["random I/O"] }, async (folder) => {
      const cli = startDmasim(["run", join(folder, "load.yaml"), "--full"]);
      killAfterwards(cli);
      await untilRunning();
      const heard = cli.stderrMatches(/stopping/);
      cli.child.kill("SIGINT");
      await heard;
      cli.child.kill("SIGINT");
      const { code } = await cli.done;
      expect(code).toBe(EXIT.interrupted);
    });
  });
});
