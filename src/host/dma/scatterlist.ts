/**
 * Scatterlist entries in the arena (struct scatterlist, include/linux/scatterlist.h).
 *
 * The handle of a list is the word index of its first entry; 0 is no list. The CPU side (pfn, offset,
 * length) and the DMA side (dmaAddress, dmaLength, the bus mark) are two lists in one array: after a
 * merge, entry i's DMA side need not describe entry i's memory. Unmap and sync take the original
 * count, the device takes the returned one.
 *
 * A page-less entry has physical memory but no struct page: everything that computes addresses works on
 * it, everything that needs a kernel virtual address refuses.
 */
import { type DmaAddr, PAGE_BYTES, type Phys } from "../../base/addr.ts";
import { assert } from "../../base/assert.ts";
import type { Arena } from "../../shm/arena.ts";
import { SG } from "../../shm/layout.ts";
import { SG_FLAG, sgNext } from "../../shm/sg_entry.ts";

/** Words of one entry: the step from an entry to its neighbour. */
export const SG_WORDS = SG.WORDS;
/** Bits 8 to 19 describe the array to the pool that it came from (sg_table.ts); they stand in its first entry. */
export const SG_ARRAY_BITS = 0xfff00;
const LINK_BITS = SG_FLAG.chain | SG_FLAG.end | SG_ARRAY_BITS;
const DMA_BITS = SG_FLAG.busAddress | SG_FLAG.swiotlb;

/** Describes page-backed memory; keeps the end mark (sg_set_page). `offset` may exceed a page. */
export function sgSetPage(arena: Arena, sg: number, pfn: number, length: number, offset: number): void {
  arena.f64[(sg + SG.pfn) >>> 1] = pfn;
  arena.u32[sg + SG.offset] = offset;
  arena.u32[sg + SG.length] = length;
  arena.i32[sg + SG.flags] = ((arena.i32[sg + SG.flags] as number) & LINK_BITS) | SG_FLAG.hasPage;
}

/** Describes memory without a struct page; keeps the end mark. */
export function sgSetPfn(arena: Arena, sg: number, pfn: number, length: number, offset: number): void {
  arena.f64[(sg + SG.pfn) >>> 1] = pfn;
  arena.u32[sg + SG.offset] = offset;
  arena.u32[sg + SG.length] = length;
  arena.i32[sg + SG.flags] = (arena.i32[sg + SG.flags] as number) & LINK_BITS;
}

/** Describes [phys, phys + length) with pages of 4 KiB. */
export function sgSetPhys(arena: Arena, sg: number, phys: Phys, length: number, hasPage: boolean): void {
  const offset = phys & (PAGE_BYTES - 1);
  const pfn = (phys - offset) / PAGE_BYTES;
  if (hasPage) sgSetPage(arena, sg, pfn, length, offset);
  else sgSetPfn(arena, sg, pfn, length, offset);
}

/** An importer's entry of a moving window: `length` bytes through the slot whose record is at `slotWord`, valid for `generation`. Keeps the end mark. */
export function sgSetWindow(arena: Arena, sg: number, slotWord: number, generation: number, length: number): void {
  sgSetPfn(arena, sg, slotWord, length, generation);
  arena.i32[sg + SG.flags] = (arena.i32[sg + SG.flags] as number) | SG_FLAG.window;
}

/** False for a page-less entry: memory without struct page, hence without a kernel virtual address. */
export function sgHasPage(arena: Arena, sg: number): boolean {
  return ((arena.i32[sg + SG.flags] as number) & SG_FLAG.hasPage) !== 0;
}

/** Page frame number of the first page; of a chain link, the word index of the next array. */
export function sgPfn(arena: Arena, sg: number): number {
  return arena.f64[(sg + SG.pfn) >>> 1] as number;
}

/** Bytes from the start of the first page (sg->offset); may exceed a page. */
export function sgOffset(arena: Arena, sg: number): number {
  return arena.u32[sg + SG.offset] as number;
}

/** CPU side length, bytes. */
export function sgLength(arena: Arena, sg: number): number {
  return arena.u32[sg + SG.length] as number;
}

/** Physical address of the first byte: page_to_phys + offset. */
export function sgPhys(arena: Arena, sg: number): Phys {
  return (arena.f64[(sg + SG.pfn) >>> 1] as number) * PAGE_BYTES + (arena.u32[sg + SG.offset] as number);
}

/** Kernel virtual address (the linear map is the identity here); -1 for a page-less entry, which has none. */
export function sgVirt(arena: Arena, sg: number): number {
  return sgHasPage(arena, sg) ? sgPhys(arena, sg) : -1;
}

/** True for the entry with the end mark (sg_is_last). */
export function sgIsLast(arena: Arena, sg: number): boolean {
  return ((arena.i32[sg + SG.flags] as number) & SG_FLAG.end) !== 0;
}

/** True for a link to the next array, which carries no data (sg_is_chain). */
export function sgIsChain(arena: Arena, sg: number): boolean {
  return ((arena.i32[sg + SG.flags] as number) & SG_FLAG.chain) !== 0;
}

/** Entries up to the end mark. */
export function sgNents(arena: Arena, sg: number): number {
  let count = 0;
  for (let at = sg; at !== 0; at = sgNext(arena, at)) count += 1;
  return count;
}

/** The `nents`-th entry, which must be the last (sg_last). */
export function sgLast(arena: Arena, sg: number, nents: number): number {
  let at = sg;
  for (let i = 1; i < nents && at !== 0; i += 1) at = sgNext(arena, at);
  assert(at !== 0 && sgIsLast(arena, at), "the list ends with its nents-th entry");
  return at;
}

/** Zeroes `slots` entries of one array and marks the last (sg_init_table). */
export function sgInit(arena: Arena, sg: number, slots: number): void {
  const array = (arena.i32[sg + SG.flags] as number) & SG_ARRAY_BITS;
  arena.ops.fill(sg * 4, 0, slots * SG.BYTES);
  arena.i32[sg + SG.flags] = array;
  sgMarkEnd(arena, sg + (slots - 1) * SG_WORDS);
}

/** Marks the last entry; an entry that was a chain link becomes data. */
export function sgMarkEnd(arena: Arena, sg: number): void {
  arena.i32[sg + SG.flags] = ((arena.i32[sg + SG.flags] as number) & ~SG_FLAG.chain) | SG_FLAG.end;
}

/** Clears the end mark, so that the list goes on with the next entry (sg_unmark_end). */
export function sgUnmarkEnd(arena: Arena, sg: number): void {
  arena.i32[sg + SG.flags] = (arena.i32[sg + SG.flags] as number) & ~SG_FLAG.end;
}

/** Turns `slot`, the last of its array, into a link to the array `next` (sg_chain). It carries no data. */
export function sgChain(arena: Arena, slot: number, next: number): void {
  arena.f64[(slot + SG.pfn) >>> 1] = next;
  arena.u32[slot + SG.offset] = 0;
  arena.u32[slot + SG.length] = 0;
  arena.i32[slot + SG.flags] = ((arena.i32[slot + SG.flags] as number) & SG_ARRAY_BITS) | SG_FLAG.chain;
}

/** Device side address (sg_dma_address); stale once the list is unmapped. */
export function sgDmaAddress(arena: Arena, sg: number): DmaAddr {
  return arena.f64[(sg + SG.dmaAddress) >>> 1] as number;
}

/** Device side length, bytes; 0 after the last DMA entry of a merged list. */
export function sgDmaLength(arena: Arena, sg: number): number {
  return arena.u32[sg + SG.dmaLength] as number;
}

/** Writes the DMA side and clears its marks. */
export function sgSetDma(arena: Arena, sg: number, dmaAddr: DmaAddr, length: number): void {
  arena.f64[(sg + SG.dmaAddress) >>> 1] = dmaAddr;
  arena.u32[sg + SG.dmaLength] = length;
  arena.i32[sg + SG.flags] = (arena.i32[sg + SG.flags] as number) & ~DMA_BITS;
}

/** Writes the DMA side with a mark (SG_FLAG.busAddress or SG_FLAG.swiotlb). */
export function sgSetDmaMarked(arena: Arena, sg: number, dmaAddr: DmaAddr, length: number, mark: number): void {
  arena.f64[(sg + SG.dmaAddress) >>> 1] = dmaAddr;
  arena.u32[sg + SG.dmaLength] = length;
  arena.i32[sg + SG.flags] = ((arena.i32[sg + SG.flags] as number) & ~DMA_BITS) | mark;
}

/** True when the device side is a peer's PCI bus address (sg_dma_is_bus_address). */
export function sgIsBusAddress(arena: Arena, sg: number): boolean {
  return ((arena.i32[sg + SG.flags] as number) & SG_FLAG.busAddress) !== 0;
}

/** True when the device side lies in a bounce slot (sg_dma_is_swiotlb). */
export function sgIsSwiotlb(arena: Arena, sg: number): boolean {
  return ((arena.i32[sg + SG.flags] as number) & SG_FLAG.swiotlb) !== 0;
}

/** Clears the marks of the DMA side (sg_dma_unmark_bus_address). */
export function sgUnmarkDma(arena: Arena, sg: number): void {
  arena.i32[sg + SG.flags] = (arena.i32[sg + SG.flags] as number) & ~DMA_BITS;
}
