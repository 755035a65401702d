/**
 * The decisions of decision.ts for every client and every BAR of a set, as the mapping layer looks them up.
 *
 * Computed once per machine: routes do not change while the topology does not.
 */
import type { Phys } from "../../base/addr.ts";
import type { Topology } from "../../pcie/topology.ts";
import type { PeerRoutes } from "../context.ts";
import { decidePeer, type PeerClient, type PeerDecision, type PeerProvider } from "./decision.ts";
import type { HostCpu } from "./host_bridges.ts";

/** A memory BAR; only those with P2PDMA pages are peer memory of the page-based calls. */
export interface PeerRegion extends PeerProvider {
  /** BAR number. */
  readonly bar: number;
  readonly start: Phys;
  readonly bytes: number;
  readonly busOffset: number;
}

/** All routes of a machine; regions and clients by index. */
export class PeerTable implements PeerRoutes {
  readonly #regions: readonly PeerRegion[];
  readonly #routes: Uint8Array;
  readonly #decisions: readonly PeerDecision[];
  readonly #clients: number;

  constructor(topology: Topology, cpu: HostCpu, regions: readonly PeerRegion[], clients: readonly PeerClient[]) {
    this.#regions = regions;
    this.#clients = clients.length;
    this.#routes = new Uint8Array(regions.length * clients.length);
    this.#decisions = regions.flatMap((region) => clients.map((client) => decidePeer(topology, cpu, region, client)));
    for (const [at, { route }] of this.#decisions.entries()) this.#routes[at] = route;
  }

  /** Why {@link route} is what it is. */
  decision(region: number, client: number): PeerDecision {
    return this.#decisions[region * this.#clients + client] as PeerDecision;
  }

  /** Index of a device's BAR, -1 = none of the set. */
  regionOf(device: number, bar: number): number {
    return this.#regions.findIndex((region) => region.device === device && region.bar === bar);
  }

  /** The region with that index. */
  region(index: number): PeerRegion {
    return this.#regions[index] as PeerRegion;
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
