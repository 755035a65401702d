/**
 * What a page-table format is: geometry plus the encoding of its 64-bit entries.
 *
 * An entry crosses as two halves, `lo` (bits 31:0) and `hi` (bits 63:32), because it does not fit a
 * Number. Levels count as the VT-d specification does: level 1 holds 4 KiB leaves, the root has the
 * highest number. Every format keeps present, leaf and next-table information in `lo`, so that a
 * walk reads `hi` of the leaf only.
 */
import { type Iova, lowBits, type Phys } from "../base/addr.ts";

/** IOMMU_READ and IOMMU_WRITE; `snoop` forces coherent accesses where the format can say so. */
export const PROT = Object.freeze({ read: 1, write: 2, snoop: 4 });

export const FOUR_GIB = 2 ** 32;
export const ENTRY_BYTES = 8;
export const TABLE_BYTES = 4096;

export interface PageTableFormat {
  /** Name in reports, e.g. `vtd-second-level-4`. */
  readonly name: string;
  /** Number of the root level. */
  readonly levels: number;
  /** Width of an IOVA. */
  readonly addressBits: number;
  /** First address beyond that width; from there on nothing is present. */
  readonly addressLimit: number;
  /** log2 of the page sizes that a leaf can have, rising; the first is the granule. */
  readonly pageShifts: readonly number[];
  /** log2 of the bytes that one entry of a level spans, by level; element 0 is unused. */
  readonly levelShifts: readonly number[];
  /** `2 ** levelShifts`, by level: multiplying is cheaper than a power per step. */
  readonly levelBytes: readonly number[];
  /** Entries of one table, a power of two. */
  readonly tableEntries: number;
  /** Halves of a leaf for the page at `phys`; `prot` is made of PROT bits. */
  leafLo(phys: Phys, pageShift: number, prot: number): number;
  leafHi(phys: Phys, pageShift: number, prot: number): number;
  /** Halves of an entry that points to the table at `address`. */
  tableLo(address: Phys): number;
  tableHi(address: Phys): number;
  isPresent(lo: number): boolean;
  /** Of a present entry at `level`: maps a page rather than pointing to a table. */
  isLeaf(lo: number, level: number): boolean;
  /** Of a leaf at `level`: first byte of the page. */
  leafPhys(lo: number, hi: number, level: number): Phys;
  /** Of a leaf: PROT bits. */
  leafProt(lo: number, hi: number): number;
}

/** Slot of `iova` in its table at `level`. */
export function tableIndex(format: PageTableFormat, iova: Iova, level: number): number {
  return lowBits(Math.floor(iova / (format.levelBytes[level] as number)), format.tableEntries);
}

/** Bits 31:0 of an address as an unsigned Number. */
export function lowHalf(address: number): number {
  return address - Math.floor(address / FOUR_GIB) * FOUR_GIB;
}

/** Bits 63:32 of an address. */
export function highHalf(address: number): number {
  return Math.floor(address / FOUR_GIB);
}
