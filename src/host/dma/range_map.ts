/**
 * Offset between CPU and bus addresses of a bus without an IOMMU (struct bus_dma_region, dma-ranges).
 */
import { DMA_MAPPING_ERROR, type DmaAddr, type Phys } from "../../base/addr.ts";

/** CPU addresses [cpuStart, cpuStart + bytes) appear on the bus from dmaStart on. */
export interface DmaRange {
  readonly cpuStart: Phys;
  readonly dmaStart: DmaAddr;
  readonly bytes: number;
}

/** Bus address of `phys`; DMA_MAPPING_ERROR when no range holds it. Without ranges both are equal. */
export function physToDma(ranges: readonly DmaRange[] | null, phys: Phys): DmaAddr {
  if (ranges === null) return phys;
  for (let i = 0; i < ranges.length; i += 1) {
    const range = ranges[i] as DmaRange;
    const offset = phys - range.cpuStart;
    if (offset >= 0 && offset < range.bytes) return range.dmaStart + offset;
  }
  return DMA_MAPPING_ERROR;
}

/** Physical address behind a bus address; DMA_MAPPING_ERROR when no range holds it. */
export function dmaToPhys(ranges: readonly DmaRange[] | null, dmaAddr: DmaAddr): Phys {
  if (ranges === null) return dmaAddr as Phys;
  for (let i = 0; i < ranges.length; i += 1) {
    const range = ranges[i] as DmaRange;
    const offset = dmaAddr - range.dmaStart;
    if (offset >= 0 && offset < range.bytes) return range.cpuStart + offset;
  }
  return DMA_MAPPING_ERROR as Phys;
}
