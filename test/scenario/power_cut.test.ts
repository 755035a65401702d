import { describe, expect, it } from "vitest";
import type { Override } from "#dmasim/sim/override.js";
import { loadShippedProfile } from "#dmasim/sim/profile/load.js";
import type { PowerCutResult, RunResult } from "#dmasim/sim/result.js";
import { runProfile } from "#dmasim/sim/run.js";
import { hashOf, optionsOf, type RunChanges } from "../support/run.ts";

/** Share of the last-level cache (42 MiB) that device writes fill. */
const DDIO_BYTES = 0.18 * 42 * 2 ** 20;

function run(persist: string, at = "4ms", changes: RunChanges = {}): Promise<RunResult> {
  const overrides: Override[] = [
    { path: "jobs[0].persist", value: persist },
    { path: "events[0].at", value: at },
  ];
  const profile = { ...loadShippedProfile("pmem-power-cut", { overrides }), file: "load.yaml" };
  return runProfile(optionsOf(profile, changes));
}

async function cut(...args: Parameters<typeof run>): Promise<PowerCutResult> {
  const result = await run(...args);
  expect(result.host.integrity.mismatches).toBe(0);
  if (result.power_cut === undefined) throw new Error("the power was not cut");
  return result.power_cut;
}

describe("a power cut", () => {
  it("leaves what was flushed before it was acknowledged", async () => {
    const after = await cut("flush");
    expect(after).toMatchObject({ lost_ios: 0, ddio: true, eadr: false });
    expect(after.acknowledged_ios).toBeGreaterThan(200);
  });

  it("takes acknowledged data with DDIO, without eADR and without a flush", async () => {
    const after = await cut("none");
    expect(after.lost_ios).toBe(after.acknowledged_ios);
    expect(after.first_lost[0]).toMatchObject({ job: "log", io: 0, offset: 0 });
  });

  it("takes the last that the cache holds, no more: older lines were evicted", async () => {
    const after = await cut("none", "20ms");
    const survived = after.acknowledged_ios - after.lost_ios;
    expect(survived).toBeGreaterThan(0);
    expect(after.lost_ios).toBeGreaterThan(0);
    expect(after.rolled_back_bytes).toBeLessThanOrEqual(DDIO_BYTES + 16384);
    expect(after.rolled_back_bytes).toBeGreaterThan(DDIO_BYTES - 2 * 16384);
  });

  it.each(["persistence.ddio", "persistence.eadr"])(
    "takes nothing acknowledged with the other value of %s",
    async (key) => {
      const after = await cut("none", "4ms", { set: { [key]: key.endsWith("eadr") } });
      expect(after.lost_ios).toBe(0);
      expect(after.acknowledged_ios).toBeGreaterThan(200);
    },
  );

  it("never loses what was flushed, wherever it falls", async () => {
    for (const at of ["100us", "333us", "1001us", "2718us"]) expect((await cut("flush", at)).lost_ios).toBe(0);
  });

  it("charges the flush: 256 lines and a fence for 16 KiB", async () => {
    const [flush, none] = [await run("flush"), await run("none")];
    const ios = ({ jobs }: RunResult) => jobs[0]?.read.total_ios ?? 0;
    expect(ios(flush)).toBeLessThan(ios(none));
  });

  it("gives the same result for any number of workers", async () => {
    const hashes = [await run("none"), await run("none", "4ms", { workers: 2 })].map(hashOf);
    expect(new Set(hashes).size).toBe(1);
  });

  it("needs bytes, and an instant", async () => {
    await expect(run("none", "4ms", { payload: false, verify: false })).rejects.toThrow(/bytes/);
    const profile = loadShippedProfile("pmem-power-cut", { overrides: [{ path: "events", value: "[]" }] });
    await expect(runProfile(optionsOf(profile))).rejects.toThrow(/power_cut/);
  });
});
