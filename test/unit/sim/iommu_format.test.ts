import { describe, expect, it } from "vitest";
import { FQ_PER_CPU } from "#dmasim/host/iommu/flush_queue.js";
import { iommuFormat } from "#dmasim/sim/iommu_format.js";
import type { IommuDescription } from "#dmasim/sim/machine/description.js";
import { System } from "#dmasim/sim/system.js";
import { BASE, edit, loadText } from "./machine/machine_file.ts";

const KIB = 1024;
const THREE = [4 * KIB, 2 * KIB ** 2, KIB ** 3];

function format(kind: IommuDescription["kind"], addressBits: number, pageBytes: readonly number[] = THREE): string {
  return iommuFormat({
    kind,
    mode: "strict",
    units: [],
    addressBits,
    pageBytes,
    forcedac: false,
    flushQueue: FQ_PER_CPU,
  }).name;
}

describe("the format of a machine's IOMMU", () => {
  it("follows kind, address width and granule", () => {
    expect([39, 48, 57].map((bits) => format("intel-vtd", bits))).toEqual([
      "vtd-second-level-3",
      "vtd-second-level-4",
      "vtd-second-level-5",
    ]);
    expect([39, 48, 57].map((bits) => format("amd-vi", bits))).toEqual(["amd-v1-3", "amd-v1-4", "amd-v1-5"]);
    expect(format("smmuv3", 48)).toBe("lpae-stage1-4k-48");
    expect(format("smmuv3", 44, [16 * KIB, 32 * KIB ** 2])).toBe("lpae-stage1-16k-44");
    expect(format("smmuv3", 52, [64 * KIB])).toBe("lpae-stage1-64k-52");
    expect(format("virtio-iommu", 48)).toBe("virtio-iommu");
  });

  it("is the same in the domains, with the page sizes that the hardware has", () => {
    for (const kind of ["intel-vtd", "amd-vi", "smmuv3", "virtio-iommu"]) {
      const system = new System(loadText(edit("kind: intel-vtd", `kind: ${kind}`)));
      const domain = system.devices[0]?.domain;
      expect(domain?.format).toBe(system.format);
      expect(domain?.pageShifts).toBe(system.format.pageShifts);
      expect(system.format.pageShifts.length).toBe({ "amd-vi": 35, "virtio-iommu": 36 }[kind] ?? 3);
    }
  });

  it("takes listed page sizes that its tables can hold", () => {
    const amd = (sizes: string, bits: number) =>
      loadText(edit("kind: intel-vtd", `kind: amd-vi\n  address_bits: ${bits}\n  page_sizes: [${sizes}]`));
    expect(new System(amd("4KiB, 2MiB", 39)).format.pageShifts).toEqual([12, 21]);
    expect(() => amd("4KiB, 1TiB", 39)).toThrow(/page sizes/);
  });

  it("needs the base machine to be VT-d", () => expect(BASE).toContain("kind: intel-vtd"));
});
