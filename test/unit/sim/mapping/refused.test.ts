import { describe, expect, it } from "vitest";
import { preview, refusalOf, survey } from "../../../support/mapping.ts";

describe("refusals", () => {
  it("beyond the mask: both numbers, the kernel's line, errno, and the fate of every entry", () => {
    const shown = preview(["ram0+0+0x800", "ram1+0x258e000+8k", "ram0+64k+4k"], {
      dev: "capture0",
      set: { "swiotlb.size": 0 },
    });
    expect(refusalOf(shown)).toMatchObject({
      entry: 1,
      name: "address above the device's DMA mask",
      comparison: "0x1010258e000 + 8192 - 1 > mask 0xffffffff",
      kernelLines: ["DMA addr 0x000001010258e000+8192 overflow (mask ffffffff, bus limit 0)."],
      errno: -5,
      errnoName: "EIO",
      mayRetry: false,
    });
    expect(shown.entries.map((entry) => entry.state)).toEqual(["undone", "refused", "not reached"]);
  });

  it("4.1 has its own words and no errno", () => {
    const words = { dev: "capture0", era: "4.1", set: { "swiotlb.size": 0 } };
    expect(refusalOf(preview(["ram1+0+8k"], words))).toMatchObject({
      kernelLines: ["nommu_map_sg: overflow 10100000000+8192 of device mask ffffffff"],
      errno: 0,
      errnoName: "",
    });
  });

  it("a bus limit is named as one", () => {
    const words = { machine: "soc-30bit", set: { "swiotlb.size": 0 } };
    expect(refusalOf(preview(["ram@0x80000000+8k"], words)).comparison).toBe(
      "0x80000000 + 8192 - 1 > bus limit 0x3fffffff",
    );
  });

  it("a pool that the device cannot reach", () => {
    const words = { machine: "soc-30bit", set: { "swiotlb.start": "0x48000000" } };
    const refusal = refusalOf(preview(["ram@0x80000000+8k"], words));
    expect(refusal.comparison).toBe("bounce slot 0x48000000 + 8192 - 1 > bus limit 0x3fffffff");
    expect(refusal.kernelLines[0]).toMatch(/^swiotlb addr 0x48000000\+8192 overflow/);
  });

  it("a full pool: the kernel's counts are those of the moment, the cause is the real one", () => {
    const entries = Array.from({ length: 10 }, (_, index) => `ram1+${index * 2 ** 18}+200k`);
    const refusal = refusalOf(preview(entries, { machine: "confidential-vm", set: { "swiotlb.size": "1MiB" } }));
    expect(refusal).toMatchObject({ entry: 4, mayRetry: true, errnoName: "EIO" });
    expect(refusal.kernelLines).toEqual([
      "swiotlb buffer is full (sz: 204800 bytes), total 512 (slots), used 400 (slots)",
    ]);
    expect(refusal.comparison).toBe("100 slots in one run > 28, the longest free run");
    expect(refusal.why).toContain("none of the 4 areas has 100 free");
  });

  it("longer than any bounce", () => {
    expect(refusalOf(preview(["ram1+0+300k"], { dev: "capture0" }))).toMatchObject({
      comparison: "307200 bytes > 262144 bytes, dma_max_mapping_size",
      mayRetry: false,
    });
  });

  it("page-less memory that would have to bounce", () => {
    const refusal = refusalOf(preview(["ram0+0+4k", "pmem@0x100050000+0x1000"], { dev: "capture0" }));
    expect(refusal).toMatchObject({ entry: 1, errnoName: "EINVAL" });
    expect(refusal.comparison).toBe(
      "0x100050000 + 4096 - 1 > mask 0xffffffff, and there is no struct page to copy through",
    );
  });

  it("IOVA space: the list as a whole", () => {
    const shown = preview(["ram0+0+1M", "ram0+1M+1M"], { mask: "20" });
    expect(refusalOf(shown)).toMatchObject({
      entry: null,
      comparison: "512 pages of 4096 = 0x200000 > 0xff000, all IOVAs up to 0xfffff",
      errnoName: "ENOMEM",
    });
    expect(shown.entries.map((entry) => entry.state)).toEqual(["refused", "refused"]);
  });

  it("peers without a way, told by the bridges between them", () => {
    const words = { dev: "nvme0", set: { "pcie.rc0.id": "8086:1234" } };
    const refusal = refusalOf(preview(["ram0+0+4k", "bar:nvme3+0+4k"], words));
    expect(refusal).toMatchObject({ entry: 1, errno: -121, errnoName: "EREMOTEIO" });
    expect(refusal.comparison).toContain(
      "no common bridge, and host bridge rc1 (8086:09a2) is on the list, host bridge rc0 (8086:1234) is not on the list",
    );
  });

  it("forced bouncing never takes peer memory", () => {
    const { elsewhere } = survey(["bar:nvme3+0+4k"], { dev: "nvme0" });
    expect(elsewhere.find(({ name }) => name === "swiotlb=force")?.refusal?.name).toBe("peer memory cannot be bounced");
  });
});
