/**
 * A peer's BAR as a bare resource: no struct page is involved, as the map_peer_resource operation of 2015 proposed it and as
 * a driver on dma_map_resource does it that looks at the way itself.
 *
 * ```
 * below one bridge             the PCI bus address of the BAR, whatever the IOMMU does
 * through the host bridge      dma_map_resource: an IOVA, or without an IOMMU the CPU address
 * not supported                refused
 * ```
 * A mapping holds the provider (peer_life.ts) until it is unmapped.
 */
import type { DmaAddr } from "../../base/addr.ts";
import { PATH } from "../../base/cost.ts";
import { type HostContext, PEER_ROUTE } from "../context.ts";
import type { DmaDevice } from "../dma/device.ts";
import { mapResource, type PageFinder, unmapResource } from "../dma/resource.ts";
import { MAP_FAILURES } from "../status.ts";
import { holdPeer, releasePeer } from "./peer_life.ts";
import type { PeerTable } from "./route.ts";

/** A part of a BAR: `offset` and `bytes` inside it. */
export interface PeerResource {
  /** Device index of the provider. */
  readonly provider: number;
  readonly bar: number;
  readonly offset: number;
  readonly bytes: number;
}

/** The BARs of a machine as peers map them. Immutable: the state is in the arena. */
export class PeerResources {
  readonly #bars: PeerTable;
  readonly #pages: PageFinder;
  readonly #hasOp: boolean;

  /** `hasOp`: the ops table in force can map a peer's resource (arch/peer_resource.ts). */
  constructor(bars: PeerTable, pages: PageFinder, hasOp: boolean) {
    this.#bars = bars;
    this.#pages = pages;
    this.#hasOp = hasOp;
  }

  /** Maps part of a BAR for `client` (map_peer_resource): its DMA address, or -(failure code). `dir` a DIR, `attrs` ATTR bits. */
  map(ctx: HostContext, resource: PeerResource, client: DmaDevice, dir: number, attrs: number): number {
    const { provider, bar, offset, bytes } = resource;
    const index = this.#bars.regionOf(provider, bar);
    if (index < 0 || offset < 0 || bytes <= 0) return -MAP_FAILURES.invalid.code;
    const region = this.#bars.region(index);
    if (offset + bytes > region.bytes) return -MAP_FAILURES.invalid.code;
    if (!this.#hasOp) return -MAP_FAILURES.noPeerOp.code;
    const route = this.#bars.route(index, client.index);
    if (route === PEER_ROUTE.notSupported) return -MAP_FAILURES.peerUnsupported.code;
    if (!holdPeer(ctx.arena, provider)) return -MAP_FAILURES.peerGone.code;
    const phys = region.start + offset;
    if (route === PEER_ROUTE.busAddr) {
      ctx.cost.path = PATH.p2p;
      return phys + region.busOffset;
    }
    const dmaAddr = mapResource(era(ctx), client, this.#pages, phys, bytes, dir, attrs);
    if (dmaAddr < 0) releasePeer(ctx.arena, provider);
    return dmaAddr;
  }

  /** Ends a mapping of {@link map}; a bus address has nothing but its hold on the provider. */
  unmap(
    ctx: HostContext,
    resource: PeerResource,
    client: DmaDevice,
    dmaAddr: DmaAddr,
    dir: number,
    attrs: number,
  ): void {
    const index = this.#bars.regionOf(resource.provider, resource.bar);
    if (this.#bars.route(index, client.index) !== PEER_ROUTE.busAddr) {
      unmapResource(ctx, client, dmaAddr, resource.bytes, dir, attrs);
    }
    releasePeer(ctx.arena, resource.provider);
  }
}

/** The operation of 2015 did for 4.1 what dma_map_resource does since 4.9. */
function era(ctx: HostContext): HostContext {
  return ctx.era === "4.1" ? { ...ctx, era: "6.1" } : ctx;
}
