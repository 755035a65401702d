/**
 * Devices on an external port behind the IOMMU (iommu_dma_map_swiotlb, iommu_dma_map_sg_swiotlb): a granule that they
 * share with other data would expose it, so ranges that do not fill granules go through bounce slots of whole,
 * zero-padded granules. Slow path: it may allocate.
 */
import { alignDownWide, alignUp, type Iova, type Phys } from "../../base/addr.ts";
import { PATH } from "../../base/cost.ts";
import { pageBytes } from "../../pagetable/page_size.ts";
import { WalkResult, walk } from "../../pagetable/walker.ts";
import { SG } from "../../shm/layout.ts";
import { SG_FLAG, sgNext } from "../../shm/sg_entry.ts";
import type { HostContext } from "../context.ts";
import { MAP_FAILURES } from "../status.ts";
import { swiotlbMap, swiotlbSyncForCpu, swiotlbSyncForDevice, swiotlbUnmap } from "../swiotlb/bounce.ts";
import { findPool } from "../swiotlb/pools.ts";
import { ATTR, type DmaDevice, type DmaDomain } from "./device.ts";
import { domainFormat, iommuMapPhys, iommuUnmapPhys } from "./dma_iommu.ts";
import { granuleBytes } from "./limits.ts";
import { sgDmaAddress, sgHasPage, sgPhys, sgSetDma, sgSetDmaMarked, sgUnmarkDma } from "./scatterlist.ts";

/** Maps one range, bouncing it unless it fills granules: its IOVA, or -(failure code). */
export function untrustedMapPhys(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  phys: Phys,
  bytes: number,
  dir: number,
  attrs: number,
): number {
  if (fillsGranules(domain, phys, bytes) || (attrs & ATTR.mmio) !== 0) {
    return iommuMapPhys(ctx, device, domain, phys, bytes, dir, attrs);
  }
  const granule = granuleBytes(domain);
  const slot = swiotlbMap(ctx, device, phys, bytes, granule - 1, dir, attrs);
  if (slot < 0) return slot;
  ctx.cost.path = PATH.bounce;
  const status = padAndMap(ctx, device, domain, slot, bytes, dir, attrs);
  if (status < 0) swiotlbUnmap(ctx, device, slot, bytes, dir, attrs | ATTR.skipCpuSync);
  return status;
}

/** Ends a mapping of {@link untrustedMapPhys}. */
export function untrustedUnmapPhys(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  iova: Iova,
  bytes: number,
  dir: number,
  attrs: number,
): void {
  const slot = slotBehind(ctx, device, domain, iova);
  iommuUnmapPhys(ctx, device, domain, iova, bytes, dir, attrs);
  if (slot < 0) return;
  ctx.cost.path = PATH.bounce;
  swiotlbUnmap(ctx, device, slot, bytes, dir, attrs);
}

/** Entry by entry, nothing joined: `nents`, or -(failure code) with the entries before undone. */
export function untrustedMapSg(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  sg: number,
  nents: number,
  dir: number,
  attrs: number,
): number {
  let at = sg;
  for (let i = 0; i < nents; i += 1) {
    const status = at === 0 ? -MAP_FAILURES.invalid.code : mapEntry(ctx, device, domain, at, dir, attrs);
    if (status < 0) {
      untrustedUnmapSg(ctx, device, domain, sg, i, dir, attrs | ATTR.skipCpuSync);
      return status;
    }
    at = sgNext(ctx.arena, at);
  }
  return nents;
}

/** Ends a mapping of {@link untrustedMapSg}. */
export function untrustedUnmapSg(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  sg: number,
  origNents: number,
  dir: number,
  attrs: number,
): void {
  const arena = ctx.arena;
  let at = sg;
  for (let i = 0; i < origNents && at !== 0; i += 1) {
    const bytes = arena.u32[at + SG.dmaLength] as number;
    untrustedUnmapPhys(ctx, device, domain, sgDmaAddress(arena, at) as Iova, bytes, dir, attrs);
    sgUnmarkDma(arena, at);
    at = sgNext(arena, at);
  }
}

/** Copies what the device wrote to any part of a bounced mapping. */
export function untrustedSyncForCpu(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  iova: Iova,
  bytes: number,
  dir: number,
): void {
  const slot = slotBehind(ctx, device, domain, iova);
  if (slot >= 0) swiotlbSyncForCpu(ctx, device, slot, bytes, dir);
}

/** Copies what the CPU wrote to any part of a bounced mapping. */
export function untrustedSyncForDevice(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  iova: Iova,
  bytes: number,
  dir: number,
): void {
  const slot = slotBehind(ctx, device, domain, iova);
  if (slot >= 0) swiotlbSyncForDevice(ctx, device, slot, bytes, dir);
}

function mapEntry(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  sg: number,
  dir: number,
  attrs: number,
): number {
  const arena = ctx.arena;
  const phys = sgPhys(arena, sg);
  const bytes = arena.u32[sg + SG.length] as number;
  const bounces = !fillsGranules(domain, phys, bytes);
  if (bounces && !sgHasPage(arena, sg)) return -MAP_FAILURES.noPage.code;
  const iova = untrustedMapPhys(ctx, device, domain, phys, bytes, dir, attrs);
  if (iova < 0) return iova;
  if (bounces) sgSetDmaMarked(arena, sg, iova, bytes, SG_FLAG.swiotlb);
  else sgSetDma(arena, sg, iova, bytes);
  return 0;
}

/** Zeroes what the device sees around the mapping and maps the slot's granules. */
function padAndMap(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  slot: Phys,
  bytes: number,
  dir: number,
  attrs: number,
): number {
  if (!padSlot(ctx, domain, slot, bytes)) return -MAP_FAILURES.noBacking.code;
  return iommuMapPhys(ctx, device, domain, slot, bytes, dir, attrs);
}

/** Zeroes the rest of the granules around bounced bytes; false when they have no backing. */
export function padSlot(ctx: HostContext, domain: DmaDomain, slot: Phys, bytes: number): boolean {
  const granule = granuleBytes(domain);
  const before = slot & (granule - 1);
  const end = slot + bytes;
  const after = alignUp(end, granule) - end;
  if (before > 0 && !ctx.copyPort.fill(slot - before, 0, before)) return false;
  return after === 0 || ctx.copyPort.fill(end, 0, after);
}

/** True when nothing else shares a granule with the range. */
export function fillsGranules(domain: DmaDomain, phys: Phys, bytes: number): boolean {
  const mask = granuleBytes(domain) - 1;
  return (phys & mask) === 0 && (bytes & mask) === 0;
}

/** Bounce slot that `iova` translates to, -1 when it is not bounced. */
function slotBehind(ctx: HostContext, device: DmaDevice, domain: DmaDomain, iova: Iova): number {
  if (device.pool === null) return -1;
  const result = new WalkResult();
  if (!walk(ctx.arena, domain.index, domainFormat(domain), iova, result)) return -1;
  const phys = result.phys + iova - alignDownWide(iova, pageBytes(result.pageShift));
  return findPool(ctx.arena, device, phys) === null ? -1 : phys;
}
