/**
 * The GART's aperture: its 32-bit entries, its slots and its flush (arch/x86/kernel/amd_gart_64.c, kernel 4.1).
 */
import { ADDR_LIMIT, type Phys, pagesSpanned } from "../../base/addr.ts";
import { LINEAR_TABLE } from "../../shm/layout.ts";
import { DIR } from "../dma/device.ts";
import { clearBits } from "./bitmap.ts";
import { tableOf } from "./entry.ts";
import { addressOf, clearEntries, entryOf, lockTable, tableRecord, takeNextFit, unlockTable } from "./linear_iommu.ts";
import type { ArchRequest } from "./types.ts";
import type { ArchWork } from "./work.ts";

const PAGE = 4096;
/** Pages at the start of the aperture that stand in when it is full: 128 KiB. */
export const EMERGENCY_PAGES = 32;
const FOUR_GIB = 2 ** 32;
const VALID_AND_COHERENT = 3;

/** The 32-bit entry for a page: address bits 31:12 in place, bits 39:32 in bits 11:4, valid and coherent. */
export function gpteEncode(phys: Phys): number {
  const high = Math.floor(phys / FOUR_GIB);
  const low = phys - high * FOUR_GIB;
  return ((low & 0xfffff000) | (high << 4) | VALID_AND_COHERENT) >>> 0;
}

/** The page that an entry names. */
export function gpteDecode(gpte: number): Phys {
  return ((gpte & 0xff0) >>> 4) * FOUR_GIB + ((gpte & 0xfffff000) >>> 0);
}

/** Next-fit; starting over, reaching the end, or fullflush leaves a flush pending. */
export function takeSlots(request: ArchRequest, pages: number): number {
  const { arena } = request.ctx;
  const table = tableOf(request);
  const record = tableRecord(table);
  const mask = request.device.segBoundaryMask;
  const shift = Math.ceil((mask >= ADDR_LIMIT - 1 ? table.dmaBase : maskBits(table.dmaBase, mask)) / PAGE);
  lockTable(request.ctx, table);
  const first = takeNextFit(arena, table, pages, shift, mask);
  if (arena.u32[record + LINEAR_TABLE.wrapped] === 1) arena.u32[record + LINEAR_TABLE.needFlush] = 1;
  if (first >= 0 && first + pages >= table.entries) {
    arena.u32[record + LINEAR_TABLE.cursor] = 0;
    arena.u32[record + LINEAR_TABLE.needFlush] = 1;
  }
  if (request.unit.options.fullFlush !== false) arena.u32[record + LINEAR_TABLE.needFlush] = 1;
  unlockTable(request.ctx, table);
  return first;
}

/** Low bits of an address under an all-ones mask. */
function maskBits(addr: number, mask: number): number {
  return addr - Math.floor(addr / (mask + 1)) * (mask + 1);
}

/** What the kernel says when the aperture is full; larger than the emergency area, it stops (iommu_full). */
export function reportFull(request: ArchRequest, work: ArchWork, bytes: number): void {
  work.log(`PCI-DMA: Out of IOMMU space for ${bytes} bytes`);
  if (bytes <= EMERGENCY_PAGES * PAGE) return;
  work.panic(`PCI-DMA: ${request.dir === DIR.toDevice ? "Random memory would be DMAed" : "Memory would be corrupted"}`);
}

/** Returns one range; addresses outside the aperture, or in its emergency area, need nothing. */
export function releaseArea(request: ArchRequest, work: ArchWork, dmaAddr: number, bytes: number): void {
  const { arena } = request.ctx;
  const table = tableOf(request);
  if (dmaAddr < addressOf(table, EMERGENCY_PAGES) || dmaAddr >= addressOf(table, table.entries)) return;
  const first = entryOf(table, dmaAddr);
  const pages = pagesSpanned(dmaAddr, bytes, PAGE);
  const record = tableRecord(table);
  clearEntries(arena, table, first, pages, work);
  lockTable(request.ctx, table);
  clearBits(arena, table.entryBase, first, pages);
  if (first >= (arena.u32[record + LINEAR_TABLE.cursor] as number)) {
    arena.u32[record + LINEAR_TABLE.cursor] = first + pages;
  }
  unlockTable(request.ctx, table);
}
