/**
 * What one thread needs to run `host/` code: its view of the arena, the simulated CPU it acts for,
 * and the two ports through which host work reaches the device plane.
 */
import type { Phys } from "../base/addr.ts";
import type { CostRecord } from "../base/cost.ts";
import type { Defects, Era } from "../base/era.ts";
import type { Arena } from "../shm/arena.ts";

/** Carries the bytes of CPU copies (bounce, sync). Under `wall` it copies at once, under `virtual` it queues the copy in dispatch order. */
export interface CopyPort {
  /** False when the destination has no backing left. */
  copy(dst: Phys, src: Phys, bytes: number): boolean;
  /** Sets bytes (padding of untrusted bounces). */
  fill(dst: Phys, byte: number, bytes: number): boolean;
}

/** The invalidation queue of the IOMMU units as the host sees it; completes before it returns. */
export interface InvalidationPort {
  /** Pages [iova, iova + pages * granule) of the domain. */
  invalidatePages(unit: number, domain: number, iova: number, bytes: number): void;
  /** Everything of the domain. */
  invalidateDomain(unit: number, domain: number): void;
}

/** How a client reaches peer memory (enum pci_p2pdma_map_type). */
export const PEER_ROUTE = Object.freeze({ notSupported: 0, busAddr: 1, throughHostBridge: 2 });

/** Peer memory (BARs with P2PDMA pages) and its routes; computed once from the topology. */
export interface PeerRoutes {
  /** Index of the peer region that holds `phys`, -1 = not peer memory. Called for every entry: must be cheap when there are no regions. */
  regionAt(phys: Phys): number;
  /** PEER_ROUTE from a client device (index) to the region. */
  route(region: number, client: number): number;
  /** PCI bus address minus CPU address of the region's BAR. */
  busOffset(region: number): number;
}

/** Handed to every host function. One a thread; `cost`, `cpu` and `nowNs` are set before each operation. */
export interface HostContext {
  readonly arena: Arena;
  readonly era: Era;
  readonly defects: Defects;
  /** Owner id of this thread in lock words. */
  readonly lockOwner: number;
  readonly copyPort: CopyPort;
  readonly invalidation: InvalidationPort;
  readonly peers: PeerRoutes;
  /** Filled by every operation; reset by the caller. */
  cost: CostRecord;
  /** Simulated CPU on whose behalf the code runs. */
  cpu: number;
  /** Time of the call, nanoseconds of the run's clock (the flush queue's age needs it). */
  nowNs: number;
}
