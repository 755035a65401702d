import { describe, expect, it } from "vitest";
import type { RunResult } from "#dmasim/sim/result.js";
import { startDmasim } from "../support/cli.ts";
import { patience } from "../support/patience.ts";
import { machineOf } from "../support/run.ts";

const START_S = 1;
const RSS_BYTES = 250e6;
const TIB = 2 ** 40;
const GIB = 2 ** 30;

function bytesOfKind(kind: "ram" | "pmem"): number {
  const regions = machineOf().memory.filter((region) => region.kind === kind);
  return regions.reduce((sum, region) => sum + region.bytes, 0);
}

describe("a machine of terabytes", () => {
  it("has 256 GiB of RAM and more than 1 TiB of persistent memory", () => {
    expect(bytesOfKind("ram")).toBeGreaterThan(255 * GIB);
    expect(bytesOfKind("pmem")).toBeGreaterThanOrEqual(TIB);
  });

  it.each(["virtual", "wall"])("%s: starts in less than a second and 250 MB", { retry: 2 }, async (clock) => {
    const args = [
      "run",
      "rand-read-4k",
      "--machine",
      "intel-vtd-2s",
      "--clock",
      clock,
      "--limit-ios",
      "4",
      "--json",
      "-",
    ];
    const { code, stdout } = await startDmasim(args).done;
    const { host } = JSON.parse(stdout) as RunResult;
    expect(code).toBe(0);
    expect(host.peak_rss_bytes).toBeLessThan(RSS_BYTES);
    expect(host.wall_s).toBeLessThan(START_S * patience());
  });
});
