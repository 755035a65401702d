/** A mapping by the two-step API: one IOVA range first, then every piece linked into it (dma_iova_try_alloc, dma_iova_link). */
import type { HostContext } from "../../host/context.ts";
import { dmaIovaDestroy, dmaIovaLink, dmaIovaSync, dmaIovaTryAlloc } from "../../host/dma/iova_link.ts";
import { DmaIovaState } from "../../host/dma/iova_link_range.ts";
import { sgSetDma } from "../../host/dma/scatterlist.ts";
import { MAP_FAILURES } from "../../host/status.ts";
import type { Live } from "./live.ts";
import type { Piece } from "./operation.ts";

/** Maps an operation; the list's first entry then holds the range. 1, or -(failure code) with nothing left mapped. */
export function linkPieces(ctx: HostContext, live: Live): number {
  const { op, device, starts, bytes } = live;
  const state = new DmaIovaState();
  live.iova = state;
  if (!dmaIovaTryAlloc(ctx, device, state, starts[0] as number, bytes)) return -MAP_FAILURES.noIova.code;
  let linked = 0;
  for (let i = 0; i < op.pieces.length; i += 1) {
    const length = (op.pieces[i] as Piece).bytes;
    const failure = dmaIovaLink(ctx, device, state, starts[i] as number, linked, length, op.dir, op.attrs);
    if (failure !== 0) {
      dmaIovaDestroy(ctx, device, state, linked, op.dir, op.attrs);
      return failure;
    }
    linked += length;
  }
  dmaIovaSync(ctx, device, state, 0, bytes);
  sgSetDma(ctx.arena, live.sg, state.addr, bytes);
  return 1;
}

/** Ends a mapping of {@link linkPieces}. */
export function destroyRange(ctx: HostContext, live: Live): void {
  const { op, device, bytes, iova } = live;
  if (iova !== null) dmaIovaDestroy(ctx, device, iova, bytes, op.dir, op.attrs);
  live.iova = null;
}
