/** Incidents of IOMMU modes, IOVA limits, lists and faults (data/incidents.json). */
import { describe, expect, it } from "vitest";
import { mappedOf, preview, refusalOf, survey } from "../../support/mapping.ts";
import { jobOf, runJobs } from "../../support/run.ts";

describe("iommu-strict-hardening-default", () => {
  it("strict costs throughput, lazy gives it back, and the override restores the old behaviour", async () => {
    const load = "{ name: a, rw: randread, bs: 4k, iodepth: 64, numjobs: 4, size: 256MiB, io_size: 8MiB }";
    const rates: number[] = [];
    for (const mode of ["lazy", "strict"]) {
      const result = await runJobs([load], { set: { "iommu.mode": mode }, payload: false, verify: false });
      rates.push(jobOf(result).read.bw_bytes);
    }
    const set = { "iommu.mode": "lazy", "devices.nvme0.iommu_mode": "strict" };
    const overridden = jobOf(await runJobs([load], { set, payload: false, verify: false })).read.bw_bytes;
    expect(rates[1] ?? 0).toBeLessThan(0.7 * (rates[0] ?? 0));
    expect(overridden).toBe(rates[1]);
  });
});

describe("aarch64-64k-pages-tlb-reach", () => {
  it("512 MiB take 8,192 entries of 64 KiB, or one of 512 MiB", () => {
    const entries = ["ram0+512MiB+512MiB"];
    const ptes = (sizes: string) =>
      mappedOf(preview(entries, { machine: "arm-smmu-8nvme", dev: "nvme0", set: { "iommu.page_sizes": sizes } }))
        .mapCost.ptesWritten;
    expect(ptes("[65536]")).toBe(8192);
    expect(ptes("[65536, 536870912]")).toBe(1);
  });
});

describe("iova-32bit-4x1g", () => {
  const gigabytes = (count: number) => Array.from({ length: count }, (_, i) => `ram1+${i}GiB+1GiB`);

  it("4 x 1 GiB never fit 32 bits of IOVA: less than 4 GiB are usable", () => {
    const refusal = refusalOf(preview(gigabytes(4), { dev: "nvme0", mask: "32" }));
    expect(refusal.comparison).toBe("1048576 pages of 4096 = 0x100000000 > 0xfffff000, all IOVAs up to 0xffffffff");
    expect(preview(gigabytes(1), { dev: "nvme0", mask: "32" }).refusal).toBeNull();
  });

  it("a wider mask, or addresses that the device translates itself, pass", () => {
    expect(preview(gigabytes(4), { dev: "nvme0" }).refusal).toBeNull();
    expect(preview(gigabytes(4), { dev: "nvme2" }).refusal).toBeNull();
  });
});

describe("sg-segment-too-long", () => {
  it("540,672 bytes against 65,536: the page warns with both numbers, and dma_map_sg splits nothing", () => {
    const { notes, preview: view } = survey(["ram1+0+540672"], { dev: "nvme0", maxSeg: "65536" });
    expect(notes.join()).toContain("entry 0 is longer than max_seg: 540672 > 65536; dma_map_sg does not split");
    expect(mappedOf(view).segments).toHaveLength(1);
  });

  it("split entries are within the limit", () => {
    const pieces = Array.from({ length: 9 }, (_, i) => `ram1+${i * 65_536}+${i === 8 ? 16_384 : 65_536}`);
    const { notes, preview: view } = survey(pieces, { dev: "nvme0", maxSeg: "65536" });
    expect(notes.join()).not.toContain("longer than max_seg");
    for (const { bytes } of mappedOf(view).segments) expect(bytes).toBeLessThanOrEqual(65_536);
  });
});

describe("sg-merge-beyond-descriptor", () => {
  const list = Array.from({ length: 512 }, (_, i) => `ram1+${i}MiB+1MiB`);

  it("512 MiB of neighbours become one segment, longer than a descriptor of 256 MiB", () => {
    const { segments } = mappedOf(preview(list, { dev: "nvme0" }));
    expect(segments.map(({ bytes }) => bytes)).toEqual([2 ** 29]);
  });

  it("the limit told to the DMA layer splits it", () => {
    const { segments } = mappedOf(preview(list, { dev: "nvme0", maxSeg: String(2 ** 28) }));
    expect(segments.map(({ bytes }) => bytes)).toEqual([2 ** 28, 2 ** 28]);
  });
});

describe("sg-too-many-entries", () => {
  const list = Array.from({ length: 18 }, (_, i) => `ram1+${2 * i}MiB+4k`);

  it("18 entries for a ring of 16 are told; the two limits aligned, nothing is", () => {
    const told = (max: number) =>
      survey(list, { dev: "nvme0", set: { "devices.nvme0.max_segments": max } }).notes.join();
    expect(told(16)).toContain("18 entries > max_segments 16");
    expect(told(18)).not.toContain("max_segments");
  });
});
