/** A list of ranges mapped one by one by dma_map_resource, with what each got noted in its entry. */
import type { HostContext } from "../../host/context.ts";
import type { DmaDevice } from "../../host/dma/device.ts";
import { mapResource, type PageFinder, unmapResource } from "../../host/dma/resource.ts";
import { sgDmaAddress, sgDmaLength, sgLength, sgPhys, sgSetDma } from "../../host/dma/scatterlist.ts";
import { sgNext } from "../../shm/sg_entry.ts";

/** Maps the first `nents` entries: `nents`, or -(failure code) with the entries before undone. */
export function mapResources(
  ctx: HostContext,
  device: DmaDevice,
  pages: PageFinder,
  sg: number,
  nents: number,
  dir: number,
  attrs: number,
): number {
  let at = sg;
  for (let i = 0; i < nents; i += 1) {
    const bytes = sgLength(ctx.arena, at);
    const dmaAddr = mapResource(ctx, device, pages, sgPhys(ctx.arena, at), bytes, dir, attrs);
    if (dmaAddr < 0) {
      unmapResources(ctx, device, sg, i, dir, attrs);
      return dmaAddr;
    }
    sgSetDma(ctx.arena, at, dmaAddr, bytes);
    at = sgNext(ctx.arena, at);
  }
  return nents;
}

/** Ends the mappings of {@link mapResources}. */
export function unmapResources(
  ctx: HostContext,
  device: DmaDevice,
  sg: number,
  nents: number,
  dir: number,
  attrs: number,
): void {
  let at = sg;
  for (let i = 0; i < nents; i += 1) {
    unmapResource(ctx, device, sgDmaAddress(ctx.arena, at), sgDmaLength(ctx.arena, at), dir, attrs);
    at = sgNext(ctx.arena, at);
  }
}
