import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EXIT } from "#dmasim/base/errors.js";
import { exitCodeOf } from "#dmasim/cli/exit_code.js";
import { loadProfile } from "#dmasim/sim/profile/load.js";
import type { RunResult } from "#dmasim/sim/result.js";
import { runProfile } from "#dmasim/sim/run.js";
import { expectClean, hashOf, optionsOf, type RunChanges, withFolder } from "../support/run.ts";

const JOB = "{ name: a, rw: randrw, bs: 16k, size: 16MiB, iodepth: 8, device: nvme0, verify_pass: true }";

function run(faults: readonly string[], changes: RunChanges & { job?: string } = {}): Promise<RunResult> {
  const { job = JOB, ...others } = changes;
  const text = `jobs: [${job}]\nfaults:\n${faults.map((fault) => `  - ${fault}`).join("\n")}\n`;
  return withFolder({ "load.yaml": text }, (folder) => {
    const profile = { ...loadProfile(join(folder, "load.yaml")), file: "load.yaml" };
    return runProfile(optionsOf(profile, others));
  });
}

function faultOf({ faults }: RunResult) {
  const [fault] = faults ?? [];
  if (fault === undefined) throw new Error("no fault");
  return fault;
}

describe("faults of a profile", () => {
  it.each([
    {
      fault: "completion-timeout",
      rate: 0.05,
      outcome: "completion: completion timeout, AER CmpltTO",
      latencyNs: 50e6,
    },
    { fault: "poisoned-tlp", rate: 0.05, outcome: "completion: poisoned completion, AER TLP", latencyNs: 0 },
    { fault: "lost-interrupt", rate: 0.02, outcome: "driver timeout: completion found by polling", latencyNs: 30e9 },
  ])("$fault: noticed every time, and the data come all the same", async ({ fault, rate, outcome, latencyNs }) => {
    const result = await run([`{ fault: ${fault}, rate: ${rate} }`]);
    expectClean(result);
    expect(exitCodeOf(result)).toBe(EXIT.ok);
    const { injected, detected, unexplained, outcomes, latency_ns: latency } = faultOf(result);
    expect(injected).toBeGreaterThan(5);
    expect([detected, unexplained]).toEqual([injected, 0]);
    expect(outcomes).toEqual({ [outcome]: injected });
    expect(latency.mean).toBeGreaterThanOrEqual(latencyNs);
  });

  it("a time hits one command; a device that no job uses has none", async () => {
    const result = await run(["{ fault: poisoned-tlp, at: 1ms }", "{ fault: poisoned-tlp, at: 1ms, device: nvme1 }"]);
    expectClean(result);
    expect(result.faults?.map(({ injected }) => injected)).toEqual([1, 0]);
  });

  it("a link that goes down stops what is in flight; the driver's timeout finds it, and the load goes on", async () => {
    const result = await run(["{ fault: surprise-link-down, at: 1ms, for: 10ms }"]);
    expectClean(result);
    const { injected, detected, latency_ns: latency } = faultOf(result);
    expect(injected).toBeGreaterThan(0);
    expect(injected).toBeLessThanOrEqual(8);
    expect(detected).toBe(injected);
    expect(latency.mean).toBeGreaterThanOrEqual(30e9);
  });

  it("a device that is unplugged ends its job; nothing stays mapped, other jobs go on", async () => {
    const other = "{ name: b, rw: read, bs: 16k, size: 16MiB, iodepth: 4, device: nvme1 }";
    const result = await run(["{ fault: device-unplugged, at: 1ms, device: nvme0 }"], { job: `${JOB}, ${other}` });
    expect(result.integrity.leaks).toEqual([]);
    expect(result.host.integrity.mismatches).toBe(0);
    const [gone, left] = result.jobs;
    expect(gone?.error_text).toMatch(/nvme0 was unplugged|link down/);
    expect(left?.error).toBe(0);
    expect(left?.read.total_ios).toBe(1024);
    expect(faultOf(result).unexplained).toBe(0);
    expect(exitCodeOf(result)).toBe(EXIT.objective);
  });

  it("a replay storm takes the wire, not the data", async () => {
    const job = "{ name: a, rw: read, bs: 128k, size: 64MiB, iodepth: 32, device: nvme0 }";
    const bw = (result: RunResult) => result.jobs[0]?.read.bw_bytes ?? 0;
    const quiet = await run(["{ fault: replay-storm, rate: 0 }"], { job });
    const storm = await run(["{ fault: replay-storm, rate: 0.3 }"], { job });
    expectClean(storm);
    expect(faultOf(quiet).injected).toBe(0);
    expect(faultOf(storm).injected).toBeGreaterThan(1000);
    expect(bw(storm)).toBeLessThan(0.8 * bw(quiet));
  });

  it("the same for any number of workers, with and without payload", async () => {
    const faults = [
      "{ fault: completion-timeout, rate: 0.02 }",
      "{ fault: poisoned-tlp, rate: 0.02 }",
      "{ fault: replay-storm, rate: 0.02, at: 1ms, for: 5ms }",
    ];
    const changes = [{ workers: 1 }, { workers: 2 }, { payload: false, verify: false }];
    const hashes = [];
    for (const change of changes) hashes.push(hashOf(await run(faults, change)));
    expect(new Set(hashes).size).toBe(1);
  });

  it.each([
    ["{ fault: meteor, rate: 0.1 }", /fault/],
    ["{ fault: poisoned-tlp }", /exactly one of rate and at/],
    ["{ fault: poisoned-tlp, rate: 0.1, at: 1ms }", /exactly one of rate and at/],
    ["{ fault: device-unplugged, rate: 0.1 }", /give at/],
    ["{ fault: replay-storm, at: 1ms }", /add rate/],
    ["{ fault: poisoned-tlp, at: soon }", /no duration/],
    ["{ fault: poisoned-tlp, rate: 0.1, device: nvme99 }", /no such device/],
  ])("refuses %s", async (fault, message) => {
    await expect(run([fault])).rejects.toThrow(message);
  });

  it("on real threads commands fail by their status and are repeated", async () => {
    const faults = ["{ fault: completion-timeout, rate: 0.05 }", "{ fault: poisoned-tlp, rate: 0.05 }"];
    const result = await run(faults, { clock: "wall", workers: 2 });
    expectClean(result);
    for (const { injected, detected, unexplained } of result.faults ?? []) {
      expect(injected).toBeGreaterThan(5);
      expect([detected, unexplained]).toEqual([injected, 0]);
    }
    expect(result.faults).toHaveLength(2);
  });

  it("refuses what needs simulated time under the wall clock", async () => {
    await expect(run(["{ fault: lost-interrupt, rate: 0.1 }"], { clock: "wall" })).rejects.toThrow(/simulated time/);
  });
});
