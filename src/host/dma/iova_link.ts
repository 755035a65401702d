/**
 * The two-step mapping API [6.16+] (drivers/iommu/dma-iommu.c: dma_iova_try_alloc, dma_iova_link, dma_iova_sync,
 * dma_iova_unlink, dma_iova_destroy, dma_iova_free): one IOVA range first, then physical ranges linked into it.
 *
 * ```
 * tryAlloc   |----------- state.addr, state.bytes -----------|     no page table yet
 * link         [ range 0 ][ range 1 ]      [ range 2 ]             whole granules, but for the first start and last end
 * sync       before the device uses them          unlink           gone from table and IOTLB at once, the IOVA stays
 * destroy    unlink and free: the IOTLB flush may wait (lazy)
 * ```
 * The state is the driver's, like the lists it maps. What must stay true: a range is linked once before it is unlinked,
 * and the IOVA is freed once.
 */
import { alignUp, type Phys } from "../../base/addr.ts";
import { PATH } from "../../base/cost.ts";
import type { HostContext } from "../context.ts";
import { allocDmaIova, freeDmaIova } from "../iommu/dma_iova.ts";
import { MAP_FAILURES } from "../status.ts";
import { ATTR, type DmaDevice } from "./device.ts";
import { fillsGranules } from "./dma_iommu_untrusted.ts";
import { linkBounced } from "./iova_link_bounce.ts";
import { clearLinked, type DmaIovaState, linkGranules } from "./iova_link_range.ts";
import { granuleBytes } from "./limits.ts";

/** True when {@link dmaIovaTryAlloc} succeeded for the state. */
export function dmaUseIova(state: DmaIovaState): boolean {
  return state.bytes !== 0;
}

/**
 * Takes IOVA space for `bytes` bytes of which the first lies at `phys` (only its offset in a granule counts). False, with
 * an empty state, when the device has no IOMMU, `bytes` is 0 or the space is exhausted.
 */
export function dmaIovaTryAlloc(
  ctx: HostContext,
  device: DmaDevice,
  state: DmaIovaState,
  phys: Phys,
  bytes: number,
): boolean {
  state.addr = 0;
  state.bytes = 0;
  state.bounced = false;
  const domain = device.domain;
  if (domain === null || bytes <= 0) return false;
  ctx.cost.path = PATH.iommu;
  const granule = granuleBytes(domain);
  const offset = phys & (granule - 1);
  const iova = allocDmaIova(ctx, device, alignUp(bytes + offset, granule));
  if (iova < 0) return false;
  state.addr = iova + offset;
  state.bytes = bytes;
  return true;
}

/**
 * Maps [phys, phys + bytes) at `offset` of the range; 0, or -(failure code) with nothing of this call left mapped.
 * Refuses a later range that starts inside a granule (-EIO), a bounce that an attribute forbids (-EPERM), and
 * ATTR.requireCoherent where caches or slots would be in between (-EOPNOTSUPP). A hole between ranges is not checked.
 */
export function dmaIovaLink(
  ctx: HostContext,
  device: DmaDevice,
  state: DmaIovaState,
  phys: Phys,
  offset: number,
  bytes: number,
  dir: number,
  attrs: number,
): number {
  const domain = device.domain;
  if (domain === null || state.bytes === 0) return -MAP_FAILURES.notSupported.code;
  const granule = granuleBytes(domain);
  const pad = phys & (granule - 1);
  if (pad !== 0 && offset > 0) return -MAP_FAILURES.unalignedLink.code;
  ctx.cost.path = PATH.iommu;
  ctx.cost.sgEntries += 1;
  if (device.untrusted && !fillsGranules(domain, phys, bytes)) {
    if ((attrs & (ATTR.mmio | ATTR.requireCoherent)) !== 0) return -MAP_FAILURES.bounceForbidden.code;
    return linkBounced(ctx, device, domain, state, phys, offset, bytes, dir, attrs);
  }
  if ((attrs & ATTR.requireCoherent) !== 0 && (!device.coherent || state.bounced)) {
    return -MAP_FAILURES.notSupported.code;
  }
  const start = state.addr + offset - pad;
  return linkGranules(ctx, device, domain, start, phys - pad, alignUp(bytes + pad, granule), dir, attrs);
}

/**
 * Makes linked ranges usable (iommu_sync_map): 0, or -(failure code) without an IOMMU. Nothing else happens here: the
 * simulated units keep no absent translation that would have to be dropped.
 */
export function dmaIovaSync(
  _ctx: HostContext,
  device: DmaDevice,
  state: DmaIovaState,
  _offset: number,
  _bytes: number,
): number {
  return device.domain === null || state.bytes === 0 ? -MAP_FAILURES.notSupported.code : 0;
}

/** Takes linked ranges out of page table and IOTLB, in both modes at once; the IOVA stays allocated. */
export function dmaIovaUnlink(
  ctx: HostContext,
  device: DmaDevice,
  state: DmaIovaState,
  offset: number,
  bytes: number,
  dir: number,
  attrs: number,
): void {
  const domain = device.domain;
  if (domain === null || state.bytes === 0 || bytes <= 0) return;
  clearLinked(ctx, device, domain, state, offset, bytes, dir, attrs, true);
}

/** Unlinks the first `mappedBytes` and frees the whole IOVA range; in a lazy domain the IOTLB is flushed later. */
export function dmaIovaDestroy(
  ctx: HostContext,
  device: DmaDevice,
  state: DmaIovaState,
  mappedBytes: number,
  dir: number,
  attrs: number,
): void {
  const domain = device.domain;
  if (domain === null || state.bytes === 0) return;
  if (mappedBytes > 0) {
    clearLinked(ctx, device, domain, state, 0, mappedBytes, dir, attrs, domain.mode === "strict");
  }
  dmaIovaFree(ctx, device, state);
}

/** Gives the IOVA range back; everything is unlinked. */
export function dmaIovaFree(ctx: HostContext, device: DmaDevice, state: DmaIovaState): void {
  const domain = device.domain;
  if (domain === null || state.bytes === 0) return;
  ctx.cost.path = PATH.iommu;
  const granule = granuleBytes(domain);
  const pad = state.addr & (granule - 1);
  freeDmaIova(ctx, domain, state.addr - pad, alignUp(state.bytes + pad, granule));
  state.bytes = 0;
}
