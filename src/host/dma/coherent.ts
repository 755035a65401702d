/**
 * Coherent memory (dma_alloc_attrs, dma_free_attrs; kernel/dma/direct.c, drivers/iommu/dma-iommu.c): pages that CPU and device
 * share for long, such as rings.
 *
 * ```
 * direct   contiguous pages that the device reaches: the zone its mask asks for, one zone lower when they lie too high
 * iommu    pages anywhere, as large as they come, one after the other in one IOVA range
 * ```
 * The size is rounded up to whole pages (granules behind an IOMMU) and the memory is zero. Where pages come from is the
 * caller's matter (PagePort). Slow path: called when a device is set up, never per I/O.
 */
import { alignDownWide, alignUp, type DmaAddr, type Iova, PAGE_BYTES, type Phys } from "../../base/addr.ts";
import { PATH } from "../../base/cost.ts";
import { mapRange, unmapRange } from "../../pagetable/mapper.ts";
import { pageBytes } from "../../pagetable/page_size.ts";
import { WalkResult, walk } from "../../pagetable/walker.ts";
import type { HostContext } from "../context.ts";
import { allocDmaIova, freeDmaIova } from "../iommu/dma_iova.ts";
import { MAP_FAILURES } from "../status.ts";
import { ATTR, DIR, type DmaDevice, type DmaDomain } from "./device.ts";
import { dirProt, domainFormat, invalidate, undoMap } from "./dma_iommu.ts";
import { dmaCapable, dmaLimit, granuleBytes } from "./limits.ts";
import { dmaToPhys, physToDma } from "./range_map.ts";

/** Memory zones, from the one that reaches farthest. */
export const ZONE = Object.freeze({ normal: 0, dma32: 1, dma: 2 });

/** Last addresses of the two lower zones, inclusive; x86: 16 MiB and 4 GiB. */
export interface ZoneLimits {
  readonly dmaLast: Phys;
  readonly dma32Last: Phys;
}

/** ZONE_DMA ends at 16 MiB, ZONE_DMA32 at 4 GiB. */
export const ZONE_LIMITS_X86: ZoneLimits = Object.freeze({ dmaLast: 0xffffff, dma32Last: 0xffffffff });

/** The page allocator, or a pool that belongs to one device. */
export interface PagePort {
  /** First byte of contiguous pages of the zone or a lower one, aligned to their number's power of two; -1 = none. */
  take(zone: number, pages: number): Phys;
  give(phys: Phys, pages: number): void;
}

/** What {@link allocCoherent} handed out; the caller's record. */
export class CoherentBuffer {
  /** First byte as the device sees it. */
  dmaAddr: DmaAddr = 0;
  /** First byte; behind an IOMMU only the first piece lies there. */
  phys: Phys = 0;
  /** Whole pages; 0 = nothing is allocated. */
  bytes = 0;
}

/** Zone of the first attempt: the highest whose every page the device reaches (dma_direct_optimal_gfp_mask). */
export function coherentZone(device: DmaDevice, zones: ZoneLimits): number {
  const limit = dmaToPhys(device.dmaRanges, dmaLimit(device));
  if (limit <= zones.dmaLast) return ZONE.dma;
  return limit <= zones.dma32Last ? ZONE.dma32 : ZONE.normal;
}

/**
 * Allocates zeroed memory; 0, or -(failure code). ATTR.forceContiguous and allocSinglePages choose the pieces behind an IOMMU,
 * whose sizes otherwise halve from the whole until the port has them.
 */
export function allocCoherent(
  ctx: HostContext,
  device: DmaDevice,
  pages: PagePort,
  zones: ZoneLimits,
  out: CoherentBuffer,
  bytes: number,
  attrs: number,
): number {
  out.bytes = 0;
  if (bytes <= 0) return -MAP_FAILURES.invalid.code;
  const domain = device.domain;
  if (domain !== null) return allocTranslated(ctx, device, domain, pages, out, bytes, attrs);
  ctx.cost.path = PATH.direct;
  const size = alignUp(bytes, PAGE_BYTES);
  const phys = takeReachable(device, pages, zones, size);
  if (phys < 0) return phys;
  if (!ctx.copyPort.fill(phys, 0, size)) {
    pages.give(phys, size / PAGE_BYTES);
    return -MAP_FAILURES.noBacking.code;
  }
  out.phys = phys;
  out.dmaAddr = physToDma(device.dmaRanges, phys);
  out.bytes = size;
  return 0;
}

/** Gives the memory back; what is mapped is invalidated like any unmap. */
export function freeCoherent(ctx: HostContext, device: DmaDevice, pages: PagePort, buffer: CoherentBuffer): void {
  if (buffer.bytes === 0) return;
  const domain = device.domain;
  if (domain === null) pages.give(buffer.phys, buffer.bytes / PAGE_BYTES);
  else freeTranslated(ctx, domain, pages, buffer);
  buffer.bytes = 0;
}

/** Pages that the device reaches, trying lower zones; -(failure code) when there are none. */
function takeReachable(device: DmaDevice, pages: PagePort, zones: ZoneLimits, bytes: number): number {
  for (let zone = coherentZone(device, zones); zone <= ZONE.dma; zone += 1) {
    const phys = pages.take(zone, bytes / PAGE_BYTES);
    if (phys < 0) return -MAP_FAILURES.noBacking.code;
    if (dmaCapable(device, physToDma(device.dmaRanges, phys), bytes)) return phys;
    pages.give(phys, bytes / PAGE_BYTES);
  }
  return -MAP_FAILURES.maskOverflow.code;
}

function allocTranslated(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  pages: PagePort,
  out: CoherentBuffer,
  bytes: number,
  attrs: number,
): number {
  ctx.cost.path = PATH.iommu;
  const granule = granuleBytes(domain);
  const size = alignUp(bytes, granule);
  const iova = allocDmaIova(ctx, device, size);
  if (iova < 0) return -MAP_FAILURES.noIova.code;
  let piece = (attrs & ATTR.allocSinglePages) !== 0 ? granule : size;
  let done = 0;
  while (done < size) {
    piece = Math.min(piece, size - done);
    const phys = pages.take(ZONE.normal, piece / PAGE_BYTES);
    if (phys < 0) {
      if (piece === granule || (attrs & ATTR.forceContiguous) !== 0) break;
      piece = alignUp(piece / 2, granule);
      continue;
    }
    if (!placePiece(ctx, domain, iova + done, phys, piece)) {
      pages.give(phys, piece / PAGE_BYTES);
      break;
    }
    if (done === 0) out.phys = phys;
    done += piece;
  }
  if (done === size) {
    out.dmaAddr = iova;
    out.bytes = size;
    return 0;
  }
  const behind = granulesBehind(ctx, domain, iova, done);
  undoMap(ctx, domain, iova, done, size);
  giveGranules(domain, pages, behind);
  return -MAP_FAILURES.noTable.code;
}

/** Zeroes and maps one piece; false with nothing of it mapped. */
function placePiece(ctx: HostContext, domain: DmaDomain, iova: Iova, phys: Phys, bytes: number): boolean {
  if (!ctx.copyPort.fill(phys, 0, bytes)) return false;
  const format = domainFormat(domain);
  const prot = dirProt(DIR.bidirectional);
  const mapped = mapRange(ctx.arena, ctx.lockOwner, domain.index, format, iova, phys, bytes, prot, ctx.cost);
  if (mapped < bytes) unmapRange(ctx.arena, ctx.lockOwner, domain.index, format, iova, mapped, ctx.cost);
  return mapped === bytes;
}

function freeTranslated(ctx: HostContext, domain: DmaDomain, pages: PagePort, buffer: CoherentBuffer): void {
  const iova = buffer.dmaAddr as Iova;
  const behind = granulesBehind(ctx, domain, iova, buffer.bytes);
  unmapRange(ctx.arena, ctx.lockOwner, domain.index, domainFormat(domain), iova, buffer.bytes, ctx.cost);
  if (domain.mode === "strict") invalidate(ctx, domain, iova, buffer.bytes);
  freeDmaIova(ctx, domain, iova, buffer.bytes);
  giveGranules(domain, pages, behind);
}

/** First byte of every granule behind a range; the page table knows them. */
function granulesBehind(ctx: HostContext, domain: DmaDomain, iova: Iova, bytes: number): Phys[] {
  const granule = granuleBytes(domain);
  const found = new WalkResult();
  const behind: Phys[] = [];
  for (let at = iova; at < iova + bytes; at += granule) {
    if (!walk(ctx.arena, domain.index, domainFormat(domain), at, found)) continue;
    behind.push(found.phys + at - alignDownWide(at, pageBytes(found.pageShift)));
  }
  return behind;
}

/** Pages go back one granule at a time, as the kernel frees its page array, and only once the table has let go of them. */
function giveGranules(domain: DmaDomain, pages: PagePort, behind: readonly Phys[]): void {
  for (const phys of behind) pages.give(phys, granuleBytes(domain) / PAGE_BYTES);
}
