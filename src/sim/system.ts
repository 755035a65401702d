/**
 * A machine as both planes need it: physical map, DMA devices, domains, routes and engines.
 *
 * Immutable description only; every thread derives an equal one from the machine. The coordinator
 * additionally writes the initial state into the arena ({@link initSystem}).
 */
import { maskOfBits, type Phys } from "../base/addr.ts";
import { defined } from "../base/assert.ts";
import { type BusWindow, DeviceAccess } from "../device/access.ts";
import { initIommuUnit } from "../device/iotlb.ts";
import { PEER_ROUTE } from "../host/context.ts";
import type { BouncePool, DmaDevice, DmaDomain, PoolGrowth } from "../host/dma/device.ts";
import { type DmaRange, rangesShow } from "../host/dma/range_map.ts";
import { initDomainIova } from "../host/iommu/iova.ts";
import type { PeerClient } from "../host/p2p/decision.ts";
import { type PeerRegion, PeerTable } from "../host/p2p/route.ts";
import { initWindowSet, type WindowSet } from "../host/p2p/window_set.ts";
import { planGrowth } from "../host/swiotlb/grown.ts";
import { initPool } from "../host/swiotlb/pool.ts";
import { initMasterAbort } from "../memory/master_abort.ts";
import { Memmap } from "../memory/memmap.ts";
import { PhysMap, type PhysRegion } from "../memory/physmap.ts";
import type { PageTableFormat } from "../pagetable/format.ts";
import { Topology } from "../pcie/topology.ts";
import type { Arena } from "../shm/arena.ts";
import { iommuFormat } from "./iommu_format.ts";
import type { Bar, Device, IommuMode, Machine, MemoryRegion } from "./machine/description.ts";
import { privateRegions, windowSetsOf } from "./window_sets.ts";

/** One device queue: a simulated engine. */
export interface EngineSpec {
  readonly index: number;
  readonly name: string;
  readonly device: number;
}

/**
 * Everything derived from a machine once, before a run; indexes of devices and engines are the same on every thread.
 */
export class System {
  readonly machine: Machine;
  readonly map: PhysMap;
  readonly memmap: Memmap;
  readonly topology: Topology;
  readonly peerRegions: readonly PeerRegion[];
  readonly peers: PeerTable;
  /** Routes to every BAR, with struct pages or without: what hardware does, and peer resources. */
  readonly bars: PeerTable;
  /** BARs that show private device memory page by page. */
  readonly windowSets: readonly WindowSet[];
  readonly pool: BouncePool | null;
  readonly devices: readonly DmaDevice[];
  readonly format: PageTableFormat;
  readonly engines: readonly EngineSpec[];
  /** [start, end) of the bounce pool and of its growth reserve below it: no buffer lies there. */
  readonly bounceRange: readonly [Phys, Phys];
  readonly #bars: readonly PeerRegion[];
  readonly #firstEngine: readonly number[];

  constructor(machine: Machine) {
    this.machine = machine;
    const unaddressed = privateRegions(machine);
    this.map = new PhysMap([...regionsOf(machine), ...unaddressed]);
    this.memmap = new Memmap(this.map);
    this.topology = new Topology(
      machine.bridges.map((bridge) => ({
        name: bridge.name,
        kind: bridge.kind,
        parent: bridge.parent,
        acsRedirect: bridge.acs.some((bit) => bit !== "direct-translated"),
        acsDirectTranslated: bridge.acs.includes("direct-translated"),
        id: bridge.id,
      })),
    );
    this.peerRegions = peerRegionsOf(machine, this.topology, (bar) => bar.memmap === "p2pdma");
    this.windowSets = windowSetsOf(machine, unaddressed, this.peerRegions);
    const clients = peerClientsOf(machine);
    this.peers = new PeerTable(this.topology, machine.cpus, this.peerRegions, clients);
    this.#bars = peerRegionsOf(machine, this.topology, () => true);
    this.bars = new PeerTable(this.topology, machine.cpus, this.#bars, clients);
    this.pool = poolOf(machine);
    this.bounceRange = this.pool === null ? [0, 0] : bounceRangeOf(this.pool, machine.swiotlb.bytes);
    this.format = iommuFormat(machine.iommu);
    this.devices = machine.devices.map((device, index) =>
      dmaDevice(machine, device, index, this.pool, this.topology, this.format),
    );
    const engines: EngineSpec[] = [];
    this.#firstEngine = machine.devices.map((device, index) => {
      const first = engines.length;
      for (let queue = 0; queue < device.queues; queue += 1) {
        engines.push({ index: engines.length, name: `${device.name}q${queue}`, device: index });
      }
      return first;
    });
    this.engines = engines;
  }

  /** Engine of the `seat`-th clone on a device: queues are dealt out in turn. */
  engineOf(device: number, seat: number): number {
    const queues = (this.machine.devices[device] as Device).queues;
    return (this.#firstEngine[device] as number) + (seat - Math.floor(seat / queues) * queues);
  }

  /** This thread's path from a device to memory. */
  accessOf(arena: Arena, device: number): DeviceAccess {
    const { domain, dmaRanges } = this.devices[device] as DmaDevice;
    const attachment = domain === null ? null : { unit: domain.unit, domain: domain.index, format: this.format };
    return new DeviceAccess(
      arena,
      this.map,
      attachment,
      this.#windowsOf(device),
      dmaRanges && inboundOf(dmaRanges),
      this.machine.devices[device]?.ignoresAborts,
    );
  }

  #windowsOf(device: number): BusWindow[] {
    const isTranslated = this.devices[device]?.domain !== null;
    return (
      this.#bars
        .map((region, index) => ({ region, ...this.bars.decision(index, device) }))
        // Redirected to an IOMMU that translates, a bus address is an IOVA like any other.
        .filter(({ route, forced }) => route === PEER_ROUTE.busAddr && !(forced && isTranslated))
        .map(({ region, forced }) => ({
          aborts: forced,
          busStart: region.start + region.busOffset,
          busEnd: region.start + region.busOffset + region.bytes,
          physDelta: -region.busOffset,
        }))
    );
  }
}

function inboundOf(ranges: readonly DmaRange[]): readonly BusWindow[] {
  return ranges.map(({ cpuStart, dmaStart, bytes }) => ({
    busStart: dmaStart,
    busEnd: dmaStart + bytes,
    physDelta: cpuStart - dmaStart,
  }));
}

/** Coordinator: writes the initial IOMMU, IOVA and bounce-pool state of the machine. */
export function initSystem(arena: Arena, system: System): void {
  for (const [index, unit] of system.machine.iommu.units.entries()) {
    initIommuUnit(arena, index, unit.iotlbEntries, unit.iotlbWays);
  }
  for (const device of system.devices) {
    if (device.domain !== null) initDomainIova(arena, device.domain, 1);
  }
  for (const set of system.windowSets) initWindowSet(arena, set);
  if (system.machine.devices.some(({ ignoresAborts }) => ignoresAborts)) initMasterAbort(arena);
  const pool = system.pool;
  if (pool !== null) initPool(arena, pool.index, pool.slotBase, pool.areaBase, pool.nslabs, pool.nareas, pool.start);
}

/** Domain type in force for a device. */
export function iommuModeOf(machine: Machine, device: Device): IommuMode {
  if (machine.iommu.kind === "none") return "off";
  return device.iommuMode ?? machine.iommu.mode;
}

function regionsOf(machine: Machine): PhysRegion[] {
  const memory = machine.memory.map((region) => ({ ...region, deviceIndex: -1 }));
  const bars = machine.devices.flatMap((device, deviceIndex) =>
    device.bars.map((bar, nth) => ({
      name: nth === 0 ? `bar:${device.name}` : `bar${bar.index}:${device.name}`,
      kind: "device" as const,
      start: bar.start,
      bytes: bar.bytes,
      memmap: bar.memmap,
      node: device.node,
      deviceIndex,
    })),
  );
  return [...memory, ...bars].map((region) => ({
    ...region,
    memmap: region.memmap === "ram" && region.kind !== "ram" ? "none" : region.memmap,
  }));
}

/** The machine's devices as clients of peer memory, in order. */
export function peerClientsOf(machine: Machine): PeerClient[] {
  return machine.devices.map((device, index) => {
    const mode = iommuModeOf(machine, device);
    const sendsTranslated = device.ats && (mode === "strict" || mode === "lazy");
    return { device: index, port: device.parent, sendsTranslated, forces: device.forcesPeers };
  });
}

function peerRegionsOf(machine: Machine, topology: Topology, wanted: (bar: Bar) => boolean): PeerRegion[] {
  return machine.devices.flatMap((device, index) => {
    const port = device.parent;
    if (port === null) return [];
    const root = machine.bridges.find((bridge) => bridge.name === topology.rootOf(port).name);
    const busOffset = root?.busOffset ?? 0;
    return device.bars
      .filter((bar) => wanted(bar))
      .map((bar) => ({ bar: bar.index, start: bar.start, bytes: bar.bytes, port, device: index, busOffset }));
  });
}

function poolOf(machine: Machine): BouncePool | null {
  if (machine.swiotlb.bytes === 0) return null;
  const nslabs = machine.swiotlb.bytes / 2048;
  const nareas = machine.swiotlb.areas;
  const growth = growthOf(machine);
  return {
    index: 0,
    slotBase: 0,
    areaBase: 0,
    nslabs,
    nareas,
    areaNslabs: nslabs / nareas,
    start: machine.swiotlb.start,
    ...(growth === undefined ? {} : { growth }),
  };
}

function growthOf(machine: Machine): PoolGrowth | undefined {
  const { dynamic, start } = machine.swiotlb;
  if (!dynamic) return undefined;
  const holds = (region: MemoryRegion) => start >= region.start && start < region.start + region.bytes;
  const ram = machine.memory.find((region) => region.kind === "ram" && holds(region));
  return planGrowth(start, defined(ram, "the RAM that holds the bounce pool").start);
}

function bounceRangeOf(pool: BouncePool, bytes: number): readonly [Phys, Phys] {
  return [pool.growth?.grownStart ?? pool.start, pool.start + bytes];
}

function dmaDevice(
  machine: Machine,
  device: Device,
  index: number,
  pool: BouncePool | null,
  topology: Topology,
  format: PageTableFormat,
): DmaDevice {
  return {
    index,
    name: device.bdf,
    dmaMask: maskOfBits(device.dmaMaskBits),
    busDmaLimit: device.busDmaLimit,
    dmaRanges: device.dmaRanges,
    hidesRam: hidesRam(machine, device),
    maxSegBytes: device.maxSegBytes,
    segBoundaryMask: device.segBoundaryMask,
    minAlignMask: device.minAlignMask,
    coherent: device.coherent,
    untrusted: device.untrusted,
    domain: domainOf(machine, device, index, topology, format),
    pool,
    forceBounce: machine.swiotlb.force || machine.confidential,
  };
}

/** Kernels before 6.8 look at the last page of RAM only. */
function hidesRam({ era, memory }: Machine, { dmaRanges }: Device): boolean {
  if (dmaRanges === null || era === "4.1" || era === "6.1") return false;
  return memory.some(
    ({ memmap, start, bytes, hot }) => memmap === "ram" && hot !== true && !rangesShow(dmaRanges, start, bytes),
  );
}

function domainOf(
  machine: Machine,
  device: Device,
  index: number,
  topology: Topology,
  format: PageTableFormat,
): DmaDomain | null {
  const mode = iommuModeOf(machine, device);
  if (mode === "off" || mode === "passthrough") return null;
  return {
    index,
    mode,
    flushQueue: machine.iommu.flushQueue,
    unit: unitOf(machine, device, topology),
    addressBits: format.addressBits,
    pageShifts: format.pageShifts,
    forcedac: machine.iommu.forcedac,
    cpus: machine.cpus.count,
    ats: device.ats,
    format,
  };
}

function unitOf(machine: Machine, device: Device, topology: Topology): number {
  const root = device.parent === null ? null : topology.rootOf(device.parent).name;
  const bridge = machine.bridges.find((candidate) => candidate.name === root);
  const named = machine.iommu.units.findIndex((unit) => unit.name === bridge?.iommuUnit);
  defined(machine.iommu.units[0], "a translating machine has an IOMMU unit");
  return Math.max(0, named);
}
