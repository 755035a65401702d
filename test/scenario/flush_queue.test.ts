import { describe, expect, it } from "vitest";
import { CLOCKS, expectClean, type RunChanges, runJobs } from "../support/run.ts";

/** 36864 I/Os of 4 KiB on two CPUs, each mapped and unmapped. */
const JOB = "{ name: a, rw: randread, bs: 4k, size: 72MiB, iodepth: 16, numjobs: 2 }";
const GUEST: RunChanges = {
  machine: "qemu-q35",
  set: { "iommu.kind": "virtio-iommu", "iommu.mode": "lazy", "iommu.address_bits": 39 },
};

describe.each(CLOCKS)("lazy mode behind virtio-iommu, %s clock", (clock) => {
  const run = async (set: RunChanges["set"], job = JOB) => {
    const result = await runJobs([job], { ...GUEST, clock, workers: 2, set: { ...GUEST.set, ...set } });
    expectClean(result);
    return result.counters.iommu?.domain_flushes ?? 0;
  };

  it("a queue of 256 slots a CPU flushes a hundred times, the shared one twice, all data right", async () => {
    expect(await run({})).toBeGreaterThan(50);
    // A full queue, and the end of the run; under wall a slow computer adds a timer's flush a second.
    const flushes = await run({ "iommu.shadow_on_flush": true });
    expect(flushes).toBeGreaterThanOrEqual(2);
    expect(flushes).toBeLessThan(clock === "virtual" ? 3 : 30);
  });

  it("size and timeout are the machine's", async () => {
    const short = "{ name: a, rw: randread, bs: 4k, size: 16MiB, iodepth: 16, numjobs: 2 }";
    const small = await run({ "iommu.shadow_on_flush": true, "iommu.fq_size": 256 }, short);
    expect(small).toBeGreaterThanOrEqual(32);
  });
});
