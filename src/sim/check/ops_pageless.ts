/** Cases of the area `pageless-2015`: lists with entries that have no struct page, before and after the patches of 2015. */
import type { CacheOp } from "../../host/arch/operations.ts";
import { maskedTo32Bits, maskedWide, pageForms } from "../../host/arch/page_mask.ts";
import { mapOnArch, unmapOnArch } from "../../host/arch/table.ts";
import type { ArchRequest, Series } from "../../host/arch/types.ts";
import { DIR } from "../../host/dma/device.ts";
import { sgSetDma } from "../../host/dma/scatterlist.ts";
import { recordEntries, requestOf, rowOf } from "./arch_request.ts";
import { dmaSide } from "./entries.ts";
import type { Fields, Given } from "./given.ts";
import type { OpTable } from "./runner.ts";
import type { CaseState } from "./state.ts";

/** Adapters of the area. */
export const PAGELESS_OPS: OpTable = {
  dma_map_sg_template_b_arc_non_coherent: (given, state) => mapList(given, state, "arc"),
  dma_map_sg_openrisc_after_patch_26: (given, state) => mapList(given, state, "openrisc"),
  dma_map_sg_identity_phys_only_implementation_nommu: (given, state) => mapList(given, state, "x86-nommu"),
  dma_map_sg_nios2_entry_without_kernel_va_dma_address_preset_to_0xdead: presetAddress,
  dma_unmap_sg_mips_after_patch_27_non_coherent: unmapList,
  page_frame_of_an_address_with_a_32_bit_page_mask_zero_extended: (given) => ({
    wrong: maskedTo32Bits(given.number("phys"), given.number("mask")),
    right: maskedWide(given.number("phys"), given.number("mask")),
  }),
  coccinelle_rule_2_on_an_entry_with_offset_page_size: (given) => {
    const forms = pageForms(given.number("page_phys"), given.number("offset"), given.number("page_size", 4096));
    return {
      page_to_phys: forms.pageToPhys,
      sg_phys: forms.sgPhys,
      sg_phys_and_page_mask: forms.sgPhysAndPageMask,
      identical: forms.identical,
    };
  },
};

const PRESET = 0xdead;

function mapList(given: Given, state: CaseState, name: string): Fields {
  const row = rowOf(name);
  const mapped = mapOnArch(row, requestOf(given, state, row, recordEntries(given), "after"));
  return {
    ret: mapped.ret,
    dma: mapped.segments.map(({ dmaAddr }) => dmaAddr),
    cache_ops: mapped.cacheOps.map(cacheOpFields),
    message: mapped.message,
    skipped_flushes: mapped.skippedFlushes,
  };
}

/** One entry without page and virtual address, whose DMA side already holds something. */
function presetAddress(given: Given, state: CaseState): Fields {
  return { before_series: mapPreset(given, state, "before"), after_series: mapPreset(given, state, "after") };
}

function mapPreset(given: Given, state: CaseState, series: Series): Fields {
  const row = rowOf("nios2");
  const entry = { phys: given.number("phys"), length: given.number("length"), hasPage: given.flag("has_page") };
  const request = requestOf(given, state, row, [entry], series);
  sgSetDma(state.arena, request.sg, given.number("preset", PRESET), 0);
  const { ret } = mapOnArch(row, request);
  return { ret, dma: dmaSide(state.arena, request.sg, 1)[0]?.dma };
}

/** Maps, then unmaps; the operations of the unmap, and whether a mapping to the device has any. */
function unmapList(given: Given, state: CaseState): Fields {
  const row = rowOf("mips");
  const unmapOps = (change: Partial<ArchRequest>): readonly CacheOp[] => {
    const request = { ...requestOf(given, state, row, recordEntries(given), "after"), ...change };
    mapOnArch(row, request);
    return unmapOnArch(row, request).cacheOps;
  };
  return {
    cache_ops: unmapOps({}).map(cacheOpFields),
    to_device_would_do: unmapOps({ dir: DIR.toDevice }).length === 0 ? "nothing" : "cache operations",
  };
}

function cacheOpFields({ op, entry, bytes, addr }: CacheOp): Fields {
  return { entry, op, bytes, addr };
}
