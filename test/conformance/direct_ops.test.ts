import { describe, expect, it } from "vitest";
import { SIM_OPS } from "#dmasim/sim/check/ops.js";
import { runCases } from "#dmasim/sim/check/runner.js";

const MAP = [{ cpu: "0x80000000", dma: "0x0", size: "0x40000000" }];
const statusOf = (op: string, given: object, expected: object) => {
  const each = { id: "x", area: "dma-direct", op, given: { op, ...given }, expect: expected, source: "6.12" };
  const [result] = runCases([each], SIM_OPS).cases;
  return { status: result?.status, diff: result?.diff };
};
const PASSED = { status: "passed", diff: undefined };

describe("cases of dma-direct over a range map", () => {
  it("dma_map_phys and dma_get_required_mask take it", () => {
    const page = { mask_bits: 32, size: 4096, map: MAP };
    expect(statusOf("dma_map_phys", { ...page, phys: "0x80001000" }, { results: ["0x1000"] })).toEqual(PASSED);
    expect(
      statusOf(
        "dma_map_phys",
        { ...page, phys: "0x1000", swiotlb_active: [false, true], pool_start: "0x88000000" },
        {
          results: ["DMA_MAPPING_ERROR", "0x8000000"],
          warning_when_no_swiotlb: "DMA addr 0xffffffffffffffff+4096 overflow (mask ffffffff, bus limit 0).",
        },
      ),
    ).toEqual(PASSED);
    expect(
      statusOf("dma_get_required_mask", { highest_ram_page: "0xbffff000", map: MAP }, { mask: "0x3fffffff" }),
    ).toEqual(PASSED);
  });

  it("dma_map_resource leaves it alone, and looks at struct pages with dma-debug only", () => {
    const mmio = { mask_bits: 32, phys: "0xfe201004", size: 4, map: MAP };
    expect(statusOf("dma_map_resource", { ...mmio, swiotlb_active: true }, { result: "0xfe201004" })).toEqual(PASSED);
    expect(statusOf("dma_map_resource", { ...mmio, pfn_valid: true }, { result: "0xfe201004" })).toEqual(PASSED);
    expect(
      statusOf("dma_map_resource", { ...mmio, pfn_valid: true, debug: true }, { result: "DMA_MAPPING_ERROR" }),
    ).toEqual(PASSED);
    expect(
      statusOf("dma_map_resource", { ...mmio, mask_bits: 30, swiotlb_active: true }, { result: "DMA_MAPPING_ERROR" }),
    ).toEqual(PASSED);
  });
});
