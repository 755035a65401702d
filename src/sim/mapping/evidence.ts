/**
 * How sure the behaviour of a path is, by kernel era: what it was taken from, and which kernel function it is.
 *
 * compiled: kernel code was built in user space and gave these numbers. traced: recorded kernels did the same.
 * read: taken from the source. inferred: follows from neighbouring versions.
 */
import type { Era } from "../../base/era.ts";

/** What a statement rests on; several may hold at once. */
export type EvidenceLevel = "compiled" | "traced" | "read" | "inferred";

/** Path of a list through the kernel. */
export type EvidencePath = "iommu" | "untrusted" | "direct" | "resource" | "bounce" | "peer" | "invalidation" | "cache";

/** Evidence for one path. */
export interface EvidenceView {
  readonly path: EvidencePath;
  readonly levels: readonly EvidenceLevel[];
  /** Kernel function and file. */
  readonly source: string;
}

type Row = Readonly<Record<Era, EvidenceView>>;

function row(path: EvidencePath, of: Readonly<Record<Era, readonly [readonly EvidenceLevel[], string]>>): Row {
  const view = ([levels, source]: readonly [readonly EvidenceLevel[], string]) => ({ path, levels, source });
  return { "4.1": view(of["4.1"]), "6.1": view(of["6.1"]), "6.12": view(of["6.12"]), "7.x": view(of["7.x"]) };
}

const DMA_IOMMU = "iommu_dma_map_sg (drivers/iommu/dma-iommu.c)";
const DIRECT = "dma_direct_map_sg (kernel/dma/direct.c)";
const RESOURCE = "dma_map_resource (kernel/dma/mapping.c)";
const SWIOTLB = "swiotlb_tbl_map_single (kernel/dma/swiotlb.c)";
const P2PDMA = "pci_p2pdma_map_segment (drivers/pci/p2pdma.c)";
const UNTRUSTED = "iommu_dma_map_sg_swiotlb (drivers/iommu/dma-iommu.c)";

const TABLE: Readonly<Record<EvidencePath, Row>> = {
  iommu: row("iommu", {
    "4.1": [["read"], "intel_map_sg (drivers/iommu/intel-iommu.c)"],
    "6.1": [["read"], DMA_IOMMU],
    "6.12": [["compiled", "traced"], DMA_IOMMU],
    "7.x": [["read"], DMA_IOMMU],
  }),
  untrusted: row("untrusted", {
    "4.1": [["inferred"], "no such path in 4.1; as later kernels"],
    "6.1": [["read"], UNTRUSTED],
    "6.12": [["read"], UNTRUSTED],
    "7.x": [["read"], UNTRUSTED],
  }),
  direct: row("direct", {
    "4.1": [["read"], "nommu_map_sg (arch/x86/kernel/pci-nommu.c)"],
    "6.1": [["inferred"], DIRECT],
    "6.12": [["read", "traced"], DIRECT],
    "7.x": [["read"], DIRECT],
  }),
  resource: row("resource", {
    "4.1": [["inferred"], "no such call in 4.1; as later kernels"],
    "6.1": [["inferred"], RESOURCE],
    "6.12": [["inferred"], RESOURCE],
    "7.x": [["read"], RESOURCE],
  }),
  bounce: row("bounce", {
    "4.1": [["read"], "swiotlb_map_sg_attrs (lib/swiotlb.c)"],
    "6.1": [["read"], SWIOTLB],
    "6.12": [["compiled", "traced"], SWIOTLB],
    "7.x": [["compiled"], SWIOTLB],
  }),
  peer: row("peer", {
    "4.1": [["inferred"], "4.1 knows no peers; the BAR is mapped as memory"],
    "6.1": [["read"], P2PDMA],
    "6.12": [["read"], P2PDMA],
    "7.x": [["read", "traced"], "pci_p2pdma_state (drivers/pci/p2pdma.c)"],
  }),
  invalidation: row("invalidation", {
    "4.1": [["read"], "iommu_flush_iotlb_psi (drivers/iommu/intel-iommu.c)"],
    "6.1": [["inferred"], "iommu_flush_iotlb_psi (drivers/iommu/intel/iommu.c)"],
    "6.12": [["compiled", "traced"], "cache_tag_flush_range (drivers/iommu/intel/cache.c)"],
    "7.x": [["compiled"], "cache_tag_flush_range (drivers/iommu/intel/cache.c)"],
  }),
  cache: row("cache", {
    "4.1": [["read"], "arch/arm64/mm/dma-mapping.c"],
    "6.1": [["inferred"], "arch_sync_dma_for_device (arch/arm64/mm/dma-mapping.c)"],
    "6.12": [["inferred"], "arch_sync_dma_for_device (arch/arm64/mm/dma-mapping.c)"],
    "7.x": [["read"], "arch_sync_dma_for_device (arch/arm64/mm/dma-mapping.c)"],
  }),
};

function evidenceFor(path: EvidencePath, era: Era): EvidenceView {
  return TABLE[path][era];
}

/** The invalidation functions of IOMMUs that are not Intel's: read, never run. */
const OTHER_INVALIDATION: Readonly<Record<string, string>> = {
  "amd-vi": "amd_iommu_domain_flush_pages (drivers/iommu/amd/iommu.c)",
  smmuv3: "arm_smmu_tlb_inv_range_domain (drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c)",
};

/** Other IOMMU drivers of 4.1 have ops of their own, which the machines do not follow. */
const AS_INTEL: EvidenceView = Object.freeze<EvidenceView>({
  path: "iommu",
  levels: ["inferred"],
  source: "as intel_map_sg (drivers/iommu/intel-iommu.c)",
});

/** Evidence for every path that took part, in order of importance; `iommuKind` is the machine's. */
export function evidenceOf(paths: ReadonlySet<EvidencePath>, era: Era, iommuKind: string): readonly EvidenceView[] {
  const order: readonly EvidencePath[] = [
    "iommu",
    "untrusted",
    "direct",
    "resource",
    "bounce",
    "peer",
    "invalidation",
    "cache",
  ];
  return order
    .filter((path) => paths.has(path))
    .map((path) => {
      if (path === "iommu" && era === "4.1" && iommuKind !== "intel-vtd") return AS_INTEL;
      const other = path === "invalidation" ? OTHER_INVALIDATION[iommuKind] : undefined;
      return other === undefined ? evidenceFor(path, era) : { path, levels: ["read"], source: other };
    });
}
