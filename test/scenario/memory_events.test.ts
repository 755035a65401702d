import { describe, expect, it } from "vitest";
import type { Override } from "#dmasim/sim/override.js";
import { loadShippedProfile } from "#dmasim/sim/profile/load.js";
import type { RunResult } from "#dmasim/sim/result.js";
import { runProfile } from "#dmasim/sim/run.js";
import { expectClean, hashOf, optionsOf, type RunChanges } from "../support/run.ts";

const MIB = 2 ** 20;

function run(overrides: readonly Override[] = [], changes: RunChanges = {}): Promise<RunResult> {
  const profile = { ...loadShippedProfile("hotplug-under-load", { overrides }), file: "load.yaml" };
  return runProfile(optionsOf(profile, { machine: "hotplug-server", ...changes }));
}

describe("memory hotplug under load", () => {
  it("makes a device bounce that was direct, and lets it go direct again", async () => {
    const result = await run();
    expectClean(result);
    const [add, remove] = result.memory_events ?? [];
    expect(add).toMatchObject({
      event: "hot_add",
      outcome: "online",
      blocks: 8,
      memmap_bytes: 16 * MIB,
      usable_bytes: 1008 * MIB,
    });
    const card = add?.devices.find(({ device }) => device === "capture0");
    expect(card).toMatchObject({
      required_mask_before: 0x7fffffff,
      required_mask: 0x1ffffffff,
      way_before: "direct",
      way: "bounces above its limit",
    });
    const paths = add?.paths.find(({ job }) => job === "card");
    expect(Object.keys(paths?.before ?? {})).toEqual(["direct"]);
    expect(paths?.after.bounce).toBeGreaterThan(0);
    expect(add?.paths.find(({ job }) => job === "drive")?.after).not.toHaveProperty("bounce");
    expect(remove).toMatchObject({ event: "hot_remove", outcome: "offline" });
    expect(remove?.pinned_pages).toBeGreaterThan(0);
    expect(remove?.waited_ns).toBeGreaterThan(0);
  });

  it("is refused while pages are pinned, when nobody waits; nothing is lost", async () => {
    const result = await run([{ path: "events[1].wait", value: "0" }]);
    expectClean(result);
    expect(result.memory_events?.[1]).toMatchObject({ outcome: "busy", ret: -16, tries: 1 });
    // The blocks are still there, and the card goes on bouncing.
    expect(result.memory_events?.[1]?.paths.find(({ job }) => job === "card")?.after.bounce).toBeGreaterThan(0);
  });

  it("refuses what is no whole memory block", async () => {
    const result = await run([{ path: "events[0].hot_add.size", value: "100MiB" }]);
    expectClean(result);
    expect(result.memory_events?.[0]).toMatchObject({ outcome: "refused", ret: -22 });
    expect(result.jobs[1]?.path).toMatchObject({ direct: 1, bounce: 0 });
  });

  it("gives the same result with and without payload, and for any number of workers", async () => {
    const hashes = [await run(), await run([], { payload: false, verify: false }), await run([], { workers: 2 })].map(
      hashOf,
    );
    expect(new Set(hashes).size).toBe(1);
  });

  it("refuses memory that is there already, and events without virtual time", async () => {
    await expect(run([{ path: "events[0].hot_add.start", value: "0x40000000" }])).rejects.toThrow(/overlaps/);
    await expect(run([], { clock: "wall" })).rejects.toThrow(/virtual/);
    await expect(run([{ path: "events[1].hot_remove", value: "ram0" }])).rejects.toThrow(/no event before/);
  });
});

describe("memory added behind a window that does not grow", () => {
  /** The bus shows the RAM of the boot, and no more. */
  const WINDOW = { "devices.nvme0.dma_ranges": "[{ cpu: 0x0, bus: 0x0, size: 2GiB }]" };
  const drive = (result: RunResult) => result.memory_events?.[0]?.devices.find(({ device }) => device === "nvme0");

  it("a 64-bit drive that was direct starts to bounce", async () => {
    const result = await run([], { set: WINDOW });
    expectClean(result);
    expect(drive(result)).toMatchObject({ way_before: "direct", way: "bounces outside its window" });
    const paths = result.memory_events?.[0]?.paths.find(({ job }) => job === "drive");
    expect(Object.keys(paths?.before ?? {})).toEqual(["direct"]);
    expect(paths?.after.bounce).toBeGreaterThan(0);
  });

  it("without a pool the memory is out of its reach, and its I/O fails there", async () => {
    const result = await run([], { set: { ...WINDOW, "swiotlb.size": 0 } });
    expect(drive(result)).toMatchObject({ way_before: "direct", way: "unreachable" });
    expect(result.jobs.find(({ jobname }) => jobname === "drive")?.error_text).toContain("overflow");
    expect(result.integrity.leaks).toEqual([]);
  });

  it("a window with room for it keeps the drive direct", async () => {
    const wide = { "devices.nvme0.dma_ranges": "[{ cpu: 0x0, bus: 0x0, size: 8GiB }]" };
    const result = await run([], { set: wide });
    expectClean(result);
    expect(drive(result)).toMatchObject({ way_before: "direct", way: "direct" });
  });
});
