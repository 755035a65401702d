import { describe, expect, it } from "vitest";
import { DIR } from "#dmasim/host/dma/device.js";
import { mapSg } from "#dmasim/host/dma/map.js";
import { type ArchBenchOptions, archBench, ranges } from "../../../support/arch.ts";
import { setUpDomain } from "../../../support/domain.ts";
import { makeContext, makeDevice } from "../../../support/host.ts";
import { listOf, PROBE_LISTS } from "../../../support/list.ts";

const PER_ENTRY = [3, 3, 3, 3, 3, 3, 3];
const PAGE_JOIN = [1, 3, 1, 1, 3, 1, 2];
const P4K = { pageBytes: 4096, iommuPageBytes: 4096 };

/** DMA entries for the seven probe lists, 4 KiB pages everywhere, 64 KiB segments, empty tables. */
const EXPECTED: readonly (readonly [string, string, ArchBenchOptions, readonly number[]])[] = [
  ["nommu", "x86-nommu", {}, PER_ENTRY],
  ["swiotlb", "x86-swiotlb", {}, PER_ENTRY],
  ["alpha noop", "alpha-noop", {}, PER_ENTRY],
  ["GART, reachable", "x86-gart", {}, PER_ENTRY],
  ["GART, above the mask", "x86-gart", { device: { dmaMask: 0xffff } }, PAGE_JOIN],
  ["alpha with SG hardware", "alpha-pci", { unit: P4K }, [1, 1, 1, 1, 3, 1, 2]],
  ["alpha without", "alpha-pci", { unit: { ...P4K, hasTlbHook: false, directBytes: 2 ** 30 } }, [1, 1, 3, 3, 3, 1, 2]],
  ["ia64 sba", "ia64-sba", { unit: P4K }, [1, 1, 1, 1, 3, 1, 2]],
  ["parisc ccio", "parisc-ccio", {}, [1, 3, 3, 3, 3, 1, 2]],
  ["parisc sba", "parisc-sba", {}, [1, 3, 3, 3, 3, 1, 2]],
  ["powerpc TCE 4K", "powerpc-iommu", {}, PAGE_JOIN],
  ["ARM IOMMU ops", "arm-iommu", {}, PAGE_JOIN],
  ["sparc64", "sparc64-iommu", { unit: P4K }, PAGE_JOIN],
  ["sun4v", "sparc64-sun4v", { unit: P4K }, PAGE_JOIN],
  ["intel 4.1", "intel-iommu", {}, PER_ENTRY],
  ["amd 4.1", "amd-iommu", {}, PER_ENTRY],
  ["calgary", "x86-calgary", {}, PER_ENTRY],
  ["sn2", "ia64-sn2", {}, PER_ENTRY],
  ["s390 4.1", "s390-pci", {}, PER_ENTRY],
  ["sparc32 iommu", "sparc32-iommu", {}, PER_ENTRY],
  ["sparc32 io-unit", "sparc32-io-unit", {}, PER_ENTRY],
  ["arc", "arc", {}, PER_ENTRY],
  ["mips", "mips", {}, PER_ENTRY],
];

describe("the seven probe lists", () => {
  for (const [label, name, options, want] of EXPECTED) {
    it(label, () => {
      const found = PROBE_LISTS.map((list) => archBench(name, options).map(ranges(list)).ret);
      expect(found).toEqual(want);
    });
  }

  it("iommu-dma, which all 64-bit machines use now", () => {
    const found = PROBE_LISTS.map((list) => {
      const ctx = makeContext();
      const domain = setUpDomain(ctx);
      return mapSg(ctx, makeDevice({ domain }), listOf(ctx.arena, list), list.length, DIR.toDevice, 0);
    });
    expect(found).toEqual(PAGE_JOIN);
  });

  it("keep every byte: segments add up to the list", () => {
    for (const [, name, options] of EXPECTED) {
      for (const list of PROBE_LISTS) {
        const bytes = archBench(name, options)
          .map(ranges(list))
          .segments.reduce((sum, segment) => sum + segment.length, 0);
        expect(bytes, name).toBe(list.reduce((sum, [, length]) => sum + length, 0));
      }
    }
  });
});
