/**
 * How a client reaches the memory behind another device's BAR (drivers/pci/p2pdma.c, calc_map_type_and_dist).
 *
 * Computed once per machine: routes do not change while the topology does not.
 */
import type { Phys } from "../../base/addr.ts";
import { meet, type Topology } from "../../pcie/topology.ts";
import { PEER_ROUTE, type PeerRoutes } from "../context.ts";

/** Host bridges that forward peer requests (pci_p2pdma_whitelist); true = only within the same bridge. */
const HOST_BRIDGES: ReadonlyMap<string, boolean> = new Map([
  ["8086:3c00", true],
  ["8086:3c01", true],
  ["8086:2f00", true],
  ["8086:2f01", true],
  ["8086:2030", false],
  ["8086:2031", false],
  ["8086:2032", false],
  ["8086:2033", false],
  ["8086:2020", false],
  ["8086:09a2", false],
]);
/** Every root device of this vendor is on the list. */
const GOOGLE_VENDOR = "1ae0:";
const AMD_ZEN_FAMILY = 0x17;

/** A BAR with P2PDMA pages. */
export interface PeerRegion {
  readonly start: Phys;
  readonly bytes: number;
  /** Port that the providing device sits below. */
  readonly port: string;
  readonly device: number;
  readonly busOffset: number;
}

/** The device that wants to reach a peer's memory; `device` is its index in the machine. */
export interface PeerClient {
  readonly device: number;
  /** Port the client sits below; null = not a PCI device. */
  readonly port: string | null;
}

/** Host CPU, asked for AMD Zen, whose root ports forward peer requests (cpu_supports_p2pdma). */
export interface HostCpu {
  readonly vendor: string;
  readonly family: number;
}

/** The route of one client to one region. */
export function peerRoute(topology: Topology, cpu: HostCpu, region: PeerRegion, client: PeerClient): number {
  if (client.port === null) return PEER_ROUTE.notSupported;
  if (client.device === region.device) return PEER_ROUTE.busAddr;
  const meeting = meet(topology, region.port, client.port);
  if (meeting.common !== null && !meeting.acsRedirected) return PEER_ROUTE.busAddr;
  return hostBridgeForwards(topology, cpu, region.port, client.port)
    ? PEER_ROUTE.throughHostBridge
    : PEER_ROUTE.notSupported;
}

function hostBridgeForwards(topology: Topology, cpu: HostCpu, a: string, b: string): boolean {
  if (cpu.vendor === "amd" && cpu.family >= AMD_ZEN_FAMILY) return true;
  const rootA = topology.rootOf(a);
  const rootB = topology.rootOf(b);
  const ruleA = sameBridgeOnly(rootA.id);
  const ruleB = sameBridgeOnly(rootB.id);
  if (ruleA === undefined || ruleB === undefined) return false;
  return rootA.name === rootB.name || (!ruleA && !ruleB);
}

/** True = forwards within itself only, false = to other listed bridges too; undefined = not on the list. */
function sameBridgeOnly(id: string | null): boolean | undefined {
  if (id?.startsWith(GOOGLE_VENDOR) === true) return false;
  return HOST_BRIDGES.get(id ?? "");
}

/** All routes of a machine as the mapping layer looks them up. */
export class PeerTable implements PeerRoutes {
  readonly #regions: readonly PeerRegion[];
  readonly #routes: Uint8Array;
  readonly #clients: number;

  constructor(topology: Topology, cpu: HostCpu, regions: readonly PeerRegion[], clients: readonly PeerClient[]) {
    this.#regions = regions;
    this.#clients = clients.length;
    this.#routes = new Uint8Array(regions.length * clients.length);
    for (const [r, region] of regions.entries()) {
      for (const [c, client] of clients.entries()) {
        this.#routes[r * this.#clients + c] = peerRoute(topology, cpu, region, client);
      }
    }
  }

  regionAt(phys: Phys): number {
    const regions = this.#regions;
    for (let i = 0; i < regions.length; i += 1) {
      const region = regions[i] as PeerRegion;
      if (phys >= region.start && phys < region.start + region.bytes) return i;
    }
    return -1;
  }

  route(region: number, client: number): number {
    return this.#routes[region * this.#clients + client] as number;
  }

  busOffset(region: number): number {
    return (this.#regions[region] as PeerRegion).busOffset;
  }
}
