/**
 * Alpha PCI (arch/alpha/kernel/pci_iommu.c, kernel 4.1): a direct window, a 64-bit window, and a scatter-gather arena.
 *
 * ```
 * classify   leader 0: all followers contiguous   leader 1: some follower only page-joined
 *            follower -1: contiguous              follower -2: page-joined
 * fill       leader 0 in the direct window -> 64-bit window -> arena;   leader 1 -> arena
 * no room    for a leader 1: classify the rest again without page-joins, then fill again
 * ```
 */
import { alignUpWide, type DmaAddr, lowBits, type Phys } from "../../base/addr.ts";
import { LINEAR_TABLE, SG } from "../../shm/layout.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { sgDmaAddress, sgDmaLength, sgLength, sgPhys, sgSetDma } from "../dma/scatterlist.ts";
import { classifyAlpha, FOLLOWER, LEADER } from "./alpha_classify.ts";
import { boundaryEntries, clearBits, nextSet, setBits, spansBoundary } from "./bitmap.ts";
import { NO_CACHE } from "./cache_ops.ts";
import { tableOf } from "./entry.ts";
import {
  addressOf,
  clearEntries,
  entriesFor,
  entryOf,
  isTranslated,
  lockTable,
  tableRecord,
  unlockTable,
  writeEntry,
} from "./linear_iommu.ts";
import { highWord, lowWord } from "./per_entry.ts";
import type { ArchRequest, ArchRow } from "./types.ts";
import type { ArchWork } from "./work.ts";

const PAGE = 8192;
const VALID = 1;
const FOUR_GIB = 2 ** 32;

/** Alpha with PCI windows and a scatter-gather arena; `hasTlbHook: false` makes it a machine without the hardware. */
export const ALPHA_PCI: ArchRow = Object.freeze<ArchRow>({
  name: "alpha-pci",
  title: "Alpha PCI scatter-gather",
  source: "arch/alpha/kernel/pci_iommu.c:alpha_pci_map_sg [4.1]",
  evidence: "compiled",
  addressRule: "direct window, else the 64-bit window if the mask allows it, else arena entries",
  merging: "contiguous-or-join",
  granularityBytes: PAGE,
  pageBytes: PAGE,
  cache: NO_CACHE,
  errors: { ret: 0, text: "pci_map_sg failed: could not allocate dma page tables" },
  pageless: {
    before: { outcome: "needs-va", why: "has no kernel virtual address: the physical address is __pa(sg_virt)" },
    after: { outcome: "works", why: "patch 7 classifies and fills by sg_phys" },
  },
  translation: "linear",
  defaults: {
    entries: 16384,
    dmaBase: 0x40000000,
    reserved: 0,
    hasTlbHook: true,
    directBase: 0x80000000,
    directBytes: 0,
    dacOffset: 0,
    alignEntries: 1,
  },
  ops: { map: mapAlpha, unmap: unmapAlpha, sync: () => undefined },
});

/** The entry of a page: its number from bit 1 up, so that 8 KiB pages shift by 12, and the valid bit. */
function encode(phys: Phys, pageBytes: number): { lo: number; hi: number } {
  const word = Math.floor(phys / pageBytes) * 2 + VALID;
  return { lo: lowWord(word), hi: highWord(word) };
}

function mapAlpha(_row: ArchRow, request: ArchRequest, work: ArchWork): number {
  const { arena } = request.ctx;
  if (request.nents === 1) return mapSingle(request, work);
  classifyAlpha(request, request.sg, request.nents, request.unit.options.hasTlbHook === true);
  let out = request.sg;
  let count = 0;
  for (let i = 0, sg = request.sg; i < request.nents && sg !== 0; i += 1, sg = sgNext(arena, sg)) {
    if (sgDmaAddress(arena, sg) < 0) continue;
    const dmaAddr = fill(request, work, sg, request.nents - i);
    if (dmaAddr < 0) {
      work.log("pci_map_sg failed: could not allocate dma page tables");
      release(request, work, count);
      return 0;
    }
    sgSetDma(arena, out, dmaAddr, sgDmaLength(arena, sg));
    count += 1;
    out = sgNext(arena, out);
  }
  if (out !== 0 && count < request.nents) arena.u32[out + SG.dmaLength] = 0;
  return count;
}

/** pci_map_single: never classified, so the order of preference only. */
function mapSingle(request: ArchRequest, work: ArchWork): number {
  const { arena } = request.ctx;
  const { sg } = request;
  const phys = sgPhys(arena, sg);
  const bytes = sgLength(arena, sg);
  const window = windowAddress(request, phys, bytes);
  let dmaAddr = window;
  if (window < 0) {
    if (request.unit.options.hasTlbHook === false) work.log("pci_map_single: no HW sg");
    else {
      dmaAddr = fillArena(request, work, sg, 1, phys, bytes);
      if (dmaAddr < 0) work.log("pci_map_single failed: could not allocate dma page tables");
    }
  }
  sgSetDma(arena, sg, Math.max(0, dmaAddr), bytes);
  return dmaAddr > 0 ? 1 : 0;
}

/** DMA address of the leader `sg`, -1 = no room; followers up to the next leader are inside. */
function fill(request: ArchRequest, work: ArchWork, sg: number, left: number): DmaAddr {
  const { arena } = request.ctx;
  const phys = sgPhys(arena, sg);
  const contiguous = sgDmaAddress(arena, sg) === LEADER.contiguous;
  const window = contiguous ? windowAddress(request, phys, sgDmaLength(arena, sg)) : -1;
  if (window >= 0) return window;
  const dmaAddr = fillArena(request, work, sg, left, phys, sgDmaLength(arena, sg));
  if (dmaAddr >= 0 || contiguous) return dmaAddr;
  classifyAlpha(request, sg, left, false);
  return fill(request, work, sg, left);
}

/** The direct window, then the 64-bit one; -1 = neither. */
function windowAddress(request: ArchRequest, phys: Phys, bytes: number): DmaAddr {
  const { directBase = 0, directBytes = 0, dacOffset = 0, hasTlbHook } = request.unit.options;
  const { dmaMask } = request.device;
  const maskReaches = hasTlbHook === false || phys + bytes + directBase - 1 <= dmaMask;
  if (maskReaches && phys + bytes <= directBytes) return phys + directBase;
  return dacOffset > 0 && dmaMask >= dacOffset ? phys + dacOffset : -1;
}

/** Arena entries for the run that `sg` leads: each physically contiguous piece fills its own pages. */
function fillArena(request: ArchRequest, work: ArchWork, sg: number, left: number, phys: Phys, bytes: number): DmaAddr {
  const { arena } = request.ctx;
  if (request.unit.options.hasTlbHook === false) return -1;
  const table = tableOf(request);
  const offset = lowBits(phys, table.iommuPageBytes);
  lockTable(request.ctx, table);
  const first = takeArena(request, work, entriesFor(table, offset, bytes));
  unlockTable(request.ctx, table);
  if (first < 0) return -1;
  let index = first;
  let at = sg;
  for (let i = 0; i < left && at !== 0; ) {
    const pieceStart = sgPhys(arena, at);
    let piece = sgLength(arena, at);
    do {
      at = sgNext(arena, at);
      i += 1;
      if (i >= left || at === 0 || sgDmaAddress(arena, at) !== FOLLOWER.contiguous) break;
      piece += sgLength(arena, at);
    } while (at !== 0);
    const pages = entriesFor(table, pieceStart, piece);
    for (let page = 0; page < pages; page += 1, index += 1) {
      const { lo, hi } = encode(pieceStart + page * table.iommuPageBytes, table.iommuPageBytes);
      writeEntry(arena, table, index, lo, hi, work);
    }
    if (i < left && at !== 0 && sgDmaAddress(arena, at) >= 0) break;
  }
  return addressOf(table, first) + offset;
}

/** Aligned next-fit over the entries; at the end it flushes everything and starts over once. */
function takeArena(request: ArchRequest, work: ArchWork, count: number): number {
  const { arena } = request.ctx;
  const table = tableOf(request);
  const cursor = tableRecord(table) + LINEAR_TABLE.cursor;
  const align = request.unit.options.alignEntries ?? 1;
  const base = Math.floor(table.dmaBase / table.iommuPageBytes);
  const boundary = boundaryEntries(request.device.segBoundaryMask, table.iommuPageBytes);
  let first = alignUpWide(arena.u32[cursor] as number, align);
  for (let pass = 0; pass < 2; pass += 1) {
    while (first + count <= table.entries) {
      const used = nextSet(arena, table.entryBase, first, first + count);
      if (spansBoundary(first, count, base, boundary)) first = alignUpWide(first + 1, align);
      else if (used < first + count) first = alignUpWide(used + 1, align);
      else {
        setBits(arena, table.entryBase, first, count);
        arena.u32[cursor] = first + count;
        return first;
      }
    }
    if (pass === 0) work.flushTlb();
    first = 0;
  }
  return -1;
}

function unmapAlpha(_row: ArchRow, request: ArchRequest, work: ArchWork): void {
  release(request, work, request.nents);
}

/**
 * Freed entries at or behind the cursor may be in the TLB again, so they are flushed before their reuse. The kernel also
 * flushes when the list had none: the end of an empty range, less the arena's base, wraps to a large number.
 */
function release(request: ArchRequest, work: ArchWork, count: number): void {
  const { arena } = request.ctx;
  if (request.unit.options.hasTlbHook === false) return;
  const table = tableOf(request);
  let last = -1;
  let sg = request.sg;
  lockTable(request.ctx, table);
  for (let i = 0; i < count && sg !== 0; i += 1, sg = sgNext(arena, sg)) {
    const dmaAddr = sgDmaAddress(arena, sg);
    const bytes = sgDmaLength(arena, sg);
    if (bytes === 0) break;
    if (dmaAddr >= FOUR_GIB || !isTranslated(table, dmaAddr)) continue;
    const pages = entriesFor(table, dmaAddr, bytes);
    clearEntries(arena, table, entryOf(table, dmaAddr), pages, work);
    clearBits(arena, table.entryBase, entryOf(table, dmaAddr), pages);
    last = Math.max(last, entryOf(table, dmaAddr + bytes - 1));
  }
  const cursor = arena.u32[tableRecord(table) + LINEAR_TABLE.cursor] as number;
  if (last < 0 ? request.ctx.defects === "shipped" : last >= cursor) work.flushTlb();
  unlockTable(request.ctx, table);
}
