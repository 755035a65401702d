/**
 * The DMA API's streaming calls and the one decision between its paths (kernel/dma/mapping.c).
 *
 * ```
 * device.domain null ─ direct ─ reachable: the bus address         PATH.direct
 *                    │        └ else or forced: a bounce slot      PATH.bounce
 *                    └ a domain: an IOVA                           PATH.iommu
 *                              └ untrusted, partial granules       PATH.bounce
 * peer memory below the same switch: its bus address               PATH.p2p
 * ```
 * Every call adds to ctx.cost and sets its path. Map calls return a positive result or -(code of MAP_FAILURES);
 * `dir` is a DIR, `attrs` ATTR bits. dma_map_single and dma_map_page are mapPhys; dma_map_resource is in
 * resource.ts.
 */
import type { DmaAddr, Iova, Phys } from "../../base/addr.ts";
import { PATH } from "../../base/cost.ts";
import { SG } from "../../shm/layout.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import type { HostContext } from "../context.ts";
import { MAP_FAILURES } from "../status.ts";
import { findPool } from "../swiotlb/pools.ts";
import { syncLinesForCpu, syncLinesForDevice } from "./cache_sync.ts";
import { DIR, type DmaDevice } from "./device.ts";
import {
  directMapPhys,
  directMapSg,
  directSyncForCpu,
  directSyncForDevice,
  directUnmapPhys,
  directUnmapSg,
} from "./direct.ts";
import { iommuMapPhys, iommuUnmapPhys } from "./dma_iommu.ts";
import { iommuMapSg, iommuUnmapSg } from "./dma_iommu_sg.ts";
import {
  untrustedMapPhys,
  untrustedMapSg,
  untrustedSyncForCpu,
  untrustedSyncForDevice,
  untrustedUnmapPhys,
  untrustedUnmapSg,
} from "./dma_iommu_untrusted.ts";
import { dmaToPhys } from "./range_map.ts";
import { sgDmaAddress, sgIsBusAddress } from "./scatterlist.ts";

/**
 * Maps a list (dma_map_sgtable): the number of DMA entries that the device is to take, from the first on, or -(failure
 * code) with nothing left mapped. Unmap with the same `nents`, not with the result.
 */
export function mapSg(
  ctx: HostContext,
  device: DmaDevice,
  sg: number,
  nents: number,
  dir: number,
  attrs: number,
): number {
  if (nents <= 0 || sg <= 0 || !isTransferDir(dir)) return -MAP_FAILURES.invalid.code;
  ctx.cost.sgEntries += nents;
  const domain = device.domain;
  if (domain === null) {
    ctx.cost.path = PATH.direct;
    return directMapSg(ctx, device, sg, nents, dir, attrs);
  }
  ctx.cost.path = PATH.iommu;
  if (device.untrusted) return untrustedMapSg(ctx, device, domain, sg, nents, dir, attrs);
  return iommuMapSg(ctx, device, domain, sg, nents, dir, attrs);
}

/** Ends a mapping of {@link mapSg}; `origNents` is what was passed there. */
export function unmapSg(
  ctx: HostContext,
  device: DmaDevice,
  sg: number,
  origNents: number,
  dir: number,
  attrs: number,
): void {
  ctx.cost.sgEntries += origNents;
  const domain = device.domain;
  if (domain === null) {
    ctx.cost.path = PATH.direct;
    directUnmapSg(ctx, device, sg, origNents, dir, attrs);
    return;
  }
  ctx.cost.path = PATH.iommu;
  if (device.untrusted) untrustedUnmapSg(ctx, device, domain, sg, origNents, dir, attrs);
  else iommuUnmapSg(ctx, device, domain, sg, origNents, dir, attrs);
}

/** Maps one physical range (dma_map_phys): its DMA address, or -(failure code). */
export function mapPhys(
  ctx: HostContext,
  device: DmaDevice,
  phys: Phys,
  bytes: number,
  dir: number,
  attrs: number,
): number {
  if (bytes <= 0 || !isTransferDir(dir)) return -MAP_FAILURES.invalid.code;
  ctx.cost.sgEntries += 1;
  const domain = device.domain;
  if (domain === null) {
    ctx.cost.path = PATH.direct;
    return directMapPhys(ctx, device, phys, bytes, dir, attrs);
  }
  ctx.cost.path = PATH.iommu;
  if (device.untrusted) return untrustedMapPhys(ctx, device, domain, phys, bytes, dir, attrs);
  return iommuMapPhys(ctx, device, domain, phys, bytes, dir, attrs);
}

/** Ends a mapping of {@link mapPhys}. */
export function unmapPhys(
  ctx: HostContext,
  device: DmaDevice,
  dmaAddr: DmaAddr,
  bytes: number,
  dir: number,
  attrs: number,
): void {
  ctx.cost.sgEntries += 1;
  const domain = device.domain;
  if (domain === null) {
    ctx.cost.path = PATH.direct;
    directUnmapPhys(ctx, device, dmaAddr, bytes, dir, attrs);
    return;
  }
  ctx.cost.path = PATH.iommu;
  if (device.untrusted) untrustedUnmapPhys(ctx, device, domain, dmaAddr as Iova, bytes, dir, attrs);
  else iommuUnmapPhys(ctx, device, domain, dmaAddr as Iova, bytes, dir, attrs);
}

/** Lets the CPU see what the device wrote to any part of one mapping. */
export function syncSingleForCpu(
  ctx: HostContext,
  device: DmaDevice,
  dmaAddr: DmaAddr,
  bytes: number,
  dir: number,
): void {
  const domain = device.domain;
  if (domain === null) {
    directSyncForCpu(ctx, device, dmaAddr, bytes, dir);
    return;
  }
  syncLinesForCpu(ctx, device, dmaAddr as Phys, bytes, dir);
  if (device.untrusted) untrustedSyncForCpu(ctx, device, domain, dmaAddr as Iova, bytes, dir);
}

/** Lets the device see what the CPU wrote to any part of one mapping. */
export function syncSingleForDevice(
  ctx: HostContext,
  device: DmaDevice,
  dmaAddr: DmaAddr,
  bytes: number,
  dir: number,
): void {
  const domain = device.domain;
  if (domain === null) {
    directSyncForDevice(ctx, device, dmaAddr, bytes, dir);
    return;
  }
  if (device.untrusted) untrustedSyncForDevice(ctx, device, domain, dmaAddr as Iova, bytes, dir);
  syncLinesForDevice(ctx, device, dmaAddr as Phys, bytes);
}

/** {@link syncSingleForCpu} of a whole mapped list. */
export function syncSgForCpu(ctx: HostContext, device: DmaDevice, sg: number, origNents: number, dir: number): void {
  if (skipsSync(device)) return;
  const arena = ctx.arena;
  let at = sg;
  for (let i = 0; i < origNents && at !== 0; i += 1) {
    const bytes = arena.u32[at + SG.dmaLength] as number;
    if (bytes > 0 && !sgIsBusAddress(arena, at)) syncSingleForCpu(ctx, device, sgDmaAddress(arena, at), bytes, dir);
    at = sgNext(arena, at);
  }
}

/** {@link syncSingleForDevice} of a whole mapped list. */
export function syncSgForDevice(ctx: HostContext, device: DmaDevice, sg: number, origNents: number, dir: number): void {
  if (skipsSync(device)) return;
  const arena = ctx.arena;
  let at = sg;
  for (let i = 0; i < origNents && at !== 0; i += 1) {
    const bytes = arena.u32[at + SG.dmaLength] as number;
    if (bytes > 0 && !sgIsBusAddress(arena, at)) syncSingleForDevice(ctx, device, sgDmaAddress(arena, at), bytes, dir);
    at = sgNext(arena, at);
  }
}

/**
 * False when a sync of the mapped list does nothing: the device snoops, and no entry lies in a bounce pool (dma_need_sync). Holds as
 * long as the mapping.
 */
export function needsSync(ctx: HostContext, device: DmaDevice, sg: number, origNents: number): boolean {
  if (skipsSync(device)) return false;
  if (!device.coherent || device.domain !== null) return true;
  const arena = ctx.arena;
  let at = sg;
  for (let i = 0; i < origNents && at !== 0; i += 1) {
    if (!sgIsBusAddress(arena, at)) {
      const phys = dmaToPhys(device.dmaRanges, sgDmaAddress(arena, at));
      if (findPool(arena, device, phys) !== null) return true;
    }
    at = sgNext(arena, at);
  }
  return false;
}

/** True when a sync of this device never does anything: it snoops and cannot have bounced. */
export function skipsSync(device: DmaDevice): boolean {
  return device.coherent && (device.pool === null || (device.domain !== null && !device.untrusted));
}

function isTransferDir(dir: number): boolean {
  return dir === DIR.toDevice || dir === DIR.fromDevice || dir === DIR.bidirectional;
}
