/**
 * The two parisc IOMMUs inside their shared helper: how each takes, writes and releases translations (kernel 4.1).
 *
 * ```
 * ccio   word 0: physical 51:48 | 12 bits of the virtual address | physical 47:32    word 1: physical 31:12 | hints, valid
 * sba    valid (bit 63) | physical page | 8 bits of the virtual address              stored little-endian
 * ```
 */
import { lowBits } from "../../base/addr.ts";
import { DIR } from "../dma/device.ts";
import { sgPhys } from "../dma/scatterlist.ts";
import { tableOf } from "./entry.ts";
import { clearEntries, entryHi, entryLo, type LinearTable, writeEntry } from "./linear_iommu.ts";
import { freeCcio, saveParisc, takeCcio, takeParisc } from "./parisc_resmap.ts";
import { highWord, lowWord } from "./per_entry.ts";
import type { ArchRequest } from "./types.ts";
import type { ArchWork } from "./work.ts";

const PAGE = 4096;
const CCIO_INDEX_BITS = 12;
const SBA_INDEX_BITS = 8;
const VALID_HI = 0x80000000;
const CCIO_VALID = 0x01;
const CCIO_SAFE_DMA = 0x02;
const CCIO_PREFETCH = 0x10;
/** Translations of the I/O TLB; the I/O space divided by them is what one purge covers. */
const CCIO_TLB_ENTRIES = 256;

/** What the two IOMMUs do differently inside the shared helper. */
export interface PariscChip {
  take(request: ArchRequest, work: ArchWork, table: LinearTable, pages: number): number;
  write(request: ArchRequest, work: ArchWork, index: number, phys: number, coherence: number, hints: number): void;
  release(request: ArchRequest, work: ArchWork, table: LinearTable, first: number, pages: number): void;
  readonly indexBits: number;
}

/** U2/Uturn: 12 index bits, hints, entries and map freed at once. */
export const CCIO_CHIP: PariscChip = {
  indexBits: CCIO_INDEX_BITS,
  take: (request, work, table, pages) =>
    takeCcio(request.ctx.arena, table, pages, request.device.segBoundaryMask, work),
  write: (request, work, index, phys, coherence, hints) => {
    const page = phys - lowBits(phys, PAGE);
    const hi = highWord(page) + coherence * 0x10000;
    writeEntry(request.ctx.arena, tableOf(request), index, lowWord(page) + hints, hi, work);
  },
  release: (request, work, table, first, pages) => {
    const { arena } = request.ctx;
    for (let i = 0; i < pages; i += 1) {
      const lo = entryLo(arena, table, first + i);
      clearEntries(arena, table, first + i, 1, work, lo - lowBits(lo, 256), entryHi(arena, table, first + i));
    }
    const chain = (table.entries * table.iommuPageBytes) / CCIO_TLB_ENTRIES;
    for (let done = 0; done < pages * table.iommuPageBytes; done += chain) work.flushTlb();
    freeCcio(arena, table, first, pages);
  },
};

/** Astro/Ike/Pluto: 8 index bits, little-endian words, the map freed sixteen at a time. */
export const SBA_CHIP: PariscChip = {
  indexBits: SBA_INDEX_BITS,
  take: (request, work, table, pages) =>
    takeParisc(request.ctx.arena, table, pages, request.device.segBoundaryMask, work),
  write: (request, work, index, phys, coherence) => {
    const page = phys - lowBits(phys, PAGE);
    writeEntry(request.ctx.arena, tableOf(request), index, lowWord(page) + coherence, highWord(page) + VALID_HI, work);
  },
  release: (request, work, table, first, pages) => {
    const { arena } = request.ctx;
    for (let i = 0; i < pages; i += 1) {
      const hi = entryHi(arena, table, first + i);
      clearEntries(arena, table, first + i, 1, work, entryLo(arena, table, first + i), lowBits(hi, 2 ** 24));
    }
    work.flushTlb();
    saveParisc(arena, table, first, pages);
  },
};

/** ccio: by direction; one entry alone whose start is no cache line is safe DMA (its length was rounded up before the test). */
export function ccioHints(request: ArchRequest, sg: number): number {
  const line = request.unit.options.lineBytes ?? 64;
  const alone = request.nents === 1 && lowBits(sgPhys(request.ctx.arena, sg), line) !== 0 ? CCIO_SAFE_DMA : 0;
  if (request.dir === DIR.toDevice) return CCIO_VALID | CCIO_PREFETCH | alone;
  return CCIO_VALID | (request.dir === DIR.bidirectional ? CCIO_SAFE_DMA : 0) | alone;
}
