/**
 * dma-direct: the device sees physical addresses, shifted where its bus has dma-ranges, or a bounce slot where it sees
 * nothing (kernel/dma/direct.c).
 */
import type { DmaAddr, Phys } from "../../base/addr.ts";
import { PATH } from "../../base/cost.ts";
import { SG } from "../../shm/layout.ts";
import { SG_FLAG, sgNext } from "../../shm/sg_entry.ts";
import { type HostContext, PEER_ROUTE } from "../context.ts";
import { MAP_FAILURES } from "../status.ts";
import { swiotlbMap, swiotlbSyncForCpu, swiotlbSyncForDevice, swiotlbUnmap } from "../swiotlb/bounce.ts";
import { findPool } from "../swiotlb/pools.ts";
import { syncLinesForCpu, syncLinesForDevice } from "./cache_sync.ts";
import { ATTR, type DmaDevice } from "./device.ts";
import { directAddress, dmaCapable } from "./limits.ts";
import { NOT_PEER, peerBusAddress, peerRoute } from "./peer_entry.ts";
import { dmaToPhys, physToDma } from "./range_map.ts";
import {
  sgDmaAddress,
  sgHasPage,
  sgIsBusAddress,
  sgPhys,
  sgSetDma,
  sgSetDmaMarked,
  sgUnmarkDma,
} from "./scatterlist.ts";

/** One physical range (dma_direct_map_phys): its bus address, a bounce slot's, or -(failure code). */
export function directMapPhys(
  ctx: HostContext,
  device: DmaDevice,
  phys: Phys,
  bytes: number,
  dir: number,
  attrs: number,
): number {
  // MMIO: whoever maps it has looked at the way itself.
  const route = (attrs & ATTR.mmio) !== 0 ? NOT_PEER : peerRoute(ctx, device, phys);
  if (route === PEER_ROUTE.notSupported) return -MAP_FAILURES.peerUnsupported.code;
  if (route !== NOT_PEER) ctx.cost.path = PATH.p2p;
  return mapRange(ctx, device, phys, bytes, dir, attrs, route === NOT_PEER, true);
}

/** Ends a mapping of {@link directMapPhys}. */
export function directUnmapPhys(
  ctx: HostContext,
  device: DmaDevice,
  dmaAddr: DmaAddr,
  bytes: number,
  dir: number,
  attrs: number,
): void {
  if ((attrs & ATTR.mmio) !== 0) return;
  const phys = dmaToPhys(device.dmaRanges, dmaAddr);
  if ((attrs & ATTR.skipCpuSync) === 0) syncLinesForCpu(ctx, device, phys, bytes, dir);
  if (findPool(ctx.arena, device, phys) === null) return;
  ctx.cost.path = PATH.bounce;
  swiotlbUnmap(ctx, device, phys, bytes, dir, attrs);
}

/** Every entry by itself (dma_direct_map_sg): `nents`, or -(failure code) with the entries before undone. */
export function directMapSg(
  ctx: HostContext,
  device: DmaDevice,
  sg: number,
  nents: number,
  dir: number,
  attrs: number,
): number {
  let at = sg;
  for (let i = 0; i < nents; i += 1) {
    const status = at === 0 ? -MAP_FAILURES.invalid.code : mapEntry(ctx, device, at, dir, attrs);
    if (status < 0) {
      // The device has not run: nothing may be copied back into the caller's memory.
      directUnmapSg(ctx, device, sg, i, dir, attrs | ATTR.skipCpuSync);
      ctx.arena.u32[sg + SG.dmaLength] = 0;
      return status;
    }
    at = sgNext(ctx.arena, at);
  }
  return nents;
}

/** Unmaps the first `origNents` entries (dma_direct_unmap_sg); bus addresses of peers hold nothing to release. */
export function directUnmapSg(
  ctx: HostContext,
  device: DmaDevice,
  sg: number,
  origNents: number,
  dir: number,
  attrs: number,
): void {
  const arena = ctx.arena;
  let at = sg;
  for (let i = 0; i < origNents && at !== 0; i += 1) {
    if (!sgIsBusAddress(arena, at)) {
      const lines = sgHasPage(arena, at) ? 0 : ATTR.skipCpuSync;
      directUnmapPhys(ctx, device, sgDmaAddress(arena, at), arena.u32[at + SG.dmaLength] as number, dir, attrs | lines);
    }
    sgUnmarkDma(arena, at);
    at = sgNext(arena, at);
  }
}

/** Makes what the device wrote visible to the CPU (dma_direct_sync_single_for_cpu): lines first, then the slot. */
export function directSyncForCpu(
  ctx: HostContext,
  device: DmaDevice,
  dmaAddr: DmaAddr,
  bytes: number,
  dir: number,
): void {
  const phys = dmaToPhys(device.dmaRanges, dmaAddr);
  syncLinesForCpu(ctx, device, phys, bytes, dir);
  if (findPool(ctx.arena, device, phys) === null) return;
  ctx.cost.path = PATH.bounce;
  swiotlbSyncForCpu(ctx, device, phys, bytes, dir);
}

/** Makes what the CPU wrote visible to the device (dma_direct_sync_single_for_device): slot first, then lines. */
export function directSyncForDevice(
  ctx: HostContext,
  device: DmaDevice,
  dmaAddr: DmaAddr,
  bytes: number,
  dir: number,
): void {
  const phys = dmaToPhys(device.dmaRanges, dmaAddr);
  if (findPool(ctx.arena, device, phys) !== null) {
    ctx.cost.path = PATH.bounce;
    swiotlbSyncForDevice(ctx, device, phys, bytes, dir);
  }
  syncLinesForDevice(ctx, device, phys, bytes);
}

function mapEntry(ctx: HostContext, device: DmaDevice, sg: number, dir: number, attrs: number): number {
  const arena = ctx.arena;
  const phys = sgPhys(arena, sg);
  const bytes = arena.u32[sg + SG.length] as number;
  const route = peerRoute(ctx, device, phys);
  if (route !== NOT_PEER) {
    ctx.cost.path = PATH.p2p;
    if (route === PEER_ROUTE.notSupported) return -MAP_FAILURES.peerUnsupported.code;
    if (route === PEER_ROUTE.busAddr) {
      sgSetDmaMarked(arena, sg, peerBusAddress(ctx, phys), bytes, SG_FLAG.busAddress);
      return 0;
    }
  }
  const dmaAddr = mapRange(ctx, device, phys, bytes, dir, attrs, route === NOT_PEER, sgHasPage(arena, sg));
  if (dmaAddr < 0) return dmaAddr;
  if (dmaAddr === directAddress(device, phys, attrs)) sgSetDma(arena, sg, dmaAddr, bytes);
  else sgSetDmaMarked(arena, sg, dmaAddr, bytes, SG_FLAG.swiotlb);
  return 0;
}

/** `isRam` false: peer memory, which is never bounced; `hasPage` false: no kernel address to copy or flush through. */
function mapRange(
  ctx: HostContext,
  device: DmaDevice,
  phys: Phys,
  bytes: number,
  dir: number,
  attrs: number,
  isRam: boolean,
  hasPage: boolean,
): number {
  const mmio = (attrs & ATTR.mmio) !== 0;
  const dmaAddr = directAddress(device, phys, attrs);
  const capable = dmaCapable(device, dmaAddr, bytes);
  if (capable && (mmio || !device.forceBounce)) {
    if (!mmio && hasPage && (attrs & ATTR.skipCpuSync) === 0) syncLinesForDevice(ctx, device, phys, bytes);
    return dmaAddr;
  }
  if (mmio || !isRam) return -MAP_FAILURES.maskOverflow.code;
  if (device.pool === null) return capable ? -MAP_FAILURES.poolFull.code : -MAP_FAILURES.maskOverflow.code;
  if (!hasPage) return -MAP_FAILURES.noPage.code;
  return bounce(ctx, device, phys, bytes, dir, attrs);
}

/** swiotlb_map: bus address of a slot that the device reaches, or -(failure code). */
function bounce(ctx: HostContext, device: DmaDevice, phys: Phys, bytes: number, dir: number, attrs: number): number {
  ctx.cost.path = PATH.bounce;
  const slot = swiotlbMap(ctx, device, phys, bytes, 0, dir, attrs);
  if (slot < 0) return slot;
  if ((attrs & ATTR.skipCpuSync) === 0) syncLinesForDevice(ctx, device, slot, bytes);
  return physToDma(device.dmaRanges, slot);
}
