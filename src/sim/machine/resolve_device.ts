/** Resolves the devices of a machine: class defaults, place, PCI address, IOMMU unit. */

import { hex } from "../../base/addr.ts";
import { lastBusAddress } from "../../host/dma/range_map.ts";
import { type AssignedBars, assignBars, barKey } from "./assign_bars.ts";
import type { Bar, Device, DeviceMemory, DeviceService, Medium, ServiceFrom, UnassignedBar } from "./description.ts";
import { DEVICE_CLASSES, type DeviceDefaults, platformBoundaryMask, UNLIMITED_SERVICE } from "./device_classes.ts";
import { findBridge, linkOfDevice, nodeOfBridge, onlyUnit, unitOfBridge } from "./resolve_pcie.ts";
import type { MachineDocument } from "./schema.ts";
import type { DeviceDocument } from "./schema_device.ts";

/** Devices in the order of the document; `cpuCount` bounds the default number of queues. */
export function resolveDevices(document: MachineDocument, cpuCount: number): Device[] {
  const bdfs = assignBdfs(document);
  const assigned = assignBars(document);
  return document.devices.map((device, index) => ({
    name: device.name,
    class: device.class,
    preset: device.preset,
    bdf: bdfs[index] ?? "",
    ...resolvePlace(document, device),
    ...resolveDma(document, device, cpuCount),
    bars: device.bars.flatMap((bar) => resolveBar(device.name, bar, assigned)),
    unassigned: unassignedOf(device, assigned),
    memory: resolveMemory(device),
    medium: resolveMedium(device, DEVICE_CLASSES[device.class].medium),
    service: resolveService(device, DEVICE_CLASSES[device.class].service),
    serviceFrom: serviceFrom(device),
  }));
}

function resolvePlace(document: MachineDocument, device: DeviceDocument) {
  const port = findBridge(document, device.parent);
  const unitAbove = port === undefined ? onlyUnit(document) : unitOfBridge(document, port);
  return {
    parent: device.parent,
    node: device.node ?? nodeOfBridge(document, port),
    link: linkOfDevice(document, device),
    iommuUnit: device.iommu_unit === undefined ? unitAbove : device.iommu_unit,
    // With the IOMMU off there are no domains, so an override of the domain type has nothing to act on.
    iommuMode: document.iommu.mode === "off" ? null : device.iommu_mode,
    irqCpus: device.irq_cpus,
    coherent: device.coherent,
    untrusted: device.untrusted,
    ats: device.ats,
    forcesPeers: device.forces_peers,
    ignoresAborts: device.ignores_aborts,
  };
}

function resolveDma(document: MachineDocument, device: DeviceDocument, cpuCount: number) {
  const defaults: DeviceDefaults = DEVICE_CLASSES[device.class];
  return {
    queues: device.queues ?? Math.min(defaults.queuesMax, cpuCount),
    queueDepth: device.queue_depth ?? defaults.queueDepth,
    dmaMaskBits: device.dma_mask_bits ?? defaults.dmaMaskBits,
    ...resolveBus(device),
    maxSegBytes: device.max_segment ?? defaults.maxSegBytes,
    segBoundaryMask:
      device.segment_boundary_mask ?? defaults.segBoundaryMask ?? platformBoundaryMask(document.kernel.era),
    minAlignMask: device.min_align_mask ?? defaults.minAlignMask,
    maxSegments: device.max_segments ?? defaults.maxSegments,
    maxTransferBytes: device.max_transfer ?? defaults.maxTransferBytes,
  };
}

/** As of_dma_configure: ranges limit the bus to their last address. */
function resolveBus(device: DeviceDocument): Pick<Device, "busDmaLimit" | "dmaRanges"> {
  if (device.dma_ranges === null) return { busDmaLimit: device.bus_dma_limit, dmaRanges: null };
  const dmaRanges = device.dma_ranges.map(({ cpu, bus, size }) => ({ cpuStart: cpu, dmaStart: bus, bytes: size }));
  return { busDmaLimit: device.bus_dma_limit || lastBusAddress(dmaRanges), dmaRanges };
}

function resolveBar(device: string, bar: DeviceDocument["bars"][number], assigned: AssignedBars): Bar[] {
  const start = bar.start ?? assigned.get(barKey(device, bar.index)) ?? null;
  if (start === null) return [];
  const { index, size, memmap, prefetchable, bits } = bar;
  return [{ index, start, bytes: size, memmap, prefetchable, bits }];
}

function unassignedOf({ name, bars }: DeviceDocument, assigned: AssignedBars): UnassignedBar[] {
  return bars
    .filter((bar) => bar.start === undefined && (assigned.get(barKey(name, bar.index)) ?? null) === null)
    .map(({ index, size, bits, prefetchable }) => ({
      index,
      bytes: size,
      kernelLine: `BAR ${index} [mem size ${hex(size)}${bits === 64 ? " 64bit" : ""}${prefetchable ? " pref" : ""}]: can't assign; no space`,
    }));
}

function resolveMemory({ memory, bars }: DeviceDocument): DeviceMemory | null {
  if (memory === null) return null;
  const barBytes = bars.find((bar) => bar.index === memory.bar)?.size ?? 0;
  const windowBytes = Math.min(memory.window ?? barBytes, barBytes);
  return {
    bytes: memory.size,
    memmap: memory.memmap,
    bar: memory.bar,
    windowBytes,
    windowPageBytes: memory.window_page,
    exposableBytes: Math.min(
      memory.exposable ?? memory.size,
      memory.moves || windowBytes === 0 ? memory.size : windowBytes,
    ),
    moves: memory.moves,
    migrates: memory.migrate,
    revokeEvery: memory.revoke_every,
    importer: memory.importer,
  };
}

function resolveMedium(device: DeviceDocument, byClass: Medium | null): Medium | null {
  if (device.medium === undefined) return byClass;
  if (device.medium === null) return null;
  if (device.medium.kind === "wire") return { kind: "wire", bytes: 0, sectorBytes: 1 };
  return { kind: "block", bytes: device.medium.size, sectorBytes: device.medium.sector };
}

function resolveService(device: DeviceDocument, byClass: DeviceService): DeviceService {
  const service = device.service;
  if (service === null) return UNLIMITED_SERVICE;
  return {
    readLatencyNs: service.read_latency ?? byClass.readLatencyNs,
    writeLatencyNs: service.write_latency ?? byClass.writeLatencyNs,
    parallelism: service.parallelism ?? byClass.parallelism,
    readBytesPerS: service.read_rate ?? byClass.readBytesPerS,
    writeBytesPerS: service.write_rate ?? byClass.writeBytesPerS,
    iopsMax: service.iops ?? byClass.iopsMax,
  };
}

function serviceFrom({ class: of, service }: DeviceDocument): ServiceFrom {
  if (service === null) return "none";
  if (Object.keys(service).length > 0) return "machine";
  return DEVICE_CLASSES[of].serviceModelled ? "class" : "none";
}

/**
 * Given addresses stay; others get the next free bus below a port, or the next free device of bus 0 when integrated.
 * An on-chip device has no PCI address and goes by its name, as a platform device does.
 */
function assignBdfs(document: MachineDocument): string[] {
  const taken = new Set(document.devices.map((device) => device.bdf));
  return document.devices.map((device) => {
    if (device.bdf !== undefined) return device.bdf;
    if (device.parent === null) return device.name;
    const integrated = findBridge(document, device.parent)?.kind === "root-complex";
    const free = (integrated ? integratedBdfs() : portBdfs()).find((bdf) => !taken.has(bdf)) ?? "";
    taken.add(free);
    return free;
  });
}

function integratedBdfs(): string[] {
  return Array.from({ length: 248 }, (_, index) => `0000:00:${hex2((index >> 3) + 1)}.${index & 7}`).sort(byFunction);
}

/** Function 0 of every device first. */
function byFunction(one: string, other: string): number {
  return one.slice(-1).localeCompare(other.slice(-1)) || one.localeCompare(other);
}

function portBdfs(): string[] {
  return Array.from({ length: 255 }, (_, index) => `0000:${hex2(index + 1)}:00.0`);
}

function hex2(value: number): string {
  return value.toString(16).padStart(2, "0");
}
