import { describe, expect, it } from "vitest";
import { CostRecord } from "#dmasim/base/cost.js";
import { initIommuUnit } from "#dmasim/device/iotlb.js";
import { makeTranslation, translate } from "#dmasim/device/translate.js";
import { mapRange } from "#dmasim/pagetable/mapper.js";
import { VTD_SECOND_LEVEL } from "#dmasim/pagetable/vtd.js";
import { Arena } from "#dmasim/shm/arena.js";
import type { IommuDescription } from "#dmasim/sim/machine/description.js";
import { UnitInvalidation } from "#dmasim/sim/unit_invalidation.js";

const K4 = 4096;
const F = VTD_SECOND_LEVEL;
const NEAR = [0, 1, 2, 3, 4].map((page) => page * K4);
const FAR = 0x7000_0000;

/** Pages of the IOTLB that an invalidation of [iova, iova + bytes) leaves, of five near ones and one far away. */
function left(kind: IommuDescription["kind"], iova: number, bytes: number): number[] {
  const arena = Arena.create();
  const out = makeTranslation();
  initIommuUnit(arena, 0, 64, 8);
  const pages = [...NEAR, FAR];
  for (const page of pages) {
    mapRange(arena, 1, 0, F, page, 0x10_0000 + page, K4, 3, new CostRecord());
    translate(arena, 0, 0, F, page, true, out);
  }
  new UnitInvalidation(arena, kind).invalidatePages(0, 0, iova, bytes);
  return pages.filter((page) => translate(arena, 0, 0, F, page, true, out) === 0 && out.hit);
}

describe("what a unit drops", () => {
  it("is the aligned block on VT-d and AMD-Vi, the range elsewhere", () => {
    const wide = [4 * K4, FAR];
    expect(left("intel-vtd", K4, 2 * K4)).toEqual(wide);
    expect(left("amd-vi", K4, 2 * K4)).toEqual(wide);
    expect(left("smmuv3", K4, 2 * K4)).toEqual([0, 3 * K4, 4 * K4, FAR]);
    expect(left("virtio-iommu", K4, 2 * K4)).toEqual([0, 3 * K4, 4 * K4, FAR]);
  });

  it("is exact for aligned ranges", () => {
    expect(left("intel-vtd", 2 * K4, 2 * K4)).toEqual([0, K4, 4 * K4, FAR]);
    expect(left("intel-vtd", K4, K4)).toEqual([0, 2 * K4, 3 * K4, 4 * K4, FAR]);
    expect(left("amd-vi", K4, K4)).toEqual([0, 2 * K4, 3 * K4, 4 * K4, FAR]);
  });

  it("is the whole domain on VT-d when the block exceeds the largest mask", () => {
    const straddling = 2 ** 32 - K4;
    expect(left("intel-vtd", straddling, 2 * K4)).toEqual([]);
    expect(left("amd-vi", straddling, 2 * K4)).toEqual([]);
    expect(left("amd-vi", 2 ** 33 - K4, K4)).toEqual([...NEAR, FAR]);
    expect(left("smmuv3", straddling, 2 * K4)).toEqual([...NEAR, FAR]);
  });
});
