/**
 * Alpha's first pass over a list (sg_classify): who leads a run, who follows and how. The marks stand where the DMA side
 * will be written later, as in the kernel.
 */
import { SG } from "../../shm/layout.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { sgDmaAddress, sgDmaLength, sgLength, sgPhys } from "../dma/scatterlist.ts";
import { seamOf } from "./merge.ts";
import type { ArchRequest } from "./types.ts";

/** Marks of leaders: all followers contiguous, or some only page-joined. */
export const LEADER = Object.freeze({ contiguous: 0, joined: 1 });
/** Marks of followers. */
export const FOLLOWER = Object.freeze({ contiguous: -1, joined: -2 });

/** What {@link classifyAlpha} wrote. */
export interface AlphaClasses {
  readonly leaders: readonly { readonly flag: number; readonly length: number }[];
  readonly followers: readonly number[];
}

/**
 * Marks `nents` entries from `first` on in their DMA address; a leader's DMA length becomes its run's. `mayJoin`: page
 * joins are possible, i.e. there is a TLB-invalidate hook. The device's max_seg bounds a run.
 */
export function classifyAlpha(request: ArchRequest, first: number, nents: number, mayJoin: boolean): void {
  const { arena } = request.ctx;
  const { maxSegBytes } = request.device;
  let leader = first;
  let flag: number = LEADER.contiguous;
  let length = sgLength(arena, first);
  let end = sgPhys(arena, first) + length;
  let sg = sgNext(arena, first);
  for (let i = 1; i < nents && sg !== 0; i += 1, sg = sgNext(arena, sg)) {
    const phys = sgPhys(arena, sg);
    const bytes = sgLength(arena, sg);
    const seam = seamOf("contiguous-or-join", end, phys, request.unit.pageBytes);
    const fits = length + bytes <= maxSegBytes;
    if (fits && (seam === "contiguous" || (seam === "page-join" && mayJoin))) {
      arena.f64[(sg + SG.dmaAddress) >>> 1] = seam === "contiguous" ? FOLLOWER.contiguous : FOLLOWER.joined;
      if (seam === "page-join") flag = LEADER.joined;
      length += bytes;
    } else {
      mark(request, leader, flag, length);
      leader = sg;
      flag = LEADER.contiguous;
      length = bytes;
    }
    end = phys + bytes;
  }
  mark(request, leader, flag, length);
}

/** The marks of a classified list, as data. */
export function alphaClasses(request: ArchRequest): AlphaClasses {
  const { arena } = request.ctx;
  const leaders: { flag: number; length: number }[] = [];
  const followers: number[] = [];
  let sg = request.sg;
  for (let i = 0; i < request.nents && sg !== 0; i += 1, sg = sgNext(arena, sg)) {
    const flag = sgDmaAddress(arena, sg);
    if (flag < 0) followers.push(flag);
    else leaders.push({ flag, length: sgDmaLength(arena, sg) });
  }
  return { leaders, followers };
}

function mark(request: ArchRequest, leader: number, flag: number, length: number): void {
  const { arena } = request.ctx;
  arena.f64[(leader + SG.dmaAddress) >>> 1] = flag;
  arena.u32[leader + SG.dmaLength] = length;
}
