/**
 * The mechanism of rows that allocate entry by entry and merge afterwards, when the ranges happen to be adjacent in DMA
 * space: powerpc's tables and sparc64's (ppc_iommu_map_sg, dma_4u_map_sg; kernel 4.1).
 *
 * The page-join is seen on the DMA side: the next range begins where the previous bytes ended.
 */
import type { DmaAddr } from "../../base/addr.ts";
import { SG } from "../../shm/layout.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { sgDmaAddress, sgDmaLength, sgLength, sgSetDma } from "../dma/scatterlist.ts";
import { releaseRange } from "./per_entry.ts";
import type { ArchRequest } from "./types.ts";
import type { ArchWork } from "./work.ts";

/** What differs between the rows that merge by adjacency. */
export interface RunRules {
  /** DMA address of one entry with its translations written, -1 = no room (logged). */
  mapOne(sg: number, entry: number): DmaAddr;
  /** False: the open segment, which began at entry `startSg`, may not take `bytes` more. */
  mayExtend(outAddr: DmaAddr, outBytes: number, startSg: number, bytes: number): boolean;
}

/** Maps the list; 0 after an undo. Entries of length 0 are passed over and break adjacency. */
export function mapAdjacent(request: ArchRequest, work: ArchWork, rules: RunRules): number {
  const { arena } = request.ctx;
  let out = request.sg;
  let count = 1;
  let startSg = request.sg;
  let next = 0;
  arena.u32[out + SG.dmaLength] = 0;
  let sg = request.sg;
  for (let i = 0; i < request.nents && sg !== 0; i += 1, sg = sgNext(arena, sg)) {
    const bytes = sgLength(arena, sg);
    if (bytes === 0) {
      next = 0;
      continue;
    }
    const dmaAddr = rules.mapOne(sg, i);
    if (dmaAddr < 0) return undo(request, work, count);
    if (startSg !== sg) {
      const outBytes = sgDmaLength(arena, out);
      const fits = dmaAddr === next && outBytes + bytes <= request.device.maxSegBytes;
      if (fits && rules.mayExtend(sgDmaAddress(arena, out), outBytes, startSg, bytes)) {
        arena.u32[out + SG.dmaLength] = outBytes + bytes;
      } else {
        startSg = sg;
        count += 1;
        out = sgNext(arena, out);
      }
    }
    if (startSg === sg) sgSetDma(arena, out, dmaAddr, bytes);
    next = dmaAddr + bytes;
  }
  const after = sgNext(arena, out);
  if (count < request.nents && after !== 0) arena.u32[after + SG.dmaLength] = 0;
  return count;
}

/** Releases what the first `count` DMA entries hold and forgets them. */
function undo(request: ArchRequest, work: ArchWork, count: number): number {
  const { arena } = request.ctx;
  let sg = request.sg;
  for (let i = 0; i < count && sg !== 0; i += 1, sg = sgNext(arena, sg)) {
    const bytes = sgDmaLength(arena, sg);
    if (bytes !== 0) releaseRange(request, work, sgDmaAddress(arena, sg), bytes);
    arena.u32[sg + SG.dmaLength] = 0;
  }
  return 0;
}
