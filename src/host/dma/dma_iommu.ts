/**
 * One range through the IOMMU (drivers/iommu/dma-iommu.c: __iommu_dma_map, __iommu_dma_unmap, iommu_dma_map_phys).
 *
 * What must stay true: page-table entries are gone before the IOTLB is invalidated, and the IOVA is free for others only
 * after that (strict), or after the flush that the queue waits for (lazy).
 */
import { alignUp, type Iova, type Phys } from "../../base/addr.ts";
import { COST_LOCK, PATH } from "../../base/cost.ts";
import { type PageTableFormat, PROT } from "../../pagetable/format.ts";
import { mapRange, unmapRange } from "../../pagetable/mapper.ts";
import { VTD_SECOND_LEVEL } from "../../pagetable/vtd.ts";
import { type HostContext, PEER_ROUTE } from "../context.ts";
import { flushDeviceTlb } from "../iommu/device_tlb.ts";
import { allocDmaIova, freeDmaIova } from "../iommu/dma_iova.ts";
import { freeIovaFast } from "../iommu/magazine.ts";
import { MAP_FAILURES } from "../status.ts";
import { syncLinesForCpu, syncLinesForDevice } from "./cache_sync.ts";
import { ATTR, DIR, type DmaDevice, type DmaDomain } from "./device.ts";
import { granuleBytes } from "./limits.ts";
import { NOT_PEER, peerRoute } from "./peer_entry.ts";

/** Page-table format of the domain. */
export function domainFormat(domain: DmaDomain): PageTableFormat {
  return domain.format ?? VTD_SECOND_LEVEL;
}

/** PROT bits of a direction (dma_info_to_prot): what the device may do. */
export function dirProt(dir: number): number {
  if (dir === DIR.toDevice) return PROT.read;
  return dir === DIR.fromDevice ? PROT.write : PROT.read | PROT.write;
}

/** Maps one range for a trusted device: its IOVA, or -(failure code). */
export function iommuMapPhys(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  phys: Phys,
  bytes: number,
  dir: number,
  attrs: number,
): number {
  // MMIO: whoever maps it has looked at the way itself.
  const route = (attrs & ATTR.mmio) !== 0 ? NOT_PEER : peerRoute(ctx, device, phys);
  if (route !== NOT_PEER) {
    if (route === PEER_ROUTE.notSupported) return -MAP_FAILURES.peerUnsupported.code;
    ctx.cost.path = PATH.p2p;
  }
  if (!device.coherent && (attrs & (ATTR.skipCpuSync | ATTR.mmio)) === 0) syncLinesForDevice(ctx, device, phys, bytes);
  return mapIova(ctx, device, domain, phys, bytes, dirProt(dir));
}

/** Ends a mapping of {@link iommuMapPhys}. */
export function iommuUnmapPhys(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  iova: Iova,
  bytes: number,
  dir: number,
  attrs: number,
): void {
  // An IOVA keeps its memory's offset in the granule, so that the lines can be counted without a walk.
  if (!device.coherent && (attrs & (ATTR.skipCpuSync | ATTR.mmio)) === 0)
    syncLinesForCpu(ctx, device, iova as number, bytes, dir);
  unmapIova(ctx, domain, iova, bytes);
}

/** Takes an IOVA for whole granules around the range and writes the page table: IOVA of `phys`, or -(failure code). */
export function mapIova(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  phys: Phys,
  bytes: number,
  prot: number,
): number {
  const granule = granuleBytes(domain);
  if (device.minAlignMask > granule - 1) return -MAP_FAILURES.invalid.code;
  const offset = phys & (granule - 1);
  const iovaBytes = alignUp(bytes + offset, granule);
  const iova = allocDmaIova(ctx, device, iovaBytes);
  if (iova < 0) return -MAP_FAILURES.noIova.code;
  const start = phys - offset;
  const format = domain.format ?? VTD_SECOND_LEVEL;
  const mapped = mapRange(ctx.arena, ctx.lockOwner, domain.index, format, iova, start, iovaBytes, prot, ctx.cost);
  if (mapped === iovaBytes) return iova + offset;
  undoMap(ctx, domain, iova, mapped, iovaBytes);
  return -MAP_FAILURES.noTable.code;
}

/** Takes the granules around [iova, iova + bytes) out of the page table and gives the IOVA back. */
export function unmapIova(ctx: HostContext, domain: DmaDomain, iova: Iova, bytes: number): void {
  const granule = granuleBytes(domain);
  const offset = iova & (granule - 1);
  const start = iova - offset;
  const iovaBytes = alignUp(bytes + offset, granule);
  const format = domain.format ?? VTD_SECOND_LEVEL;
  unmapRange(ctx.arena, ctx.lockOwner, domain.index, format, start, iovaBytes, ctx.cost);
  if (domain.mode === "strict") invalidate(ctx, domain, start, iovaBytes);
  freeDmaIova(ctx, domain, start, iovaBytes);
}

/** After a map that ran out of tables: `mapped` bytes are cleared and invalidated, and the IOVA is free at once in both modes. */
export function undoMap(ctx: HostContext, domain: DmaDomain, iova: Iova, mapped: number, iovaBytes: number): void {
  const granule = granuleBytes(domain);
  if (mapped > 0) {
    unmapRange(ctx.arena, ctx.lockOwner, domain.index, domainFormat(domain), iova, mapped, ctx.cost);
    invalidate(ctx, domain, iova, mapped);
  }
  freeIovaFast(ctx, domain, iova / granule, iovaBytes / granule);
}

/** Takes the pages out of the IOTLB and waits for it. */
export function invalidate(ctx: HostContext, domain: DmaDomain, iova: Iova, bytes: number): void {
  const cost = ctx.cost;
  cost.invalidations += 1;
  cost.invalidatedPages += bytes / granuleBytes(domain);
  cost.addLock(COST_LOCK.invalidationQueue, domain.unit, 1);
  ctx.invalidation.invalidatePages(domain.unit, domain.index, iova, bytes);
  flushDeviceTlb(ctx, domain);
}
