import type { HostContext, PeerRoutes } from "#dmasim/host/context.js";
import { PEER_ROUTE } from "#dmasim/host/context.js";
import type { BouncePool, DmaDomain } from "#dmasim/host/dma/device.js";
import { initDomainIova } from "#dmasim/host/iommu/iova.js";
import { initPool } from "#dmasim/host/swiotlb/pool.js";
import { VTD_SECOND_LEVEL } from "#dmasim/pagetable/vtd.js";
import { WalkResult, walk } from "#dmasim/pagetable/walker.js";
import type { Arena } from "#dmasim/shm/arena.js";
import { HEADER, REGIONS } from "#dmasim/shm/layout.js";
import type { Region } from "#dmasim/shm/record.js";
import { makeDomain } from "./host.ts";

/** A domain whose IOVA space is ready; every test takes another index, or its own arena. */
export function setUpDomain(ctx: HostContext, overrides: Partial<DmaDomain> = {}): DmaDomain {
  const domain = makeDomain(overrides);
  initDomainIova(ctx.arena, domain, 1);
  return domain;
}

/** Forgets everything about IOVAs of the arena's first domain, so that the next sequence begins with an empty arena. */
export function clearFirstDomain(arena: Arena): void {
  const { domains, cpuRcaches, depots, iovaBuckets, header } = REGIONS;
  const clear = ({ word, stride }: Region, records: number) => arena.i32.fill(0, word, word + stride * records);
  for (const region of [domains, cpuRcaches, depots, iovaBuckets]) clear(region, region.count / domains.count);
  clear(REGIONS.iovaNodes, arena.i32[header.word + HEADER.iovaNodeNext] as number);
  clear(REGIONS.magazines, arena.i32[header.word + HEADER.magazineNext] as number);
  arena.i32[header.word + HEADER.iovaNodeNext] = 1;
  arena.i32[header.word + HEADER.magazineNext] = 1;
}

/** A bounce pool of one area at 64 MiB. */
export function setUpPool(ctx: HostContext, nslabs = 1024, start = 0x4000000): BouncePool {
  return initPool(ctx.arena, 0, 0, 0, nslabs, 1, start);
}

/** Physical address that `iova` translates to, -1 = not present. */
export function translated(arena: Arena, domain: DmaDomain, iova: number): number {
  const result = new WalkResult();
  if (!walk(arena, domain.index, domain.format ?? VTD_SECOND_LEVEL, iova, result)) return -1;
  return result.phys + (iova & (2 ** result.pageShift - 1));
}

export interface PeerBar {
  readonly start: number;
  readonly bytes: number;
  readonly route: number;
  readonly busOffset: number;
}

/** Peers with one route each, the same for every client. */
export function peersOf(bars: readonly PeerBar[]): PeerRoutes {
  return {
    regionAt: (phys) => bars.findIndex((bar) => phys >= bar.start && phys < bar.start + bar.bytes),
    route: (region) => bars[region]?.route ?? PEER_ROUTE.notSupported,
    busOffset: (region) => bars[region]?.busOffset ?? 0,
  };
}
