/**
 * The coherence index: bits of a kernel virtual address that a parisc I/O translation carries, so that the IOMMU's snoops
 * look in the right set of a virtually indexed cache.
 *
 * Page-less memory has no kernel address. The thread of 2015 left four answers: refuse; index 0, or a line nobody
 * touches, which every snoop then flushes in vain; the user's alias, if the caller flushed nothing before. These
 * functions choose the address and count what the choice costs.
 */
import { lowBits } from "../../base/addr.ts";
import { DIR } from "../dma/device.ts";
import { sgHasPage, sgLength, sgPhys } from "../dma/scatterlist.ts";
import { eachEntry, kvaOf, NO_VA } from "./entry.ts";
import type { ArchRequest } from "./types.ts";
import type { ArchWork } from "./work.ts";

/** Bytes of virtual address space that the index distinguishes begin at this bit. */
const INDEX_SHIFT_BYTES = 4096;

/** Index of virtual address `va`, `bits` wide. */
export function coherenceIndex(va: number, bits: number): number {
  return lowBits(Math.floor(va / INDEX_SHIFT_BYTES), 2 ** bits);
}

/**
 * Address whose index the entry's translations carry, -1 = a stand-in that is the same for every page (index 0, or the
 * untouched line). The list has been accepted, so one of the policies applies where there is no kernel address.
 */
export function snoopVa(request: ArchRequest, entry: number, sg: number): number {
  const kva = kvaOf(request, entry, sg);
  if (kva !== NO_VA) return kva;
  return request.pagelessPolicy === "user-alias" ? (request.userVa?.[entry] ?? NO_VA) : NO_VA;
}

/** Address that the row merges on: the kernel's, or the physical one where the index does not come from an address. */
export function mergeAddress(request: ArchRequest, entry: number, sg: number): number {
  const va = snoopVa(request, entry, sg);
  return va === NO_VA ? sgPhys(request.ctx.arena, sg) : va;
}

/** Index of a stand-in: 0, or the line that the untouched-line policy keeps apart (the last index). */
export function standInIndex(request: ArchRequest, bits: number): number {
  return request.pagelessPolicy === "untouched-line" ? 2 ** bits - 1 : 0;
}

/** Counts what the list costs beyond its bytes: snoops of the stand-in, and partial lines that the device writes. */
export function countSnoops(request: ArchRequest, work: ArchWork): void {
  const { arena } = request.ctx;
  const line = request.unit.options.lineBytes ?? 64;
  eachEntry(request, (sg, entry) => {
    const start = lowBits(sgPhys(arena, sg), line);
    const end = start + sgLength(arena, sg);
    const lines = Math.ceil(end / line);
    if (snoopVa(request, entry, sg) === NO_VA) work.repeatedFlushes += lines;
    if (!sgHasPage(arena, sg) && request.pagelessPolicy === "user-alias") {
      work.hazard("the user alias is snooped: it must not have been flushed before, and no other alias may be live");
    }
    if (request.dir === DIR.toDevice) return;
    const head = start !== 0 ? 1 : 0;
    const tail = lowBits(end, line) !== 0 ? 1 : 0;
    work.lineReadModifyWrites += lines === 1 ? Math.max(head, tail) : head + tail;
  });
}
