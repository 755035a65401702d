/** Every load that ships runs on its machine under both clocks: all jobs move bytes, none is wrong, nothing leaks. */
import { describe, expect, it } from "vitest";
import { resolveMachine } from "#dmasim/sim/machine/load.js";
import { listShippedProfiles, loadShippedProfile } from "#dmasim/sim/profile/load.js";
import type { RunResult } from "#dmasim/sim/result.js";
import { runProfile } from "#dmasim/sim/run.js";
import { runOptions } from "#dmasim/sim/run_options.js";
import { bytesOf, CLOCKS } from "../support/run.js";

/** Enough for every job to fill its queue and go round its buffers. */
const LIMIT_IOS = 600;
const LIMIT_S = 20;

/** What may not differ from zero, by name, so that a failure says which. */
function troubles(result: RunResult): object {
  return {
    mismatches: result.host.integrity.mismatches,
    leaks: result.integrity.leaks,
    errors: result.jobs.filter((job) => job.error !== 0).map((job) => `${job.jobname}: ${job.error_text}`),
    faults: result.jobs.reduce((sum, job) => sum + job.faults, 0),
    idle: result.jobs.filter((job) => bytesOf(job) === 0).map((job) => job.jobname),
    workerFailure: result.host.worker_failure ?? null,
  };
}

const NO_TROUBLES = { mismatches: 0, leaks: [], errors: [], faults: 0, idle: [], workerFailure: null };

describe("shipped loads", () => {
  for (const { name } of listShippedProfiles()) {
    for (const clock of CLOCKS) {
      // Events happen at virtual times.
      if (clock === "wall" && loadShippedProfile(name).events !== undefined) continue;
      it(`${name} runs under the ${clock} clock`, async () => {
        const profile = loadShippedProfile(name);
        const machine = resolveMachine(profile.machine ?? "intel-vtd-2s");
        const changes = { clock, workers: 2, limitIos: LIMIT_IOS, limitSeconds: LIMIT_S };
        const result = await runProfile(runOptions(profile, machine, changes));
        expect(troubles(result)).toEqual(NO_TROUBLES);
        expect(result.host.integrity.bytes_verified).toBeGreaterThan(0);
      });
    }
  }

  it("have a title of one line each", () => {
    for (const { name, title } of listShippedProfiles()) expect(title, name).toMatch(/^\S.{10,80}$/);
  });
});

describe("the demo", () => {
  it("takes every kind of path", async () => {
    const profile = loadShippedProfile("demo");
    const options = runOptions(profile, resolveMachine("intel-vtd-2s"), { limitIos: 200 });
    const result = await runProfile(options);
    const pathOf = (name: string) => result.jobs.find((job) => job.jobname === name)?.path;
    expect(pathOf("strict")).toMatchObject({ iommu: 1 });
    expect(pathOf("lazy")).toMatchObject({ iommu: 1 });
    expect(pathOf("direct")).toMatchObject({ direct: 1 });
    expect(pathOf("p2p")).toMatchObject({ p2p: 1 });
    expect(pathOf("bounce")).toMatchObject({ bounce: 1 });
    expect(pathOf("pmem")).toMatchObject({ iommu: 1 });
    expect(pathOf("mixed-list")).toMatchObject({ iommu: 1 });
    expect(pathOf("copy")).toMatchObject({ iommu: 1 });
  });
});
