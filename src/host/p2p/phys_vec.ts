/**
 * Page-less peer memory of newer kernels: a provider object for a BAR, and physical ranges mapped without a CPU-side list
 * [6.19+] (drivers/pci/p2pdma.c: pcim_p2pdma_provider; drivers/dma-buf/dma-buf-mapping.c: dma_buf_phys_vec_to_sgt).
 *
 * ```
 * bus address               phys + bus offset by range, no IOVA and nothing to unmap
 * through the host bridge   with an IOMMU one IOVA range, every range linked into it as MMIO: one segment
 *                           without one dma_map_phys as MMIO by range
 * not supported             -EINVAL
 * ```
 */
import type { DmaAddr, Phys } from "../../base/addr.ts";
import { PATH } from "../../base/cost.ts";
import { type HostContext, PEER_ROUTE } from "../context.ts";
import { ATTR, type DmaDevice } from "../dma/device.ts";
import {
  dmaIovaDestroy,
  dmaIovaFree,
  dmaIovaLink,
  dmaIovaSync,
  dmaIovaTryAlloc,
  dmaUseIova,
} from "../dma/iova_link.ts";
import { DmaIovaState } from "../dma/iova_link_range.ts";
import { mapPhys, unmapPhys } from "../dma/map.ts";
import { MAP_FAILURES } from "../status.ts";
import { holdPeer, releasePeer } from "./peer_life.ts";
import type { PeerTable } from "./route.ts";

/** One physical range (struct dma_buf_phys_vec). */
export interface PhysVec {
  readonly phys: Phys;
  readonly bytes: number;
}

/** One DMA segment; the table has no CPU side. */
export interface PhysVecSegment {
  readonly dmaAddr: DmaAddr;
  readonly bytes: number;
}

/** A mapped vector; keep it for {@link unmapPhysVec}. */
export interface MappedPhysVec {
  readonly provider: number;
  readonly route: number;
  readonly segments: readonly PhysVecSegment[];
  readonly state: DmaIovaState;
}

/** Maps ranges of the BAR `bar` of device `provider` for `client`; -(failure code) with nothing left mapped. */
export function mapPhysVec(
  ctx: HostContext,
  bars: PeerTable,
  provider: number,
  bar: number,
  ranges: readonly PhysVec[],
  client: DmaDevice,
  dir: number,
): MappedPhysVec | number {
  if (ctx.era !== "7.x") return -MAP_FAILURES.notSupported.code;
  const index = bars.regionOf(provider, bar);
  if (index < 0 || !inside(bars, index, ranges)) return -MAP_FAILURES.invalid.code;
  const route = bars.route(index, client.index);
  if (route === PEER_ROUTE.notSupported) return -MAP_FAILURES.peerUnsupported.code;
  if (!holdPeer(ctx.arena, provider)) return -MAP_FAILURES.peerGone.code;
  const state = new DmaIovaState();
  const segments =
    route === PEER_ROUTE.busAddr ? busSegments(ctx, bars, index, ranges) : mapRanges(ctx, client, state, ranges, dir);
  if (typeof segments !== "number") return { provider, route, segments, state };
  releasePeer(ctx.arena, provider);
  return segments;
}

/** Ends a mapping of {@link mapPhysVec} (dma_buf_free_sgt). */
export function unmapPhysVec(ctx: HostContext, mapped: MappedPhysVec, client: DmaDevice, dir: number): void {
  const { route, segments, state, provider } = mapped;
  if (route === PEER_ROUTE.throughHostBridge) {
    if (dmaUseIova(state)) dmaIovaDestroy(ctx, client, state, state.bytes, dir, ATTR.mmio);
    else for (const { dmaAddr, bytes } of segments) unmapPhys(ctx, client, dmaAddr, bytes, dir, ATTR.mmio);
  }
  releasePeer(ctx.arena, provider);
}

function inside(bars: PeerTable, index: number, ranges: readonly PhysVec[]): boolean {
  const { start, bytes: size } = bars.region(index);
  return (
    ranges.length > 0 && ranges.every(({ phys, bytes }) => bytes > 0 && phys >= start && phys + bytes <= start + size)
  );
}

function busSegments(ctx: HostContext, bars: PeerTable, index: number, ranges: readonly PhysVec[]): PhysVecSegment[] {
  ctx.cost.path = PATH.p2p;
  return ranges.map(({ phys, bytes }) => ({ dmaAddr: phys + bars.busOffset(index), bytes }));
}

function mapRanges(
  ctx: HostContext,
  client: DmaDevice,
  state: DmaIovaState,
  ranges: readonly PhysVec[],
  dir: number,
): PhysVecSegment[] | number {
  const total = ranges.reduce((sum, { bytes }) => sum + bytes, 0);
  if (!dmaIovaTryAlloc(ctx, client, state, ranges[0]?.phys ?? 0, total)) return mapOneByOne(ctx, client, ranges, dir);
  let offset = 0;
  for (const { phys, bytes } of ranges) {
    const ret = dmaIovaLink(ctx, client, state, phys, offset, bytes, dir, ATTR.mmio);
    if (ret < 0) {
      if (offset > 0) dmaIovaDestroy(ctx, client, state, offset, dir, ATTR.mmio);
      else dmaIovaFree(ctx, client, state);
      return ret;
    }
    offset += bytes;
  }
  const dmaAddr = state.addr;
  const synced = dmaIovaSync(ctx, client, state, 0, total);
  return synced < 0 ? synced : [{ dmaAddr, bytes: total }];
}

function mapOneByOne(
  ctx: HostContext,
  client: DmaDevice,
  ranges: readonly PhysVec[],
  dir: number,
): PhysVecSegment[] | number {
  const segments: PhysVecSegment[] = [];
  for (const { phys, bytes } of ranges) {
    const dmaAddr = mapPhys(ctx, client, phys, bytes, dir, ATTR.mmio);
    if (dmaAddr < 0) {
      for (const done of segments) unmapPhys(ctx, client, done.dmaAddr, done.bytes, dir, ATTR.mmio);
      return dmaAddr;
    }
    segments.push({ dmaAddr, bytes });
  }
  return segments;
}
