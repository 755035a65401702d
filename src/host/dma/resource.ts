/**
 * MMIO of another device as a DMA target: a FIFO, a doorbell, a BAR (dma_map_resource, kernel/dma/mapping.c). There are no
 * struct pages, no bytes in caches and nothing to bounce.
 *
 * ```
 * dma-direct   the physical address itself, whatever the dma-ranges say, when the mask reaches it
 * iommu        an IOVA
 * ```
 * Since 6.18 this is dma_map_phys with DMA_ATTR_MMIO; the kernels before it behave alike. Routes between PCI peers are
 * not looked at: that is the caller's matter.
 */
import type { DmaAddr, Phys } from "../../base/addr.ts";
import type { HostContext } from "../context.ts";
import { MAP_FAILURES } from "../status.ts";
import { isDebugOn } from "./debug/session.ts";
import { ATTR, type DmaDevice } from "./device.ts";
import { mapPhys, unmapPhys } from "./map.ts";

/** pfn_valid: true when the page that holds `phys` has a struct page. Memmap is one. */
export interface PageFinder {
  hasPage(phys: Phys): boolean;
}

/**
 * Maps `bytes` of MMIO at `phys`, which need not fill pages: its DMA address, or -(failure code). A kernel with dma-debug refuses
 * memory that has struct pages; one without does as it is told. 4.1 has no such call.
 */
export function mapResource(
  ctx: HostContext,
  device: DmaDevice,
  pages: PageFinder,
  phys: Phys,
  bytes: number,
  dir: number,
  attrs: number,
): number {
  if (ctx.era === "4.1") return -MAP_FAILURES.notSupported.code;
  if (isDebugOn(ctx.arena) && pages.hasPage(phys)) return -MAP_FAILURES.invalid.code;
  return mapPhys(ctx, device, phys, bytes, dir, attrs | ATTR.mmio);
}

/** Ends a mapping of {@link mapResource} (dma_unmap_resource). */
export function unmapResource(
  ctx: HostContext,
  device: DmaDevice,
  dmaAddr: DmaAddr,
  bytes: number,
  dir: number,
  attrs: number,
): void {
  unmapPhys(ctx, device, dmaAddr, bytes, dir, attrs | ATTR.mmio);
}
