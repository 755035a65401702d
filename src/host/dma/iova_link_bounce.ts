/**
 * Linking for devices on an external port (iommu_dma_iova_link_swiotlb): granules that the range fills are mapped in place, a
 * partial first or last one lies in a bounce slot of its own.
 *
 * ```
 * range   ..[head][ whole granules ][tail]..
 *             |           |            |
 *           slot       in place      slot          the slots' other bytes are zero
 * ```
 */
import type { Phys } from "../../base/addr.ts";
import { PATH } from "../../base/cost.ts";
import type { HostContext } from "../context.ts";
import { MAP_FAILURES } from "../status.ts";
import { swiotlbMap, swiotlbUnmap } from "../swiotlb/bounce.ts";
import { ATTR, type DmaDevice, type DmaDomain } from "./device.ts";
import { padSlot } from "./dma_iommu_untrusted.ts";
import { clearLinked, type DmaIovaState, linkGranules } from "./iova_link_range.ts";
import { granuleBytes } from "./limits.ts";

/** {@link dmaIovaLink} of a range that does not fill granules; marks the state. */
export function linkBounced(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  state: DmaIovaState,
  phys: Phys,
  offset: number,
  bytes: number,
  dir: number,
  attrs: number,
): number {
  const granule = granuleBytes(domain);
  const pad = phys & (granule - 1);
  const head = pad === 0 ? 0 : Math.min(bytes, granule - pad);
  const tail = (bytes - head) & (granule - 1);
  const middle = bytes - head - tail;
  let status = head > 0 ? linkSlot(ctx, device, domain, state, phys, offset, head, dir, attrs) : 0;
  if (status < 0) return status;
  let linked = head;
  if (middle > 0) {
    status = linkGranules(ctx, device, domain, state.addr + offset + linked, phys + linked, middle, dir, attrs);
    if (status === 0) linked += middle;
  }
  if (status === 0 && tail > 0) {
    status = linkSlot(ctx, device, domain, state, phys + linked, offset + linked, tail, dir, attrs);
  }
  // The device has not run: nothing may be copied back.
  if (status < 0 && linked > 0) {
    clearLinked(ctx, device, domain, state, offset, linked, dir, attrs | ATTR.skipCpuSync, true);
  }
  return status;
}

/** A partial granule through a slot; 0, or -(failure code) with the slot given back. */
function linkSlot(
  ctx: HostContext,
  device: DmaDevice,
  domain: DmaDomain,
  state: DmaIovaState,
  phys: Phys,
  offset: number,
  bytes: number,
  dir: number,
  attrs: number,
): number {
  const granule = granuleBytes(domain);
  const pad = phys & (granule - 1);
  const slot = swiotlbMap(ctx, device, phys, bytes, granule - 1, dir, attrs);
  if (slot < 0) return slot;
  ctx.cost.path = PATH.bounce;
  const padded = padSlot(ctx, domain, slot, bytes);
  // The slot keeps the offset only for a device whose min_align_mask covers the granule; else the kernel's map fails too.
  const status = padded
    ? linkGranules(ctx, device, domain, state.addr + offset - pad, slot - pad, granule, dir, attrs)
    : -MAP_FAILURES.noBacking.code;
  if (status < 0) swiotlbUnmap(ctx, device, slot, bytes, dir, attrs | ATTR.skipCpuSync);
  else state.bounced = true;
  return status;
}
