/** What a machine's memory map means for struct pages: sections, collisions, padding and the cost of the memmap. */
import { alignDownWide, PAGE_BYTES } from "../../base/addr.ts";
import type { DmaDevice } from "../../host/dma/device.ts";
import { addressingLimited, dmaLimit, requiredMask } from "../../host/dma/limits.ts";
import { memoryBlockBytes } from "../../memory/memory_block.ts";
import {
  type NamespaceMap,
  type NamespacePlan,
  planNamespace,
  SECTION_RULES,
  type SectionRule,
} from "../../memory/namespace.ts";
import { memmapBytes, SECTION_BYTES } from "../../memory/zone_device.ts";
import { System } from "../system.ts";
import type { Machine, MemoryRegion } from "./description.ts";

/** One region of the map; byte counts. */
export interface RegionView {
  readonly name: string;
  readonly kind: MemoryRegion["kind"];
  readonly start: number;
  readonly bytes: number;
  readonly memmap: MemoryRegion["memmap"];
  /** Sections of 128 MiB that it touches, and how far into one it starts and ends; 0 = at a border. */
  readonly sections: number;
  readonly startInSection: number;
  readonly endInSection: number;
  /** Regions that share one of its sections. */
  readonly shares: readonly string[];
  /** Struct pages, always in System RAM for RAM and for `zone-device` regions of a machine description. */
  readonly memmapBytes: number;
}

/** What one kernel makes of a persistent region as one namespace. */
export interface NamespaceView {
  readonly region: string;
  readonly rule: SectionRule;
  readonly map: NamespaceMap;
  readonly plan: NamespacePlan;
}

/** How far a device reaches into the RAM that is there. */
export interface ReachView {
  readonly device: string;
  /** Last address that it drives, and the mask that all of RAM needs; inclusive. */
  readonly limit: number;
  readonly requiredMask: number;
  readonly way: "translated" | "direct" | "bounces above its limit" | "bounces outside its window" | "unreachable";
}

/** Everything that `inspect memory` shows. */
export interface MemoryView {
  readonly machine: string;
  readonly era: string;
  readonly sectionBytes: number;
  readonly blockBytes: number;
  readonly ramBytes: number;
  readonly memmapInRamBytes: number;
  readonly regions: readonly RegionView[];
  readonly namespaces: readonly NamespaceView[];
  readonly devices: readonly ReachView[];
}

/** Looks at every region, and at every device's reach. */
export function memoryView(machine: Machine): MemoryView {
  const { memory } = machine;
  const regions = memory.map((region) => regionView(region, memory));
  const ram = memory.filter(({ memmap }) => memmap === "ram");
  return {
    machine: machine.name,
    era: machine.era,
    sectionBytes: SECTION_BYTES,
    blockBytes: memoryBlockBytes(endOf(ram)),
    ramBytes: ram.reduce((sum, { bytes }) => sum + bytes, 0),
    memmapInRamBytes: regions.reduce((sum, region) => sum + region.memmapBytes, 0),
    regions,
    namespaces: memory.filter(({ kind }) => kind === "pmem").flatMap((region) => namespacesOf(region, memory)),
    devices: reachOf(machine, endOf(ram)),
  };
}

/** How every device of `machine` reaches RAM that ends at `ramEnd`. */
export function reachOf(machine: Machine, ramEnd: number): ReachView[] {
  const system = new System(machine);
  return machine.devices.map(({ name }, index) => reach(name, system.devices[index] as DmaDevice, ramEnd - PAGE_BYTES));
}

function reach(name: string, device: DmaDevice, lastRamPage: number): ReachView {
  const limited = device.domain === null && addressingLimited(device, lastRamPage);
  return {
    device: name,
    limit: dmaLimit(device),
    requiredMask: requiredMask(device, lastRamPage),
    way: wayOf(device, limited),
  };
}

/** `limited`: some RAM is out of the device's reach. A fixed window onto memory (dma-ranges) does not grow with it. */
function wayOf(device: DmaDevice, limited: boolean): ReachView["way"] {
  if (device.domain !== null) return "translated";
  if (!limited) return "direct";
  if (device.pool === null) return "unreachable";
  return device.dmaRanges === null ? "bounces above its limit" : "bounces outside its window";
}

function endOf(regions: readonly MemoryRegion[]): number {
  return regions.reduce((end, { start, bytes }) => Math.max(end, start + bytes), 0);
}

function regionView(region: MemoryRegion, all: readonly MemoryRegion[]): RegionView {
  const { name, kind, start, bytes, memmap } = region;
  const first = alignDownWide(start, SECTION_BYTES);
  const last = alignDownWide(start + bytes - 1, SECTION_BYTES);
  const shares = all.filter((other) => other !== region && touches(other, first, last + SECTION_BYTES));
  return {
    name,
    kind,
    start,
    bytes,
    memmap,
    sections: (last - first) / SECTION_BYTES + 1,
    startInSection: start - first,
    endInSection: start + bytes - alignDownWide(start + bytes, SECTION_BYTES),
    shares: shares.map((other) => other.name),
    memmapBytes: memmap === "none" ? 0 : memmapBytes(bytes, PAGE_BYTES),
  };
}

function touches({ start, bytes }: MemoryRegion, from: number, to: number): boolean {
  return start < to && start + bytes > from;
}

function namespacesOf(region: MemoryRegion, all: readonly MemoryRegion[]): NamespaceView[] {
  const range = ({ name, start, bytes }: MemoryRegion) => ({ name, start, end: start + bytes });
  const ram = all.filter(({ memmap }) => memmap === "ram").map(range);
  const neighbours = all.filter((other) => other !== region && other.memmap === "zone-device").map(range);
  const { name, start, bytes } = region;
  const maps: readonly NamespaceMap[] = ["mem", "dev"];
  return SECTION_RULES.flatMap((rule) =>
    maps.map((map) => ({
      region: name,
      rule,
      map,
      plan: planNamespace(rule, { name, start, bytes, map, alignBytes: 2 ** 21, ram, neighbours }),
    })),
  );
}
