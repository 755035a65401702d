/** Cross-checks of the bus-address ranges of a device. */
import { ADDR_LIMIT, hex, lowBits, PAGE_BYTES } from "../../base/addr.ts";
import type { DmaRange } from "../../host/dma/range_map.ts";
import type { Device } from "./description.ts";
import { firstFault, formatRange, type MachineFault } from "./fault.ts";

/** First range that is no range of whole pages below 2^52, or that shares addresses of either side with one before it. */
export function unsoundDmaRanges(device: Device, index: number): MachineFault | undefined {
  const ranges = device.dmaRanges ?? [];
  return firstFault(ranges, (range, at) => {
    const path = ["devices", index, "dma_ranges", at];
    return notPages(range, path) ?? tooHigh(range, path) ?? overlap(ranges.slice(0, at), range, path);
  });
}

function notPages({ cpuStart, dmaStart, bytes }: DmaRange, path: MachineFault["path"]): MachineFault | undefined {
  const sides = { cpu: cpuStart, bus: dmaStart, size: bytes };
  for (const [key, value] of Object.entries(sides)) {
    if (lowBits(value, PAGE_BYTES) === 0) continue;
    return {
      code: "DMASIM_MACHINE_DMA_RANGE",
      path: [...path, key],
      what: "a dma-range consists of whole pages",
      value: hex(value),
      limit: `a multiple of ${PAGE_BYTES}`,
      remedy: `use ${hex(value - lowBits(value, PAGE_BYTES))}`,
    };
  }
  return undefined;
}

function tooHigh({ cpuStart, dmaStart, bytes }: DmaRange, path: MachineFault["path"]): MachineFault | undefined {
  if (Math.max(cpuStart, dmaStart) + bytes <= ADDR_LIMIT) return undefined;
  return {
    code: "DMASIM_MACHINE_DMA_RANGE",
    path: [...path, "size"],
    what: "this dma-range runs past the last address",
    value: hex(bytes),
    limit: "cpu + size and bus + size at most 2^52",
    remedy: "make it smaller, or move it down",
  };
}

function overlap(earlier: readonly DmaRange[], range: DmaRange, path: MachineFault["path"]): MachineFault | undefined {
  for (const [key, startOf] of Object.entries(SIDES)) {
    const meets = (other: DmaRange) =>
      startOf(other) < startOf(range) + range.bytes && startOf(range) < startOf(other) + other.bytes;
    const other = earlier.find(meets);
    if (other === undefined) continue;
    return {
      code: "DMASIM_MACHINE_DMA_RANGE",
      path: [...path, key],
      what: `dma-ranges share ${key} addresses`,
      value: formatRange(startOf(range), range.bytes),
      limit: `another is ${formatRange(startOf(other), other.bytes)}`,
      remedy: "move one of them, or make the first smaller",
    };
  }
  return undefined;
}

const SIDES: Readonly<Record<string, (range: DmaRange) => number>> = {
  cpu: ({ cpuStart }) => cpuStart,
  bus: ({ dmaStart }) => dmaStart,
};
