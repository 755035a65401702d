import { describe, expect, it } from "vitest";
import { mapReportJson } from "#dmasim/report/map/json.js";
import { mappedOf, preview, refusalOf, survey } from "../../../support/mapping.ts";
import { edit, withMachineFile } from "../machine/machine_file.ts";

const BOARD = `name: board
title: A bus with an offset
arch: arm64
kernel: { era: "6.12" }
cpus: { cores_per_socket: 2, vendor: arm }
memory:
  - { name: bank0, start: 0x80000000, size: 256MiB }
  - { name: bank1, start: 0x100000000, size: 256MiB }
swiotlb: { size: 16MiB, start: 0x88000000 }
devices:
  - { name: mmc0, class: soc, dma_ranges: [{ cpu: 0x80000000, bus: 0x10000000, size: 256MiB }] }
  - { name: uart, class: soc, bars: [{ index: 0, start: 0xfe000000, size: 4k }] }
`;
const onBoard = <T>(use: (machine: string) => T, text = BOARD) => withMachineFile(text, use);

describe("a preview behind dma-ranges", () => {
  it("shows bus addresses, bounce slots among them, and what the bus reaches", () => {
    const seen = onBoard((machine) => preview(["ram@0x80001000+8k", "ram@0x100000000+4k"], { machine }));
    const { segments, exposure } = mappedOf(seen);
    expect(segments).toMatchObject([
      { dmaAddr: 0x10001000, space: "window" },
      { dmaAddr: 0x18000000, space: "bounce" },
    ]);
    expect(seen.entries[1]?.bounce).toMatchObject({ tlb: 0x88000000, copiedIn: 4096 });
    expect(exposure).toMatchObject({ reach: "everything", limit: 0x1fffffff, bytes: 2 ** 28 - 8192 });
  });

  it("refuses what no range shows in the kernel's words, with and without a pool", () => {
    const refuse = (from: string, to: string) =>
      onBoard((machine) => refusalOf(preview(["ram@0x100000000+4k"], { machine })), BOARD.replace(from, to));
    expect(refuse("size: 16MiB, start: 0x88000000", "size: 0")).toMatchObject({
      name: "address outside the device's dma-ranges",
      comparison: "0x100000000 lies in no dma-range of the device",
      kernelLines: ["DMA addr 0xffffffffffffffff+4096 overflow (mask ffffffff, bus limit 1fffffff)."],
    });
    const hidden = refuse("start: 0x88000000", "start: 0x108000000, any: true");
    expect(hidden.kernelLines[0]).toMatch(/^swiotlb buffer is full/);
    expect(hidden.comparison).toContain("no dma-range of the device shows the pool at 0x108000000");
  });

  it("names the ranges in JSON", () => {
    const json = onBoard((machine) => mapReportJson(survey(["ram@0x80001000+8k"], { machine })));
    expect(json).toMatchObject({
      request: { dmaRanges: [{ cpuStart: "0x80000000", dmaStart: "0x10000000", bytes: 2 ** 28 }] },
      mapped: { segments: [{ dmaAddr: "0x10001000" }] },
    });
  });

  it("keeps IOVAs out of the gaps of a PCI device's ranges", () => {
    const ranges = "[{ cpu: 0x100000, bus: 0x10000, size: 64k }, { cpu: 0x200000, bus: 0x30000, size: 64k }]";
    const text = edit("class: nvme\n", `class: nvme\n    dma_ranges: ${ranges}\n`);
    const start = (bytes: string) =>
      withMachineFile(text, (machine) => mappedOf(preview([`ram@0x1000000+${bytes}`], { machine })).iova?.start);
    expect(start("64k")).toBe(0x30000);
    expect(withMachineFile(text, (machine) => refusalOf(preview(["ram@0x1000000+68k"], { machine })).name)).toBe(
      "IOVA space exhausted",
    );
  });
});

describe("dma_map_resource in a preview", () => {
  it("maps MMIO at its own address, without pins, pool or caches", () => {
    const seen = onBoard((machine) =>
      survey(["bar:uart+0x10+4", "bar:uart+0x20+4"], { machine, dev: "uart", resource: true }),
    );
    const { segments, seams, cache } = mappedOf(seen.preview);
    expect(segments.map(({ dmaAddr, space }) => [dmaAddr, space])).toEqual([
      [0xfe000010, "phys"],
      [0xfe000020, "phys"],
    ]);
    expect(seams[0]?.why).toBe("dma_map_resource maps every range by itself");
    expect([seen.preview.pins.pages, cache.linesAtMap, seen.archs]).toEqual([0, 0, []]);
    expect(seen.evidence.map(({ path }) => path)).toEqual(["resource"]);
    expect(seen.notes).toEqual([]);
  });

  it("never bounces: a bus limit below it is the end", () => {
    const seen = onBoard((machine) => preview(["bar:uart+0x10+4"], { machine, dev: "mmc0", resource: true }));
    expect(refusalOf(seen)).toMatchObject({
      comparison: "0xfe000010 + 4 - 1 > bus limit 0x1fffffff",
      remedy: expect.stringContaining("MMIO never bounces"),
    });
  });

  it("takes an IOVA for each entry behind an IOMMU, and notes struct pages", () => {
    const seen = survey(["bar:nvme3+0x10+4", "bar:nvme3+0x1000+8"], { dev: "nvme0", resource: true });
    const { segments, iova, invalidations } = mappedOf(seen.preview);
    expect([segments.length, iova, invalidations.length]).toEqual([2, null, 2]);
    expect(seen.preview.entries.map(({ pages }) => pages[0]?.phys)).toEqual([0x210010000000, 0x210010001000]);
    expect(seen.notes[0]).toMatch(/has struct pages/);
  });

  it("does not exist in 4.1", () => {
    const ask = (words: object) => () => preview(["bar:nvme3+0+4"], { resource: true, ...words });
    expect(ask({ era: "4.1" })).toThrow(/no dma_map_resource/);
    expect(ask({ arch: "all" })).toThrow(/no dma_map_resource/);
  });
});
