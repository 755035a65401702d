/**
 * The mechanism of translating rows that map entry by entry: one range each from a linear table, no merging.
 *
 * A row gives its allocator and its entry encoding; undo, release and the DMA side are the same for all.
 */
import type { DmaAddr, Phys } from "../../base/addr.ts";
import { SG } from "../../shm/layout.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { sgDmaAddress, sgDmaLength, sgLength, sgPhys, sgSetDma } from "../dma/scatterlist.ts";
import { clearBits } from "./bitmap.ts";
import { tableOf } from "./entry.ts";
import {
  addressOf,
  clearEntries,
  entriesFor,
  entryOf,
  iommuPageOf,
  type LinearTable,
  lockTable,
  unlockTable,
  writeEntry,
} from "./linear_iommu.ts";
import type { ArchRequest } from "./types.ts";
import type { ArchWork } from "./work.ts";

/** Halves of the entry for the IOMMU page at `phys`. */
export interface EntryEncoding {
  lo(phys: Phys, dir: number): number;
  hi(phys: Phys, dir: number): number;
}

/** First of `count` entries, -1 = none; called with the table locked. `phys` serves page colours. */
export type TakeEntries = (request: ArchRequest, work: ArchWork, count: number, phys: Phys) => number;

/** One entry's DMA address, -1 when the table is full. */
export function mapRange(
  request: ArchRequest,
  work: ArchWork,
  phys: Phys,
  bytes: number,
  take: TakeEntries,
  encoding: EntryEncoding,
): DmaAddr {
  const table = tableOf(request);
  const { ctx, dir } = request;
  const count = entriesFor(table, phys, bytes);
  const page = iommuPageOf(table, phys);
  lockTable(ctx, table);
  const first = take(request, work, count, phys);
  for (let i = 0; first >= 0 && i < count; i += 1) {
    const at = page + i * table.iommuPageBytes;
    writeEntry(ctx.arena, table, first + i, encoding.lo(at, dir), encoding.hi(at, dir), work);
  }
  unlockTable(ctx, table);
  return first < 0 ? -1 : addressOf(table, first) + (phys - page);
}

/** Every entry of the list; -1, or the number of the entry that found no room with its DMA length set to 0. */
export function mapEachEntry(request: ArchRequest, work: ArchWork, take: TakeEntries, encoding: EntryEncoding): number {
  const { arena } = request.ctx;
  let sg = request.sg;
  for (let entry = 0; entry < request.nents && sg !== 0; entry += 1, sg = sgNext(arena, sg)) {
    const dmaAddr = mapRange(request, work, sgPhys(arena, sg), sgLength(arena, sg), take, encoding);
    if (dmaAddr < 0) {
      arena.u32[sg + SG.dmaLength] = 0;
      return entry;
    }
    sgSetDma(arena, sg, dmaAddr, sgLength(arena, sg));
  }
  return -1;
}

/** Releases the DMA side of the first `count` entries up to one without a DMA length; `freed` hears of every range. */
export function releaseEntries(
  request: ArchRequest,
  work: ArchWork,
  count: number,
  freed?: (table: LinearTable, first: number, entries: number) => void,
): void {
  const { arena } = request.ctx;
  let sg = request.sg;
  for (let entry = 0; entry < count && sg !== 0; entry += 1, sg = sgNext(arena, sg)) {
    const bytes = sgDmaLength(arena, sg);
    if (bytes === 0) return;
    releaseRange(request, work, sgDmaAddress(arena, sg), bytes, freed);
  }
}

/** Clears the entries of one range and returns them. */
export function releaseRange(
  request: ArchRequest,
  work: ArchWork,
  dmaAddr: DmaAddr,
  bytes: number,
  freed?: (table: LinearTable, first: number, entries: number) => void,
): void {
  const table = tableOf(request);
  const first = entryOf(table, dmaAddr);
  const entries = entriesFor(table, dmaAddr, bytes);
  lockTable(request.ctx, table);
  clearEntries(request.ctx.arena, table, first, entries, work);
  clearBits(request.ctx.arena, table.entryBase, first, entries);
  freed?.(table, first, entries);
  unlockTable(request.ctx, table);
}

/** Bits 31:0 of an address. */
export function lowWord(addr: number): number {
  return addr - Math.floor(addr / 2 ** 32) * 2 ** 32;
}

/** Bits 63:32 of an address. */
export function highWord(addr: number): number {
  return Math.floor(addr / 2 ** 32);
}
