/**
 * VMSAv8 stage 1 tables as SMMUv3 walks them, at granules of 4, 16 and 64 KiB (Arm Architecture Reference Manual,
 * VMSAv8-64 translation table descriptors; drivers/iommu/io-pgtable-arm.c).
 *
 * ```
 * bit   0 valid   1 table, or page at level 1 (else a block)   4:2 AttrIndx   7:6 AP   9:8 SH   10 AF   11 nG
 *       47:granule address, bits 51:48 at 15:12 with the granule of 64 KiB   54 UXN   53 PXN
 * ```
 * The architecture counts levels from the root (0) to the last (3): its level is 4 minus ours. A table fills one granule,
 * 512, 2048 or 8192 entries, and lies in that many contiguous frames. Valid means readable, as with x86 tables.
 */
import { assert } from "../base/assert.ts";
import {
  type EntryCodec,
  FOUR_GIB,
  highHalf,
  lowHalf,
  noLeafShift,
  type PageTableFormat,
  PROT,
  treeFormat,
} from "./format.ts";

const VALID = 1 << 0;
const TABLE_OR_PAGE = 1 << 1;
/** MAIR entries as the driver fills them: 0 normal non-cacheable, 1 write-back cacheable. */
const ATTR_CACHEABLE = 1 << 2;
const ATTR_MASK = 7 << 2;
const AP_UNPRIVILEGED = 1 << 6;
const AP_READ_ONLY = 1 << 7;
const SH_OUTER = 2 << 8;
const SH_INNER = 3 << 8;
const ACCESSED = 1 << 10;
const NOT_GLOBAL = 1 << 11;
const PAGE_ATTRIBUTES = VALID | AP_UNPRIVILEGED | ACCESSED | NOT_GLOBAL;
const ADDRESS_HI = 0xffff;
const WIDE_SHIFT = 12;
const WIDE_MASK = 0xf;
const WIDE_UNIT = 2 ** 48;
const SHIFT_64K = 16;
const ENTRY_SHIFT = 3;
/** log2 of the pages and blocks by granule; larger blocks need features that Linux leaves off. */
const BLOCK_SHIFTS: Readonly<Record<number, readonly number[]>> = { 12: [12, 21, 30], 14: [14, 25], 16: [16, 29] };

function leafAttributes(prot: number): number {
  const memory = (prot & PROT.snoop) !== 0 ? ATTR_CACHEABLE | SH_INNER : SH_OUTER;
  return PAGE_ATTRIBUTES | memory | ((prot & PROT.write) !== 0 ? 0 : AP_READ_ONLY);
}

function leafProt(lo: number): number {
  const access = (lo & AP_READ_ONLY) !== 0 ? PROT.read : PROT.read | PROT.write;
  return access | ((lo & ATTR_MASK) === ATTR_CACHEABLE ? PROT.snoop : 0);
}

function codecOf(granuleShift: number): EntryCodec {
  const isWide = granuleShift === SHIFT_64K;
  const addressMask = -(2 ** granuleShift) | 0;
  return Object.freeze({
    leafLo(phys: number, pageShift: number, prot: number): number {
      const wide = isWide ? Math.floor(phys / WIDE_UNIT) << WIDE_SHIFT : 0;
      return lowHalf(phys) | wide | leafAttributes(prot) | (pageShift === granuleShift ? TABLE_OR_PAGE : 0);
    },
    leafHi(phys: number): number {
      return highHalf(phys) & ADDRESS_HI;
    },
    tableLo(address: number): number {
      return lowHalf(address) | VALID | TABLE_OR_PAGE;
    },
    tableHi: highHalf,
    isPresent(lo: number): boolean {
      return (lo & VALID) !== 0;
    },
    isLeaf(lo: number, level: number): boolean {
      return level === 1 || (lo & TABLE_OR_PAGE) === 0;
    },
    leafPhys(lo: number, hi: number): number {
      const wide = isWide ? ((lo >>> WIDE_SHIFT) & WIDE_MASK) * WIDE_UNIT : 0;
      return wide + (hi & ADDRESS_HI) * FOUR_GIB + ((lo & addressMask) >>> 0);
    },
    leafProt,
    leafShift: noLeafShift,
  });
}

/**
 * Stage 1 with a granule of 2^12, 2^14 or 2^16 bytes and IOVAs of `addressBits` bits; as many levels as that takes.
 * `pageShifts` default to the granule and its blocks. Physical addresses have 48 bits, 52 with the granule of 64 KiB.
 */
export function lpaeStage1(
  granuleShift: number,
  addressBits = 48,
  pageShifts: readonly number[] = BLOCK_SHIFTS[granuleShift] ?? [],
): PageTableFormat {
  assert(BLOCK_SHIFTS[granuleShift] !== undefined, "VMSAv8 has granules of 4, 16 and 64 KiB");
  const stride = granuleShift - ENTRY_SHIFT;
  const levels = Math.ceil((addressBits - granuleShift) / stride);
  const shifts = pageShifts.filter((shift) => shift < addressBits);
  const physLimit = granuleShift === SHIFT_64K ? 2 ** 52 : WIDE_UNIT;
  const name = `lpae-stage1-${2 ** (granuleShift - 10)}k-${addressBits}`;
  return treeFormat({ name, levels, granuleShift, addressBits, pageShifts: shifts, physLimit }, codecOf(granuleShift));
}
