import { describe, expect, it } from "vitest";
import { bytesOf, CLOCKS, expectClean, jobOf, type RunChanges, runJobs } from "../support/run.ts";

interface Refused extends RunChanges {
  readonly what: string;
  readonly job: string;
  /** The kernel's words. */
  readonly text: RegExp;
}

const REFUSED: readonly Refused[] = [
  {
    what: "memory beyond the mask, and no pool",
    set: { "swiotlb.size": 0 },
    job: "{ name: a, rw: read, bs: 4k, size: 1MiB, iodepth: 4, device: capture0 }",
    text: /^0000:[0-9a-f:.]+: DMA addr 0x[0-9a-f]{16}\+4096 overflow \(mask ffffffff, bus limit 0\)\.$/,
  },
  {
    what: "a peer behind a host bridge that is not on the list",
    set: { "pcie.rc0.id": "null", "pcie.rc1.id": "null" },
    staged: "forbid",
    job: '{ name: a, rw: read, bs: 4k, size: 1MiB, iodepth: 4, device: nvme0, target: "bar:nvme3" }',
    text: /peer-to-peer not supported between these devices/,
  },
  {
    what: "mapped once, and the pool is too small for all of it",
    machine: "confidential-vm",
    set: { "swiotlb.size": "1MiB", "swiotlb.areas": 1 },
    job: "{ name: a, rw: write, bs: 64k, size: 4MiB, iodepth: 32, map: persistent }",
    text: /swiotlb buffer is full/,
  },
  {
    what: "mapped once, and the IOVA space is too small for all of it",
    set: { "devices.nvme0.dma_mask_bits": 24 },
    job: "{ name: a, rw: write, bs: 512k, size: 16MiB, iodepth: 64, map: persistent }",
    text: /iova/i,
  },
  {
    what: "page-less memory that would have to bounce",
    job: "{ name: a, rw: read, bs: 4k, size: 1MiB, iodepth: 4, device: capture0, target: pmem0 }",
    text: /page/i,
  },
];

interface Retried extends RunChanges {
  readonly what: string;
  readonly job: string;
  readonly bytes: number;
}

const MIB = 2 ** 20;

const RETRIED: readonly Retried[] = [
  {
    what: "a full bounce pool",
    machine: "confidential-vm",
    set: { "swiotlb.size": "1MiB", "swiotlb.areas": 1 },
    job: "{ name: a, rw: randrw, bs: 64k, size: 8MiB, iodepth: 32, numjobs: 2 }",
    bytes: 16 * MIB,
  },
  {
    what: "a full IOVA space",
    set: { "devices.nvme0.dma_mask_bits": 24 },
    job: "{ name: a, rw: randrw, bs: 512k, size: 32MiB, loops: 3, iodepth: 64, numjobs: 2 }",
    bytes: 192 * MIB,
  },
];

describe.each(CLOCKS)("%s clock", (clock) => {
  it.each(REFUSED)(
    "a mapping that cannot succeed ends its job: $what",
    async ({ what: _what, job, text, ...changes }) => {
      const other = "{ name: other, rw: randrw, bs: 4k, size: 1MiB, iodepth: 4 }";
      const alone = changes.machine === "confidential-vm" || changes.set?.["devices.nvme0.dma_mask_bits"] !== undefined;
      const result = await runJobs(alone ? [job] : [job, other], { clock, workers: 2, ...changes });
      const failed = jobOf(result);
      expect(failed.error_text).toMatch(text);
      expect([failed.error, bytesOf(failed), failed.faults]).toEqual([1, 0, 0]);
      expect(result.integrity.leaks).toEqual([]);
      expect(result.partial).toBeUndefined();
      expect(result.host.integrity.mismatches).toBe(0);
      for (const { name, utilization } of result.resources) expect(utilization, name).toBeLessThanOrEqual(1);
      if (alone) expect(result.bottleneck).toBeNull();
      if (!alone) expect([jobOf(result, 1).error, bytesOf(jobOf(result, 1))]).toEqual([0, MIB]);
    },
  );

  it.each(RETRIED)(
    "a mapping that may succeed later is tried again: $what",
    async ({ what: _what, job, bytes, ...changes }) => {
      const result = await runJobs([job], { clock, workers: 2, ...changes });
      expectClean(result);
      expect(bytesOf(jobOf(result))).toBe(bytes);
      expect(jobOf(result).retries).toBeGreaterThan(0);
    },
  );

  it("a buffer that is mapped once is synced through its bounce slots", async () => {
    const job = "{ name: a, rw: randrw, bs: 16k, size: 4MiB, iodepth: 8, map: persistent }";
    const result = await runJobs([job], { clock, workers: 2, machine: "confidential-vm" });
    expectClean(result);
    expect(jobOf(result).path.bounce).toBe(1);
    expect(result.host.integrity.bytes_verified).toBe(4 * MIB);
  });
});
