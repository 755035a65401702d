import { describe, expect, it } from "vitest";
import { DEFAULT_LIMIT_IOS, DEFAULT_LIMIT_SECONDS, type RunFlags, resolveRun } from "#dmasim/cli/run_flags.js";

const FLAGS: RunFlags = { clock: "virtual", payload: true, verify: true };

describe("flags of run", () => {
  it("defaults: scaled down, verified, the profile's seed, at least one worker", () => {
    const { options, notes } = resolveRun("rand-read-4k", FLAGS);
    expect(options).toMatchObject({ clock: "virtual", seed: null, payload: true, verify: true });
    expect(options).toMatchObject({ dmaDebug: false, image: false });
    expect(options.workers).toBeGreaterThanOrEqual(1);
    expect(options.machine.name).toBe("intel-vtd-2s");
    expect(notes).toEqual([expect.stringContaining("names no machine")]);
  });

  it("I/Os are limited under the virtual clock, seconds under wall", () => {
    const virtual = resolveRun("rand-read-4k", FLAGS).options;
    expect(virtual).toMatchObject({ limitIos: DEFAULT_LIMIT_IOS, limitSeconds: null });
    const wall = resolveRun("rand-read-4k", { ...FLAGS, clock: "wall" }).options;
    expect(wall).toMatchObject({ limitIos: null, limitSeconds: DEFAULT_LIMIT_SECONDS });
  });

  it("a machine that was asked for needs no note", () => {
    const { options, notes } = resolveRun("rand-read-4k", { ...FLAGS, machine: "qemu-q35" });
    expect(options.machine.name).toBe("qemu-q35");
    expect(notes).toEqual([]);
  });

  it("--full lifts both limits; without payload nothing is verified", () => {
    const { options } = resolveRun("rand-read-4k", { ...FLAGS, full: true, payload: false });
    expect(options).toMatchObject({ limitIos: null, limitSeconds: null, payload: false, verify: false });
  });

  it("--set reaches profile and machine", () => {
    const set = [
      { path: "jobs[0].iodepth", value: "7" },
      { path: "iommu.mode", value: "lazy" },
    ];
    const { options } = resolveRun("rand-read-4k", { ...FLAGS, set });
    expect(options.profile.jobs[0]?.iodepth).toBe(7);
    expect(options.machine.iommu.mode).toBe("lazy");
  });
});
