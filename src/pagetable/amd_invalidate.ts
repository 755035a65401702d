/**
 * Invalidation requests of AMD-Vi (drivers/iommu/amd/iommu.c: build_inv_address, domain_flush_pages; AMD I/O Virtualization
 * specification, INVALIDATE_IOMMU_PAGES, INVALIDATE_IOTLB_PAGES, COMPLETION_WAIT).
 *
 * ```
 * address  | page bits above | 0 | 1 1 .. 1 | 11:1 zero | S |      S = 1: more than one page; the lowest zero bit k of the
 *                              ^ bit k                              page field makes it 2^(k+1) bytes
 * ```
 */
import {
  ADDR_LIMIT,
  alignDownWide,
  blockOrder,
  floorLog2,
  PAGE_BYTES,
  PAGE_SHIFT,
  trailingZeros,
} from "../base/addr.ts";
import { pageBytes } from "./page_size.ts";

const SIZE_FLAG = 1;
/** Bits 63:52 repeat bit 51: beyond it, everything is invalidated. The nearest Number; {@link AMD_ALL_PAGES} is exact. */
const ALL_PAGES_ADDRESS = 0x7fffffff * 2 ** 32 + 0xfffff001;

/** Halves of the address that invalidates every page of a domain. */
export const AMD_ALL_PAGES = Object.freeze({ hi: 0x7fffffff, lo: 0xfffff001 });

/** One command of a flush, in the order of the queue. */
export interface AmdCommand {
  readonly command: "INVALIDATE_IOMMU_PAGES" | "INVALIDATE_IOTLB_PAGES" | "COMPLETION_WAIT";
  /** Encoded address; 0 for COMPLETION_WAIT. */
  readonly address: number;
}

/** Address word of a request for [start, last] (bytes, inclusive): the smallest naturally aligned block that holds both. */
export function amdInvalidateAddress(start: number, last: number): number {
  if (last >= ADDR_LIMIT) return ALL_PAGES_ADDRESS;
  const order = blockOrder(start, last);
  if (order <= PAGE_SHIFT) return alignDownWide(start, PAGE_BYTES);
  const half = 2 ** (order - 1);
  return alignDownWide(start, half) + (half - PAGE_BYTES) + SIZE_FLAG;
}

/** Naturally aligned power-of-two pieces of [start, last]: what a unit with NpCache (a virtual one) is sent instead. */
export function amdNaturalPieces(start: number, last: number): { start: number; bytes: number }[] {
  const pieces: { start: number; bytes: number }[] = [];
  const end = alignDownWide(last, PAGE_BYTES) + PAGE_BYTES;
  for (let at = alignDownWide(start, PAGE_BYTES); at < end; ) {
    const bytes = pageBytes(Math.min(trailingZeros(at), floorLog2(end - at)));
    pieces.push({ start: at, bytes });
    at += bytes;
  }
  return pieces;
}

/**
 * Commands of a flush of [start, last]: the units' pages first, then the device TLBs, then one wait. `atsDevices` is the number
 * of devices with a TLB of their own.
 */
export function amdFlushCommands(start: number, last: number, npCache: boolean, atsDevices: number): AmdCommand[] {
  const ranges = npCache ? amdNaturalPieces(start, last) : [{ start, bytes: last - start + 1 }];
  const commands: AmdCommand[] = [];
  for (const range of ranges) {
    const address = amdInvalidateAddress(range.start, range.start + range.bytes - 1);
    commands.push({ command: "INVALIDATE_IOMMU_PAGES", address });
    for (let i = 0; i < atsDevices; i += 1) commands.push({ command: "INVALIDATE_IOTLB_PAGES", address });
  }
  commands.push({ command: "COMPLETION_WAIT", address: 0 });
  return commands;
}
