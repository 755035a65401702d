/**
 * The fabric of a machine: functions on their links, shared uplinks, root complexes, IOMMU units, memory of each node.
 *
 * Owners as in the design: engine, tags and link belong to the function, uplinks to the switch, write buffers to the root
 * complex, walkers to the IOMMU unit, channels to the node, ways of the last-level cache to the socket.
 */

import { defined } from "../../base/assert.ts";
import { PEER_ROUTE } from "../../host/context.ts";
import { tlpBytesPerS } from "../../pcie/link.ts";
import { Constants } from "../../timing/calibration/constant.ts";
import { FABRIC_CONSTANTS } from "../../timing/calibration/fabric.ts";
import { DeviceFunction, type Target } from "../../timing/fabric/function.ts";
import { HostPort } from "../../timing/fabric/host_port.ts";
import { NodeMemory } from "../../timing/fabric/node_memory.ts";
import {
  deviceFamily,
  functionShape,
  memoryShape,
  pmemShape,
  rootComplexShape,
  translationShape,
  wayShape,
} from "../../timing/fabric/presets.ts";
import { TranslationUnit } from "../../timing/fabric/translation_unit.ts";
import type { SharedLink } from "../../timing/fabric/uplinks.ts";
import { RateServer, type ServerStats } from "../../timing/server.ts";
import type { Bridge, Device, Link } from "../machine/description.ts";
import type { System } from "../system.ts";

/** An on-chip device has no PCIe link; its interconnect carries what this link would. */
const ON_CHIP: Link = { gen: 6, lanes: 16, mpsBytes: 256, mrrsBytes: 512, rcbBytes: 64, extTags: null };
const KINDS = {
  none: "vtd",
  "intel-vtd": "vtd",
  "amd-vi": "amdvi",
  smmuv3: "smmuv3",
  "virtio-iommu": "virtio",
} as const;

/** Ways to a BAR: not looked at, through the root complex, below a switch, to nobody. */
const DIRECT = { unknown: 0, root: 1, direct: 2, aborted: 3 } as const;

/** Memory behind one region of the physical map. */
interface Place {
  readonly memory: NodeMemory | null;
  readonly node: number;
  /** Device whose BAR it is, -1 = host memory. */
  readonly device: number;
}

/** Servers of one run. */
export class Fabric {
  readonly constants: Constants;
  readonly #system: System;
  readonly #functions = new Map<number, DeviceFunction>();
  readonly #ports = new Map<string, HostPort>();
  readonly #uplinks = new Map<string, SharedLink>();
  readonly #units: readonly TranslationUnit[];
  readonly #places: readonly Place[];
  readonly #memories: NodeMemory[] = [];
  /** Share of device reads, and of device writes, that the last-level cache takes. */
  readonly #cachedReads: number;
  readonly #cachedWrites: number;
  /** By region and device: a DIRECT value. */
  readonly #direct: Uint8Array;
  /** The same indexes: uplinks that a direct way crosses below the common switch, of the client and of the peer. */
  readonly #ownLinks: Uint8Array;
  readonly #peerLinks: Uint8Array;
  readonly #peerReadPs: number;
  readonly #peerWritePs: number;

  /** `footprintBytes`: memory that the load's buffers cover; `constants`: those of `FABRIC_CONSTANTS`, or a table with them. */
  constructor(system: System, footprintBytes: number, constants = new Constants(FABRIC_CONSTANTS)) {
    const { machine } = system;
    this.constants = constants;
    this.#system = system;
    const kind = KINDS[machine.iommu.kind];
    this.#units = machine.iommu.units.map(
      (unit) => new TranslationUnit(unit.name, translationShape(constants, kind, unit.iotlbEntries, unit.walkers)),
    );
    const byNode = new Map<string, NodeMemory>();
    this.#places = system.map.regions.map(({ kind: of, node, deviceIndex }) =>
      of === "device" || of === "reserved"
        ? { memory: null, node, device: deviceIndex }
        : { memory: this.#memoryOf(byNode, of, node), node, device: -1 },
    );
    const cached = (share: number) => Math.min(1, (share * machine.cpus.llcBytes) / Math.max(1, footprintBytes));
    this.#cachedReads = cached(1);
    this.#cachedWrites = machine.persistence?.ddio === false ? 0 : cached(constants.get("memory.ddioShare"));
    this.#direct = new Uint8Array(system.map.regions.length * system.devices.length);
    this.#ownLinks = new Uint8Array(this.#direct.length);
    this.#peerLinks = new Uint8Array(this.#direct.length);
    this.#peerReadPs = constants.get("device.default.memoryReadNs") * 1000;
    this.#peerWritePs = constants.get("device.default.memoryWriteNs") * 1000;
  }

  /** The function of a device; made when first asked for. */
  functionOf(index: number): DeviceFunction {
    const known = this.#functions.get(index);
    if (known !== undefined) return known;
    const made = this.#makeFunction(defined(this.#system.machine.devices[index], "the device exists"));
    this.#functions.set(index, made);
    return made;
  }

  /** The unit that translates for a device; null = none. */
  unitOf(index: number): TranslationUnit | null {
    const unit = this.#system.devices[index]?.domain?.unit;
    return unit === undefined ? null : (this.#units[unit] ?? null);
  }

  /** Says what `device` meets at `phys`; where nothing decodes, nothing but the way to the root complex. */
  aim(device: number, phys: number, bytes: number, write: boolean, nowPs: number, target: Target): void {
    const region = this.#system.map.indexAt(phys);
    const place = this.#places[region];
    if (place === undefined || (place.memory === null && this.#isAborted(region, device))) {
      // The root complex turns away what nobody claims.
      target.peer = null;
      target.viaRoot = false;
      target.memoryPs = 0;
      return;
    }
    if (place.memory === null) {
      target.peer = this.functionOf(place.device);
      target.viaRoot = !this.#isDirect(region, device);
      const at = region * this.#system.devices.length + device;
      target.ownLinks = this.#ownLinks[at] as number;
      target.peerLinks = this.#peerLinks[at] as number;
      target.memoryPs = write ? this.#peerWritePs : this.#peerReadPs;
      return;
    }
    target.peer = null;
    target.viaRoot = false;
    const remote = place.node !== this.#system.machine.devices[device]?.node;
    target.memoryPs = write
      ? place.memory.writePs(nowPs, bytes, this.#cachedWrites, remote)
      : place.memory.readPs(nowPs, bytes, this.#cachedReads, remote);
  }

  /** An invalidation reaches a unit; 0 bytes = the whole domain. */
  invalidate(unit: number, domain: number, iova: number, bytes: number): void {
    this.#units[unit]?.invalidate(domain, iova, bytes);
  }

  servers(): ServerStats[] {
    return [
      ...[...this.#functions.values()].flatMap((fn) => [...fn.servers()]),
      ...[...this.#uplinks.values()].flatMap((link) => [link.up, link.down]),
      ...[...this.#ports.values()].flatMap((port) => [...port.servers()]),
      ...this.#units.flatMap((unit) => [...unit.servers()]),
      ...this.#memories.flatMap((memory) => [...memory.servers()]),
    ];
  }

  /** Waiting at all memories until now. */
  memoryWaitPs(): number {
    return this.#memories.reduce(
      (sum, memory) => sum + memory.servers().reduce((all, { waitPs }) => all + waitPs, 0),
      0,
    );
  }

  rebase(shiftPs: number): void {
    for (const fn of this.#functions.values()) fn.rebase(shiftPs);
    for (const { up, down } of this.#uplinks.values()) {
      up.rebase(shiftPs);
      down.rebase(shiftPs);
    }
    for (const part of [...this.#ports.values(), ...this.#units, ...this.#memories]) part.rebase(shiftPs);
  }

  /** The switch below which both are routes between them; a device reaches its own BAR without leaving. */
  #isDirect(region: number, device: number): boolean {
    const at = region * this.#system.devices.length + device;
    if (this.#direct[at] === DIRECT.unknown) {
      this.#direct[at] = this.#routed(region, device);
      // What peers send and what the function reads itself come in no common order.
      this.functionOf((this.#places[region] as Place).device).down.share();
    }
    return this.#direct[at] === DIRECT.direct;
  }

  /** A request that a driver forced past a refusal. */
  #isAborted(region: number, device: number): boolean {
    this.#isDirect(region, device);
    return this.#direct[region * this.#system.devices.length + device] === DIRECT.aborted;
  }

  #routed(region: number, device: number): number {
    const { map, bars, machine } = this.#system;
    const place = map.regions[region];
    // Private memory is reached through a BAR of its device.
    const start =
      place?.memmap === "private"
        ? machine.devices[place.deviceIndex]?.bars.find((bar) => bar.memmap === "p2pdma")?.start
        : place?.start;
    const found = bars.regionAt(start ?? -1);
    if (found < 0) return DIRECT.root;
    const { route, passesRedirect, common, forced } = bars.decision(found, device);
    const at = region * this.#system.devices.length + device;
    this.#ownLinks[at] = this.#uplinksBelow(device, common);
    this.#peerLinks[at] = this.#uplinksBelow(bars.region(found).device, common);
    if (forced) return DIRECT.aborted;
    return route === PEER_ROUTE.busAddr || passesRedirect ? DIRECT.direct : DIRECT.root;
  }

  /** Switches between a device and the bridge `common` above it, that one not counted. */
  #uplinksBelow(device: number, common: string | null): number {
    const switches = this.#switchesAbove(this.#system.machine.devices[device]?.parent ?? null);
    const meeting = switches.findIndex((bridge) => bridge.name === common);
    return meeting < 0 ? 0 : meeting;
  }

  #memoryOf(byNode: Map<string, NodeMemory>, kind: string, node: number): NodeMemory {
    const { dram } = this.#system.machine;
    const name = `${kind} of node ${node}`;
    const known = byNode.get(name);
    if (known !== undefined) return known;
    const shape =
      kind === "pmem"
        ? pmemShape(this.constants, dram.pmemDimms)
        : memoryShape(this.constants, dram.channels, dram.mts);
    const made = new NodeMemory(name, shape);
    byNode.set(name, made);
    this.#memories.push(made);
    return made;
  }

  #makeFunction(device: Device): DeviceFunction {
    const { constants } = this;
    const { uarch } = this.#system.machine.cpus;
    const link = device.link ?? ON_CHIP;
    const shape = functionShape(constants, deviceFamily(device.preset ?? device.class), link, link.extTags);
    const switches = this.#switchesAbove(device.parent);
    const way = wayShape(constants, uarch, link, switches.length);
    return new DeviceFunction(device.name, shape, way, this.#hostPort(device, link.gen), switches.map(this.#uplink));
  }

  /** Upstream ports of the switches between a port and its root, nearest first. */
  #switchesAbove(port: string | null): readonly Bridge[] {
    const { bridges } = this.#system.machine;
    const found: Bridge[] = [];
    let at = bridges.find((bridge) => bridge.name === port);
    while (at !== undefined) {
      if (at.kind === "switch-upstream") found.push(at);
      const parent: string | null = at.parent;
      at = bridges.find((bridge) => bridge.name === parent);
    }
    return found;
  }

  readonly #uplink = (bridge: Bridge): SharedLink => {
    const known = this.#uplinks.get(bridge.name);
    if (known !== undefined) return known;
    const rate = tlpBytesPerS(bridge.link ?? ON_CHIP);
    const made = {
      up: new RateServer(`${bridge.name} uplink up`, "link", rate),
      down: new RateServer(`${bridge.name} uplink down`, "link", rate),
    };
    made.up.share();
    made.down.share();
    this.#uplinks.set(bridge.name, made);
    return made;
  };

  #hostPort(device: Device, gen: number): HostPort {
    const root = device.parent === null ? "on-chip" : this.#system.topology.rootOf(device.parent).name;
    const known = this.#ports.get(root);
    if (known !== undefined) return known;
    const made = new HostPort(root, rootComplexShape(this.constants, this.#system.machine.cpus.uarch, gen));
    this.#ports.set(root, made);
    return made;
  }
}
