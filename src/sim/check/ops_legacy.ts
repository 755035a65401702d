/** Cases of the areas `legacy-*`: lists and table allocators of older architectures' IOMMUs. */
import { ALPHA_PCI } from "../../host/arch/alpha.ts";
import { alphaClasses, classifyAlpha } from "../../host/arch/alpha_classify.ts";
import { gpteEncode } from "../../host/arch/gart_aperture.ts";
import type { LinearTable } from "../../host/arch/linear_iommu.ts";
import { PARISC_CCIO, PARISC_SBA } from "../../host/arch/parisc.ts";
import { takeCcio, takeParisc } from "../../host/arch/parisc_resmap.ts";
import { mapOnArch } from "../../host/arch/table.ts";
import type { ArchRow } from "../../host/arch/types.ts";
import { ArchWork } from "../../host/arch/work.ts";
import type { Arena } from "../../shm/arena.ts";
import { requestOf, rowOf, tupleEntries, unitOf } from "./arch_request.ts";
import { failedAllocation } from "./compare.ts";
import { type Fields, type Given, UnreadableCase } from "./given.ts";
import type { OpTable } from "./runner.ts";
import type { CaseState } from "./state.ts";

/** Adapters of these areas. */
export const LEGACY_OPS: OpTable = {
  legacy_dma_map_sg: mapList,
  ccio_alloc_range_sequence: (given, state) => takeRanges(given, state, PARISC_CCIO, takeCcio),
  sba_search_bitmap_sequence: (given, state) => takeRanges(given, state, PARISC_SBA, takeParisc),
  sg_classify: classify,
  gpte_encode: (given) => ({ pte: gpteEncode(given.number("phys")) }),
};

function mapList(given: Given, state: CaseState): Fields {
  const row = rowOf(given.text("implementation"));
  const mapped = mapOnArch(row, requestOf(given, state, row, tupleEntries(given), "before"));
  return {
    ret: mapped.ret,
    segments: mapped.segments.map(({ dmaAddr, length }) => [dmaAddr, length]),
    message: mapped.message,
    panic: mapped.refusal?.site === "panic",
    tlb_flushes: mapped.tlbFlushes,
  };
}

type Take = (arena: Arena, table: LinearTable, pages: number, segBoundaryMask: number, work: ArchWork) => number;

/** First table entry of every range; a map without room makes the kernel panic. */
function takeRanges(given: Given, state: CaseState, row: ArchRow, take: Take): Fields {
  const ctx = state.context();
  const { table } = unitOf(given, state, ctx, row);
  if (table === null) throw new UnreadableCase(`${row.name} has no table`);
  const boundary = given.address("seg_boundary", 0xffffffff);
  const indexes = given.numbers("pages").map((pages) => {
    const index = take(state.arena, table, pages, boundary, new ArchWork(ctx.cost));
    return index < 0 ? failedAllocation() : index;
  });
  return { pdir_index: indexes };
}

/** The first pass over a list, with and without a TLB-invalidate hook. */
function classify(given: Given, state: CaseState): Fields {
  const classes = (mayJoin: boolean): Fields => {
    state.renew();
    const request = requestOf(given, state, ALPHA_PCI, tupleEntries(given), "before");
    classifyAlpha(request, request.sg, request.nents, mayJoin);
    return { ...alphaClasses(request) };
  };
  return { with_iommu: classes(true), without: classes(false) };
}
