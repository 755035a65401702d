/** Memory that is held beyond one I/O: long-term pins, DAX files, dma-bufs; from loads. */
import { describe, expect, it } from "vitest";
import type { Override } from "#dmasim/sim/override.js";
import { loadShippedProfile } from "#dmasim/sim/profile/load.js";
import type { RunResult } from "#dmasim/sim/result.js";
import { runProfile } from "#dmasim/sim/run.js";
import { bytesOf, CLOCKS, expectClean, hashOf, jobOf, optionsOf, type RunChanges, runJobs } from "../support/run.ts";

function shipped(name: string, set: Readonly<Record<string, string>> = {}, changes: RunChanges = {}) {
  const overrides: Override[] = Object.entries(set).map(([path, value]) => ({ path, value }));
  const profile = { ...loadShippedProfile(name, { overrides }), file: "load.yaml" };
  return runProfile(optionsOf(profile, { machine: profile.machine ?? "intel-vtd-2s", ...changes }));
}

function truncated(result: RunResult) {
  return result.memory_events?.[0];
}

describe("a DAX file that is truncated under DMA", () => {
  it("waits for the last pin, and nothing is lost", async () => {
    const result = await shipped("dax-truncate");
    expectClean(result);
    expect(truncated(result)).toMatchObject({ event: "truncate", region: "log", outcome: "truncated", ret: 0 });
    expect(truncated(result)?.pinned_pages).toBe(8 * 16);
    expect(truncated(result)?.waited_ns).toBeGreaterThan(0);
    expect(truncated(result)?.tries).toBeGreaterThan(1);
  });

  it("gives up when nobody waits; the file keeps its blocks", async () => {
    const result = await shipped("dax-truncate", { "events[0].wait": "0" });
    expectClean(result);
    expect(truncated(result)).toMatchObject({ outcome: "busy", ret: -16, tries: 1 });
  });

  it("refuses a long-term pin of a filesystem's file, takes one of a device, which has no truncate", async () => {
    const refused = await shipped("dax-truncate", { "jobs.log.pin": "longterm" });
    expect(jobOf(refused).error_text).toContain("long-term pin of a filesystem's DAX file");
    expect(refused.integrity.leaks).toEqual([]);
    const taken = await shipped("dax-truncate", { "jobs.log.pin": "longterm", "jobs.log.file": "devdax" });
    expectClean(taken);
    expect(truncated(taken)).toMatchObject({ outcome: "refused", ret: -22 });
  });

  it("gives the same result for any number of workers, payload on or off", async () => {
    const one = hashOf(await shipped("dax-truncate"));
    expect(hashOf(await shipped("dax-truncate", {}, { workers: 2 }))).toBe(one);
    expect(hashOf(await shipped("dax-truncate", {}, { payload: false, verify: false }))).toBe(one);
  });

  it("lies in persistent memory, and somebody has it", async () => {
    await expect(runJobs(["{ name: a, rw: read, file: fsdax }"])).rejects.toThrow("lies in persistent memory");
    await expect(shipped("dax-truncate", { "events[0].truncate": "other" })).rejects.toThrow("jobs with a file: log");
  });
});

describe.each(CLOCKS)("%s clock: long-term pins", (clock) => {
  const job = (target: string) =>
    `{ name: a, rw: randread, bs: 16k, iodepth: 8, size: 64MiB, io_size: 4MiB, pin: longterm, target: "${target}" }`;

  it.each(["ram", "pmem1"])("of %s are held to the end and given back", async (target) => {
    expectClean(await runJobs([job(target)], { clock }));
  });

  it("need struct pages", async () => {
    const result = await runJobs([job("pmem0")], { clock });
    expect(jobOf(result).error_text).toContain("no struct page to pin");
  });

  it("of private memory outlast revokes", async () => {
    const vram = job("vram:gpu0").replace("pin:", "working_set: 4MiB, pin:");
    const set = { "devices.gpu0.memory.revoke_every": 3 };
    const result = await runJobs([vram], { machine: "desktop-gpu-256m", set, clock });
    expectClean(result);
    expect(result.counters.p2p?.["revokes"]).toBe(0);
    expect(bytesOf(jobOf(result))).toBe(4 * 2 ** 20);
  });
});

it("registered hot-added memory cannot be removed", async () => {
  const pinned = { "jobs.card.pin": "longterm", "jobs.card.target": "dimm1", "events[1].wait": "2ms" };
  const result = await shipped("hotplug-under-load", pinned);
  expect(result.memory_events?.[1]).toMatchObject({ event: "hot_remove", outcome: "busy", ret: -16 });
  expect(result.integrity.leaks).toEqual([]);
});

describe.each(CLOCKS)("%s clock: dma-buf imports", (clock) => {
  it("give the device page-less memory without a map call for each I/O", async () => {
    const result = await shipped("dma-buf-capture", {}, { clock });
    expectClean(result);
    expect(jobOf(result).path.iommu).toBe(1);
    expect(bytesOf(jobOf(result))).toBe(16 * 2 ** 20);
  });

  it("are smaller for a device that takes two ranges", async () => {
    expectClean(await shipped("dma-buf-capture", {}, { clock, set: { "devices.camera0.max_segments": 2 } }));
  });
});

describe.each(CLOCKS)("%s clock: staged: forbid", (clock) => {
  const job = (rw: string) =>
    `{ name: a, rw: ${rw}, bs: 64k, size: 4MiB, iodepth: 4, device: gpu0, target: "bar:gpu1" }`;

  it.each(["read", "write"])("%s between refused peers fails as the mapping call does", async (rw) => {
    const result = await runJobs([job(rw)], { machine: "arc-2-switch", staged: "forbid", clock });
    expect(jobOf(result).error).toBeGreaterThan(0);
    expect(jobOf(result).error_text).toContain("peer-to-peer not supported between these devices");
    expect([bytesOf(jobOf(result)), jobOf(result).path.staged]).toEqual([0, 0]);
    expect(result.integrity.leaks).toEqual([]);
  });

  it("a pair that Linux allows does not notice", async () => {
    const ports = ["sw0-dn0", "sw0-dn1", "card0-dn0", "card1-dn0"];
    const set = Object.fromEntries(ports.map((port) => [`pcie.${port}.acs`, "[]"]));
    const result = await runJobs([job("read")], { machine: "arc-2-switch", staged: "forbid", clock, set });
    expectClean(result);
    expect(jobOf(result).path.p2p).toBe(1);
  });
});
