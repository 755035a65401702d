/** Devices with ATS cache translations themselves: who takes a page away has them dropped, in both modes and on a revoke. */
import { describe, expect, it } from "vitest";
import { CLOCKS, expectClean, jobOf, type RunChanges, runJobs } from "../support/run.ts";

const BLOCK = "{ name: a, rw: randread, bs: 16k, iodepth: 4, size: 64MiB, io_size: 2MiB }";
const WINDOW =
  '{ name: a, rw: randread, bs: 16k, iodepth: 16, size: 1GiB, io_size: 8MiB, target: "vram:gpu0", working_set: 4MiB }';

function run(job: string, set: RunChanges["set"], clock: "virtual" | "wall" = "virtual") {
  return runJobs([job], { machine: "desktop-gpu-256m", set, clock });
}

function flushes(result: Awaited<ReturnType<typeof run>>): number | undefined {
  return result.counters.iommu?.["device_tlb_flushes"];
}

describe.each(CLOCKS)("%s clock", (clock) => {
  it("strict: every unmap is one more invalidation; a device without ATS has none", async () => {
    const set = { "iommu.mode": "strict" };
    const plain = await run(BLOCK, set, clock);
    const cached = await run(BLOCK, { ...set, "devices.nvme0.ats": true }, clock);
    for (const result of [plain, cached]) expectClean(result);
    expect(flushes(plain)).toBeUndefined();
    expect(flushes(cached)).toBeGreaterThanOrEqual(128);
  });

  it("lazy: one for every flush of the domain", async () => {
    const result = await run(BLOCK, { "iommu.mode": "lazy", "devices.nvme0.ats": true }, clock);
    expectClean(result);
    expect(flushes(result)).toBe(result.counters.iommu?.["domain_flushes"]);
  });

  it("a revoked page: its importers drop what they keep before the slot shows another", async () => {
    const set = { "iommu.mode": "lazy", "devices.nvme0.ats": true, "devices.gpu0.memory.window": "2MiB" };
    const revoked = await run(WINDOW, { ...set, "devices.gpu0.memory.revoke_every": 3 }, clock);
    expectClean(revoked);
    const revokes = revoked.counters.p2p?.["revokes"] ?? 0;
    expect(revokes).toBeGreaterThan(10);
    expect(flushes(revoked)).toBe((revoked.counters.iommu?.["domain_flushes"] ?? 0) + revokes);
    // Posted writes are behind a read before a slot is used again.
    expect(revoked.counters.p2p?.["read_backs"]).toBeGreaterThan(0);
  });
});

it("takes the CPU its time in virtual time: 1.5 us an unmap", async () => {
  const one = BLOCK.replace("iodepth: 4", "iodepth: 1");
  const [plain, cached] = await Promise.all(
    [false, true].map((ats) => run(one, { "iommu.mode": "strict", "devices.nvme0.ats": ats })),
  );
  const gap = jobOf(cached as NonNullable<typeof cached>).unmap_ns - jobOf(plain as NonNullable<typeof plain>).unmap_ns;
  expect(gap).toBeGreaterThan(1400);
  expect(gap).toBeLessThan(1700);
});
