/**
 * Offset between CPU and bus addresses of a bus without an IOMMU (struct bus_dma_region, dma-ranges).
 *
 * As in the kernel only an address is translated, never a length: memory that runs past the end of a range continues at
 * bus addresses that mean nothing, or something else.
 */
import { DMA_MAPPING_ERROR, type DmaAddr, hex, type Phys } from "../../base/addr.ts";

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

/** Hexadecimal text of a bus address; 64 ones for DMA_MAPPING_ERROR, as the kernel prints an address outside every range. */
export function busAddressText(dmaAddr: DmaAddr): string {
  return dmaAddr === DMA_MAPPING_ERROR ? "0xffffffffffffffff" : hex(dmaAddr);
}

/** Last bus address of the ranges, inclusive (dma_range_map_max): what a bus without a narrower limit carries. */
export function lastBusAddress(ranges: readonly DmaRange[]): DmaAddr {
  return Math.max(...ranges.map(({ dmaStart, bytes }) => dmaStart + bytes - 1));
}

/** True when every byte of [start, start + bytes) lies in some range (check_ram_in_range_map). */
export function rangesShow(ranges: readonly DmaRange[], start: Phys, bytes: number): boolean {
  const end = start + bytes;
  let at = start;
  while (at < end) {
    const range = ranges.find(({ cpuStart, bytes: length }) => at >= cpuStart && at < cpuStart + length);
    if (range === undefined) return false;
    at = range.cpuStart + range.bytes;
  }
  return true;
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
