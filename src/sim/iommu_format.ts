/**
 * Which page-table format a machine's IOMMU walks.
 *
 * ```
 * intel-vtd     second stage; levels by address width         kernel: what DMA domains of every era use
 * amd-vi        v1 tables; levels by address width
 * smmuv3        stage 1; granule = first page size
 * virtio-iommu  no tables: requests
 * ```
 */
import { amdV1 } from "../pagetable/amd_v1.ts";
import type { PageTableFormat } from "../pagetable/format.ts";
import { lpaeStage1 } from "../pagetable/lpae.ts";
import { virtioIommu } from "../pagetable/virtio.ts";
import { VTD_SECOND_LEVEL, vtdSecondLevel } from "../pagetable/vtd.ts";
import type { IommuDescription } from "./machine/description.ts";

const BITS_3_LEVELS = 39;
const BITS_4_LEVELS = 48;

/** The format; of a machine without IOMMU one that nothing uses. Throws nothing: the machine is checked. */
export function iommuFormat(iommu: IommuDescription): PageTableFormat {
  const shifts = iommu.pageBytes.map((bytes) => Math.log2(bytes));
  if (iommu.kind === "intel-vtd") return vtdSecondLevel(levelsOf(iommu.addressBits), shifts);
  if (iommu.kind === "amd-vi") return amdV1(levelsOf(iommu.addressBits), shifts);
  if (iommu.kind === "smmuv3") return lpaeStage1(shifts[0] as number, iommu.addressBits, shifts);
  if (iommu.kind === "virtio-iommu") return virtioIommu(iommu.addressBits, shifts);
  return VTD_SECOND_LEVEL;
}

function levelsOf(addressBits: number): number {
  if (addressBits <= BITS_3_LEVELS) return 3;
  return addressBits <= BITS_4_LEVELS ? 4 : 5;
}
