import { describe, expect, it } from "vitest";
import { mappedOf, pagesApart, preview, survey } from "../../../support/mapping.ts";

/** Page-backed, page-less, page-backed: what a direct read into a DAX mapping and its neighbours looks like. */
const MIXED = ["ram@0x10800+0x800", "pmem@0x100050000+0x1000", "ram@0x30000+0x400"];

describe("a mixed list through a strict IOMMU", () => {
  const shown = preview(MIXED, { machine: "intel-vtd-2s", dev: "nvme0", dir: "FROM" });
  const mapped = mappedOf(shown);

  it("becomes one segment behind one IOVA range", () => {
    expect(mapped.segments).toEqual([
      { index: 0, dmaAddr: 0xffffc800, bytes: 0x1c00, space: "iova", firstEntry: 0, entryCount: 3 },
    ]);
    expect(mapped.iova).toEqual({
      start: 0xffffc000,
      bytes: 0x3000,
      granuleBytes: 4096,
      pages: 3,
      allocatedPages: 4,
    });
    expect(mapped.seams.map((seam) => seam.reason)).toEqual(["page seam", "page seam"]);
  });

  it("every entry has its page-table entry, as the IOMMU reads it", () => {
    const pages = shown.entries.flatMap((entry) => entry.pages);
    expect(pages.map(({ iova, phys, word, access }) => ({ iova, phys, word, access }))).toEqual([
      { iova: 0xffffc000, phys: 0x10000, word: "0000000000010002", access: "W" },
      { iova: 0xffffd000, phys: 0x100050000, word: "0000000100050002", access: "W" },
      { iova: 0xffffe000, phys: 0x30000, word: "0000000000030002", access: "W" },
    ]);
    expect(shown.entries.map((entry) => entry.dmaAddr)).toEqual([0xffffc800, 0xffffd000, 0xffffe000]);
  });

  it("exposes the rest of its pages", () => {
    expect(mapped.exposure).toMatchObject({ reach: "pages", access: "write", bytes: 0x1400 });
    expect(mapped.exposure.ranges).toEqual([
      { start: 0x10000, last: 0x107ff },
      { start: 0x30400, last: 0x30fff },
    ]);
  });

  it("unmap invalidates one aligned block of four pages, pins are those of the struct pages", () => {
    expect(mapped.invalidations).toEqual([
      { iova: 0xffffc000, bytes: 0x3000, command: "PSI 0xffffc000 AM=2", wanted: 3, pages: 4 },
    ]);
    expect(mapped.mapCost).toMatchObject({ ptesWritten: 3, tablesAllocated: 4, treeOps: 1 });
    expect(mapped.unmapCost).toMatchObject({ ptesCleared: 3, invalidations: 1 });
    expect(shown.pins).toEqual({ pages: 2, pageless: [1] });
  });
});

describe("directions and page sizes", () => {
  it.each([
    ["TO", "R", "0000000000100001"],
    ["FROM", "W", "0000000000100002"],
    ["BIDI", "RW", "0000000000100003"],
  ])("%s", (dir, access, word) => {
    expect(preview(["ram0+0+4k"], { dir }).entries[0]?.pages[0]).toMatchObject({ access, word });
  });

  it("aligned memory takes large pages, in runs", () => {
    const [entry] = preview(["ram0+1M+4M"]).entries;
    expect(entry?.pages).toEqual([
      {
        iova: 0xffc00000,
        phys: 0x200000,
        pageBytes: 2 ** 21,
        count: 2,
        word: "0000000000200082",
        access: "W",
        shared: false,
      },
    ]);
  });

  it("an entry that begins inside a large page says so", () => {
    const { entries } = preview(["ram0+1M+1M", "ram0+2M+1M"]);
    expect(entries.map((entry) => entry.pages.map((run) => [run.pageBytes, run.shared]))).toEqual([
      [[2 ** 21, false]],
      [[2 ** 21, true]],
    ]);
  });

  it("IOVA ranges stay out of the host bridge's windows and of the interrupt range", () => {
    const iova = mappedOf(preview(pagesApart(2, 8192).map((entry) => entry.replace("4k", "32M")))).iova;
    expect(iova?.start).toBeLessThan(0xfee00000 - 2 ** 26);
    expect(iova?.start).toBeGreaterThanOrEqual(0xa0000000);
  });
});

describe("why neighbours are joined or not", () => {
  const reasons = (entries: string[], words = {}) =>
    mappedOf(preview(entries, words)).seams.map(({ joined, reason }) => `${joined ? "+" : "-"}${reason}`);

  it("page rules", () => {
    expect(reasons(["ram0+0+0x800", "ram0+64k+4k", "ram0+128k+4k", "ram0+0x30100+0x400"])).toEqual([
      "-ends inside a page",
      "+page seam",
      "-starts inside a page",
    ]);
  });

  it("max_seg cuts, and wraps once an entry is longer than it", () => {
    expect(reasons(["ram0+0+32k", "ram0+32k+32k", "ram0+64k+4k"], { maxSeg: "64k" })).toEqual([
      "+page seam",
      "-max_seg",
    ]);
    const long = ["ram0+0+128k", "ram0+256k+4k"];
    expect(reasons(long, { maxSeg: "64k" })).toEqual(["+unsigned wrap"]);
    expect(reasons(long, { maxSeg: "64k", defects: "corrected" })).toEqual(["-max_seg"]);
  });

  it("a boundary cuts where the IOVA stands on it", () => {
    expect(reasons(["ram0+0+64k", "ram0+128k+64k"], { boundary: "0xffff" })).toEqual(["-boundary"]);
  });

  it("4.1 and dma-direct join nothing", () => {
    expect(reasons(MIXED, { era: "4.1" })).toEqual(["-one by one", "-one by one"]);
    expect(reasons(MIXED, { dev: "nvme2" })).toEqual(["-one by one", "-one by one"]);
  });
});

describe("other paths", () => {
  it("lazy: no invalidation before unmap returns, and nothing leaks", () => {
    expect(mappedOf(preview(MIXED, { dev: "nvme1" })).invalidations).toEqual([]);
  });

  it("a 32-bit device without translation bounces what lies above its mask", () => {
    const shown = preview(["ram0+0x10800+0x800", "ram1+0x100+6000"], { dev: "capture0" });
    const mapped = mappedOf(shown);
    expect(mapped.segments.map(({ space, dmaAddr }) => [space, dmaAddr])).toEqual([
      ["phys", 0x110800],
      ["bounce", 0x7c000000],
    ]);
    expect(shown.entries[0]?.bounce).toBeNull();
    expect(shown.entries[1]?.bounce).toEqual({
      tlb: 0x7c000000,
      area: 0,
      slot: 0,
      slots: 3,
      padSlots: 0,
      offset: 0,
      copiedIn: 6000,
      copiedOut: 6000,
    });
    expect(mapped.exposure).toMatchObject({ reach: "everything", limit: 0xffffffff });
  });

  it("padding slots keep the offset that min_align_mask asks for", () => {
    const [entry] = preview(["ram1+0xa10+1k"], { dev: "capture0", minAlignMask: "0xfff" }).entries;
    expect(entry?.bounce).toMatchObject({ tlb: 0x7c000a10, slot: 1, slots: 1, padSlots: 0, offset: 0x210 });
  });

  it("an untrusted device sees zeroed slots, never its neighbours' bytes", () => {
    const shown = preview(["ram0+0x100+0x300", "ram0+4k+4k"], { set: { "devices.nvme0.untrusted": true } });
    const mapped = mappedOf(shown);
    expect(shown.entries.map((entry) => entry.bounce !== null)).toEqual([true, false]);
    expect(mapped.exposure).toMatchObject({ reach: "pages", padding: true });
    expect(mapped.iova).toBeNull();
    expect(mapped.invalidations).toHaveLength(2);
  });

  it("peer memory: a bus address below one switch, an IOVA through the host bridge", () => {
    const below = preview(["bar:nvme3+0+4k", "ram0+0+4k"], { dev: "nvme2" });
    expect(below.entries.map(({ space, via }) => [space, via])).toEqual([
      ["bus", "below sw0"],
      ["phys", null],
    ]);
    expect(mappedOf(below).exposure.peers).toEqual(["bar:nvme3"]);
    const across = preview(["bar:nvme3+0+4k"], { dev: "nvme0" }).entries[0];
    expect(across).toMatchObject({ space: "iova", via: "through the host bridge" });
  });

  it("cache lines of a device that does not snoop; page-less entries are left alone", () => {
    const { cache } = mappedOf(preview(["ram@0x1010+0x100", "pfn:0x10+4k"], { machine: "soc-30bit", dir: "FROM" }));
    expect(cache).toEqual({ coherent: false, linesAtMap: 5, linesAtUnmap: 5, skipped: [1] });
    const synced = preview(["ram@0x1010+0x100"], { machine: "soc-30bit", attr: "skip-cpu-sync" });
    expect(mappedOf(synced).cache.linesAtMap).toBe(0);
  });

  it("a confidential guest shows its pool and nothing else, and has no other path", () => {
    const shown = survey(["ram0+0x100+3k"], { machine: "confidential-vm" });
    expect(mappedOf(shown.preview).exposure.reach).toBe("pool");
    expect(shown.elsewhere).toEqual([]);
  });

  it("the same list elsewhere", () => {
    const { elsewhere } = survey(MIXED);
    const told = elsewhere.map(({ name, current, segments, refusal }) => [name, current, segments, refusal?.entry]);
    expect(told).toEqual([
      ["direct", false, 3, undefined],
      ["iommu strict", true, 1, undefined],
      ["iommu lazy", false, 1, undefined],
      ["swiotlb=force", false, null, 1],
    ]);
  });

  it("2048 entries map and unmap without a leak", () => {
    const mapped = mappedOf(preview(pagesApart(2048, 8192)));
    expect(mapped.segments).toHaveLength(1);
    expect(mapped.iova?.pages).toBe(2048);
  });
});

describe("invalidations in the words of the IOMMU", () => {
  it("AMD-Vi encodes the block's size in the address", () => {
    const words = { machine: "desktop-gpu-256m", dev: "nvme0", set: { "iommu.mode": "strict" } };
    const [call] = mappedOf(preview(["ram0+0+12k"], words)).invalidations;
    expect(call).toMatchObject({ command: "INVALIDATE_IOMMU_PAGES 0xffffd001", wanted: 3, pages: 4 });
  });

  it("SMMUv3 names the range", () => {
    const [call] = mappedOf(preview(["ram0+0+12k"], { machine: "arm-smmu-8nvme" })).invalidations;
    expect(call).toMatchObject({ command: "1 × TLBI from 0xffffc000", wanted: 3, pages: 3 });
  });
});
