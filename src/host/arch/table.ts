/**
 * One ops table per architecture: every dma_map_sg of kernel 4.1 as a row, and the calls that execute one.
 *
 * ```
 * const unit = openArch(ctx, row, slot, options)          the IOMMU instance, empty (open.ts)
 * mapOnArch(row, { ctx, unit, device, sg, nents, dir, series })
 * syncOnArch / unmapOnArch(row, the same request)         nents is the original count
 * ```
 * A list that the row cannot take is refused before anything is mapped: `ret` is the row's failure value and `refusal` says
 * why. What the kernel would do silently wrong is reported as a hazard.
 */
import { assert } from "../../base/assert.ts";
import { closestWord } from "../../base/closest.ts";
import { DmasimError } from "../../base/errors.ts";
import { sgDmaAddress, sgDmaLength } from "../dma/scatterlist.ts";
import { ALPHA_PCI } from "./alpha.ts";
import { AMD_IOMMU } from "./amd_iommu.ts";
import { ARM_IOMMU, ARM_MAP_PAGE } from "./arm.ts";
import { X86_CALGARY } from "./calgary.ts";
import { eachEntry } from "./entry.ts";
import { X86_GART } from "./gart.ts";
import { IA64_SBA } from "./ia64.ts";
import { IA64_SN2 } from "./ia64_sn2.ts";
import { INTEL_IOMMU } from "./intel_iommu.ts";
import { C6X, MICROBLAZE, MN10300, OPENRISC, TILE } from "./noncoherent_phys.ts";
import { ARC, AVR32, BLACKFIN, FRV, HEXAGON, METAG, MIPS, NIOS2, SH, XTENSA } from "./noncoherent_va.ts";
import { acceptsList, acceptsPages } from "./pageless.ts";
import { PARISC_CCIO, PARISC_PCXL, PARISC_SBA } from "./parisc.ts";
import { POWERPC_IOMMU, POWERPC_NONCOHERENT } from "./powerpc.ts";
import { S390_PCI } from "./s390.ts";
import { SPARC32_IO_UNIT, SPARC32_IOMMU } from "./sparc32.ts";
import { SPARC64_IOMMU, SPARC64_SUN4V } from "./sparc64.ts";
import { SPARC64_LDC } from "./sparc64_ldc.ts";
import type { ArchRequest, ArchResult, ArchRow, ArchSegment } from "./types.ts";
import { ArchWork } from "./work.ts";
import { ALPHA_NOOP, ARM64, X86_NOMMU, X86_SWIOTLB } from "./x86.ts";

/** Every row. */
export const ARCHITECTURES: readonly ArchRow[] = Object.freeze([
  X86_NOMMU,
  X86_SWIOTLB,
  X86_GART,
  X86_CALGARY,
  INTEL_IOMMU,
  AMD_IOMMU,
  ARM_MAP_PAGE,
  ARM_IOMMU,
  ARM64,
  ALPHA_PCI,
  ALPHA_NOOP,
  IA64_SBA,
  IA64_SN2,
  PARISC_CCIO,
  PARISC_SBA,
  PARISC_PCXL,
  POWERPC_IOMMU,
  POWERPC_NONCOHERENT,
  S390_PCI,
  SPARC64_IOMMU,
  SPARC64_SUN4V,
  SPARC64_LDC,
  SPARC32_IO_UNIT,
  SPARC32_IOMMU,
  ARC,
  AVR32,
  BLACKFIN,
  C6X,
  FRV,
  HEXAGON,
  METAG,
  MICROBLAZE,
  MIPS,
  MN10300,
  NIOS2,
  OPENRISC,
  SH,
  TILE,
  XTENSA,
]);

/** The row called `name`; throws a DmasimError that names the closest one. */
export function archNamed(name: string): ArchRow {
  const row = ARCHITECTURES.find((each) => each.name === name);
  if (row !== undefined) return row;
  const near = closestWord(
    name,
    ARCHITECTURES.map((each) => each.name),
  );
  throw new DmasimError({
    code: "DMASIM_ARCH_UNKNOWN",
    what: "unknown architecture",
    value: name,
    remedy: near === undefined ? "list the architectures" : `did you mean ${near}?`,
  });
}

/** dma_map_sg of the row: the DMA side of the list is written, everything done is in the result. */
export function mapOnArch(row: ArchRow, request: ArchRequest): ArchResult {
  const work = begin(row, request);
  if (!acceptsPages(row, request, work) || !acceptsList(row, request, work))
    return result(request, work, row.errors.ret);
  return result(request, work, row.ops.map(row, request, work));
}

/** dma_unmap_sg of the row, with the original `nents`; `ret` is 0. */
export function unmapOnArch(row: ArchRow, request: ArchRequest): ArchResult {
  const work = begin(row, request);
  if (acceptsList(row, request, work)) row.ops.unmap(row, request, work);
  return result(request, work, 0);
}

/** dma_sync_sg_for_cpu or _for_device of the row; `ret` is 0. */
export function syncOnArch(row: ArchRow, request: ArchRequest, forCpu: boolean): ArchResult {
  const work = begin(row, request);
  if (acceptsList(row, request, work)) row.ops.sync(row, request, work, forCpu);
  return result(request, work, 0);
}

function begin(row: ArchRow, request: ArchRequest): ArchWork {
  assert(request.unit.row === row.name, "a request's unit was opened for its row");
  request.ctx.cost.sgEntries += request.nents;
  return new ArchWork(request.ctx.cost);
}

function result(request: ArchRequest, work: ArchWork, ret: number): ArchResult {
  return {
    ret,
    segments: segmentsOf(request, ret),
    cacheOps: work.cacheOps,
    skippedFlushes: work.skippedFlushes,
    tableEntries: work.tableEntries,
    message: work.messages.join("\n"),
    refusal: work.refusal,
    tlbFlushes: work.tlbFlushes,
    repeatedFlushes: work.repeatedFlushes,
    lineReadModifyWrites: work.lineReadModifyWrites,
    hypercalls: work.hypercalls,
    hazards: work.hazards,
  };
}

/** DMA side of the first `ret` entries. */
function segmentsOf(request: ArchRequest, ret: number): ArchSegment[] {
  const { arena } = request.ctx;
  const segments: ArchSegment[] = [];
  eachEntry(request, (sg, entry) => {
    if (entry < ret) segments.push({ dmaAddr: sgDmaAddress(arena, sg), length: sgDmaLength(arena, sg) });
  });
  return segments;
}
