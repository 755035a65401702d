/** Cross-checks of physical addresses: regions, host-bridge windows and BARs share one address space. */
import { ADDR_LIMIT, alignDown, alignDownWide, hex, isPow2, lowBits, PAGE_BYTES } from "../../base/addr.ts";
import type { Era } from "../../base/era.ts";
import { formatBytes } from "../../base/units.ts";
import type { DocumentPath } from "../override.ts";
import type { Bar, Machine, MemoryRegion } from "./description.ts";
import { firstFault, formatRange, type MachineFault } from "./fault.ts";

const MIB = 1024 * 1024;

/** First fault of memory regions, windows and BARs; undefined when all are sound. */
export function checkMemory(machine: Machine): MachineFault | undefined {
  return (
    missingRam(machine) ??
    firstFault(machine.memory, unalignedRegion) ??
    firstFault(machine.memory, (region, index) => unalignedZoneDevice(region, index, machine.era)) ??
    firstFault(machine.devices, (device, index) =>
      firstFault(device.bars, (bar, barIndex) => unsoundBar(bar, ["devices", index, "bars", barIndex])),
    ) ??
    firstFault(machine.bridges, (bridge, index) =>
      firstFault(bridge.windows, (window, at) =>
        unalignedPages(window.start, window.bytes, ["pcie", index, "windows", at]),
      ),
    ) ??
    overlap(memoryRanges(machine).concat(barRanges(machine))) ??
    overlap(memoryRanges(machine).concat(windowRanges(machine)))
  );
}

function missingRam(machine: Machine): MachineFault | undefined {
  if (machine.memory.some((region) => region.kind === "ram")) return undefined;
  return {
    code: "DMASIM_MACHINE_NO_RAM",
    path: ["memory"],
    what: "this machine has no RAM",
    value: machine.memory.map((region) => region.name),
    limit: "at least one region of kind ram",
    remedy: "add one, e.g. {name: ram0, start: 0x100000, size: 2GiB}",
  };
}

function unalignedRegion(region: MemoryRegion, index: number): MachineFault | undefined {
  return unalignedPages(region.start, region.bytes, ["memory", index]);
}

function unalignedPages(start: number, bytes: number, path: DocumentPath): MachineFault | undefined {
  const startLow = lowBits(start, PAGE_BYTES) !== 0;
  if (startLow || lowBits(bytes, PAGE_BYTES) !== 0) {
    return {
      code: "DMASIM_MACHINE_UNALIGNED",
      path: [...path, startLow ? "start" : "size"],
      what: "this range does not consist of whole pages",
      value: startLow ? hex(start) : bytes,
      limit: `a multiple of ${PAGE_BYTES}`,
      remedy: `use ${hex(alignDown(startLow ? start : bytes, PAGE_BYTES))}`,
    };
  }
  return beyondLimit(start, bytes, path);
}

function beyondLimit(start: number, bytes: number, path: DocumentPath): MachineFault | undefined {
  if (start + bytes <= ADDR_LIMIT) return undefined;
  return {
    code: "DMASIM_MACHINE_ADDRESS_LIMIT",
    path: [...path, "size"],
    what: "this range ends beyond physical address space",
    value: formatRange(start, bytes),
    limit: `addresses are below 2^52 (${hex(ADDR_LIMIT)})`,
    remedy: "lower start or size",
  };
}

/** Alignment of struct pages made by memremap_pages: a sub-section since 5.3, a whole section before. */
function sectionBytes(era: Era): number {
  return era === "4.1" ? 128 * MIB : 2 * MIB;
}

function unalignedZoneDevice(region: MemoryRegion, index: number, era: Era): MachineFault | undefined {
  if (region.memmap !== "zone-device") return undefined;
  return unalignedSection(region.start, region.bytes, ["memory", index], era);
}

function unalignedSection(start: number, bytes: number, path: DocumentPath, era: Era): MachineFault | undefined {
  const section = sectionBytes(era);
  const startLow = lowBits(start, section) !== 0;
  if (!startLow && lowBits(bytes, section) === 0) return undefined;
  return {
    code: "DMASIM_MACHINE_SECTION_ALIGNMENT",
    path: [...path, startLow ? "start" : "size"],
    what: "struct pages cannot be made for part of a section",
    value: startLow ? hex(start) : bytes,
    limit: `a multiple of ${formatBytes(section)} in kernel era ${era}`,
    remedy: "align it, or use memmap: none",
  };
}

function unsoundBar(bar: Bar, path: DocumentPath): MachineFault | undefined {
  if (!isPow2(bar.bytes)) {
    return {
      code: "DMASIM_MACHINE_BAR_SIZE",
      path: [...path, "size"],
      what: "the size of a BAR is a power of two",
      value: bar.bytes,
      limit: "16, 32, 64, ...",
      remedy: "round it up to the next power of two",
    };
  }
  if (alignDownWide(bar.start, bar.bytes) !== bar.start) {
    return {
      code: "DMASIM_MACHINE_BAR_ALIGNMENT",
      path: [...path, "start"],
      what: "a BAR is aligned to its size",
      value: hex(bar.start),
      limit: `a multiple of ${formatBytes(bar.bytes)}`,
      remedy: `use ${hex(alignDownWide(bar.start, bar.bytes))}`,
    };
  }
  const limit = beyondLimit(bar.start, bar.bytes, path);
  if (limit !== undefined || bar.memmap === "none") return limit;
  // P2PDMA pages came with 4.20; in era 4.1 routing refuses them whatever their alignment.
  return unalignedSection(bar.start, bar.bytes, path, "6.12");
}

interface NamedRange {
  readonly what: string;
  readonly start: number;
  readonly bytes: number;
  readonly path: DocumentPath;
}

function memoryRanges(machine: Machine): NamedRange[] {
  return machine.memory.map((region, index) => ({
    what: `memory ${region.name}`,
    start: region.start,
    bytes: region.bytes,
    path: ["memory", index, "start"],
  }));
}

function barRanges(machine: Machine): NamedRange[] {
  return machine.devices.flatMap((device, index) =>
    device.bars.map((bar, at) => ({
      what: `BAR ${bar.index} of ${device.name}`,
      start: bar.start,
      bytes: bar.bytes,
      path: ["devices", index, "bars", at, "start"],
    })),
  );
}

function windowRanges(machine: Machine): NamedRange[] {
  // Windows of ports lie inside those of their root complex.
  return machine.bridges.flatMap((bridge, index) =>
    (bridge.kind === "root-complex" ? bridge.windows : []).map((window, at) => ({
      what: `window of ${bridge.name}`,
      start: window.start,
      bytes: window.bytes,
      path: ["pcie", index, "windows", at, "start"],
    })),
  );
}

function overlap(ranges: readonly NamedRange[]): MachineFault | undefined {
  const rising = [...ranges].sort((one, other) => one.start - other.start);
  return firstFault(rising, (upper, index) => {
    const lower = rising[index - 1];
    if (lower === undefined || lower.start + lower.bytes <= upper.start) return undefined;
    return {
      code: "DMASIM_MACHINE_OVERLAP",
      path: upper.path,
      what: `${upper.what} overlaps ${lower.what}`,
      value: formatRange(upper.start, upper.bytes),
      limit: `${lower.what} takes ${formatRange(lower.start, lower.bytes)}`,
      remedy: `move ${upper.what} to ${hex(lower.start + lower.bytes)} or above`,
    };
  });
}
