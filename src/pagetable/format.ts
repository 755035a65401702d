/**
 * What a page-table format is: geometry plus the encoding of its 64-bit entries.
 *
 * An entry crosses as two halves, `lo` (bits 31:0) and `hi` (bits 63:32), because it does not fit a
 * Number. Levels count as the VT-d specification does: level 1 holds leaves of the granule, the root has the
 * highest number. Every format keeps present, leaf and next-table information in `lo`, and bits 31:12 of a table's
 * address at bits 31:12, so that a walk reads `hi` of the leaf only.
 */
import { ADDR_LIMIT, type Iova, lowBits, type Phys } from "../base/addr.ts";
import { assert } from "../base/assert.ts";

/** IOMMU_READ and IOMMU_WRITE; `snoop` forces coherent accesses where the format can say so. */
export const PROT = Object.freeze({ read: 1, write: 2, snoop: 4 });

/** What the high half of an entry counts in. */
export const FOUR_GIB = 2 ** 32;
/** Bytes of an entry in every format. */
export const ENTRY_BYTES = 8;
/** Bytes of a frame; the smallest table. */
export const TABLE_BYTES = 4096;
const ENTRY_SHIFT = 3;

/** How the entries of a format are written and read. */
export interface EntryCodec {
  /** Halves of a leaf for the page at `phys`; `prot` is made of PROT bits. */
  leafLo(phys: Phys, pageShift: number, prot: number): number;
  leafHi(phys: Phys, pageShift: number, prot: number): number;
  /** Halves of an entry at `level` that points to the table at `address`. */
  tableLo(address: Phys, level: number): number;
  tableHi(address: Phys): number;
  isPresent(lo: number): boolean;
  /** Of a present entry at `level`: maps a page rather than pointing to a table. */
  isLeaf(lo: number, level: number): boolean;
  /** Of a leaf at `level`: first byte of the page. */
  leafPhys(lo: number, hi: number, level: number): Phys;
  /** Of a leaf: PROT bits that the hardware grants; may be more than was asked for. */
  leafProt(lo: number, hi: number): number;
  /** Of a leaf at `level`, in a format that `replicates`: log2 of its page. Elsewhere the level says it. */
  leafShift(lo: number, hi: number, level: number): number;
}

/** Geometry and codec of a format; immutable. */
export interface PageTableFormat extends EntryCodec {
  /** Name in reports, e.g. `vtd-second-level-4`. */
  readonly name: string;
  /** No tables: mappings are requests to a hypervisor and stand in a list (mapping_list.ts). No entry is written or read. */
  readonly isList: boolean;
  /** Number of the root level. */
  readonly levels: number;
  /** Width of an IOVA. */
  readonly addressBits: number;
  /** First address beyond that width; from there on nothing is present. */
  readonly addressLimit: number;
  /** First physical address that a leaf cannot hold. */
  readonly physLimit: number;
  /** log2 of the page sizes that a leaf can have, rising; the first is the granule. */
  readonly pageShifts: readonly number[];
  /** log2 of the bytes that one entry of a level spans, by level; element 0 is unused. */
  readonly levelShifts: readonly number[];
  /** `2 ** levelShifts`, by level: multiplying is cheaper than a power per step. */
  readonly levelBytes: readonly number[];
  /** Entries of one table, a power of two. */
  readonly tableEntries: number;
  /** log2 of the 4 KiB frames of one table. */
  readonly tableOrder: number;
  /** Bytes that the smallest table spans: an unmap of less frees none. Infinity when the root is the only table. */
  readonly tableSpanBytes: number;
  /** Pages between two level sizes exist; such a page fills all entries that it covers, with its size in each. */
  readonly replicates: boolean;
}

/** What differs between tree formats beside the codec. */
export interface TreeGeometry {
  readonly name: string;
  readonly levels: number;
  readonly granuleShift: number;
  /** Default: all that the levels resolve. */
  readonly addressBits?: number;
  readonly pageShifts: readonly number[];
  /** Default: a table fills one granule. */
  readonly tableEntries?: number;
  /** Default 2^52. */
  readonly physLimit?: number;
  readonly replicates?: boolean;
}

/** A tree format: every level resolves as many address bits as a table has entries. */
export function treeFormat(geometry: TreeGeometry, codec: EntryCodec): PageTableFormat {
  const { name, levels, granuleShift, pageShifts } = geometry;
  const tableEntries = geometry.tableEntries ?? 2 ** (granuleShift - ENTRY_SHIFT);
  const stride = Math.log2(tableEntries);
  const levelShifts = Array.from({ length: levels + 1 }, (_, at) => (at === 0 ? 0 : granuleShift + stride * (at - 1)));
  const addressBits = geometry.addressBits ?? granuleShift + stride * levels;
  assert(pageShifts[0] === granuleShift, "the smallest page of a format is its granule");
  assert(levels >= 1 && addressBits <= granuleShift + stride * levels, "the levels resolve every bit of an IOVA");
  return Object.freeze({
    name,
    isList: false,
    levels,
    addressBits,
    addressLimit: 2 ** addressBits,
    physLimit: geometry.physLimit ?? ADDR_LIMIT,
    pageShifts,
    levelShifts,
    levelBytes: levelShifts.map((shift) => 2 ** shift),
    tableEntries,
    tableOrder: Math.max(0, Math.log2((tableEntries * ENTRY_BYTES) / TABLE_BYTES)),
    tableSpanBytes: levels > 1 ? 2 ** (levelShifts[2] as number) : Number.POSITIVE_INFINITY,
    replicates: geometry.replicates ?? false,
    leafLo: codec.leafLo,
    leafHi: codec.leafHi,
    tableLo: codec.tableLo,
    tableHi: codec.tableHi,
    isPresent: codec.isPresent,
    isLeaf: codec.isLeaf,
    leafPhys: codec.leafPhys,
    leafProt: codec.leafProt,
    leafShift: codec.leafShift,
  });
}

/** {@link EntryCodec.leafShift} of formats whose levels say it. */
export function noLeafShift(): number {
  assert(false, "only a replicated leaf says its size");
  return 0;
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
