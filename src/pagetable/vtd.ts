/**
 * VT-d second-stage tables (VT-d specification, second-stage paging entries; intel/iommu.h, generic_pt/fmt/vtdss.h).
 *
 * ```
 * bit   0 R   1 W   7 PS (level 2: 2 MiB, level 3: 1 GiB)   8 A   9 D   11 SNP   51:12 address
 * ```
 * An entry is not present when R = W = 0. Entries that point to a table carry R and W; a walk takes the
 * permission from the leaf, as nothing here makes a table entry narrower than its leaves.
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

const READ = 1 << 0;
const WRITE = 1 << 1;
const PAGE_SIZE = 1 << 7;
const SNOOP = 1 << 11;
const GRANULE_SHIFT = 12;
const ADDRESS_LO = 0xfffff000;
const ADDRESS_HI = 0x000fffff;

const CODEC: EntryCodec = Object.freeze({
  leafLo(phys: number, pageShift: number, prot: number): number {
    const size = pageShift > GRANULE_SHIFT ? PAGE_SIZE : 0;
    const snoop = (prot & PROT.snoop) !== 0 ? SNOOP : 0;
    return lowHalf(phys) | (prot & (READ | WRITE)) | size | snoop;
  },
  leafHi: highHalf,
  tableLo(address: number): number {
    return lowHalf(address) | READ | WRITE;
  },
  tableHi: highHalf,
  isPresent(lo: number): boolean {
    return (lo & (READ | WRITE)) !== 0;
  },
  isLeaf(lo: number, level: number): boolean {
    return level === 1 || (lo & PAGE_SIZE) !== 0;
  },
  leafPhys(lo: number, hi: number): number {
    return (hi & ADDRESS_HI) * FOUR_GIB + ((lo & ADDRESS_LO) >>> 0);
  },
  leafProt(lo: number): number {
    return (lo & (READ | WRITE)) | ((lo & SNOOP) !== 0 ? PROT.snoop : 0);
  },
  leafShift: noLeafShift,
});

/**
 * The format with 3, 4 or 5 levels: 39, 48 or 57 address bits (AGAW 1, 2, 3).
 * `pageShifts` are the leaf sizes that the unit's capabilities allow: 12, then 21 and 30.
 */
export function vtdSecondLevel(levels: number, pageShifts: readonly number[] = [12, 21, 30]): PageTableFormat {
  assert(levels >= 3 && levels <= 5, "VT-d second-stage tables have 3, 4 or 5 levels");
  return treeFormat({ name: `vtd-second-level-${levels}`, levels, granuleShift: GRANULE_SHIFT, pageShifts }, CODEC);
}

/** Four levels, 48 address bits, 4 KiB, 2 MiB and 1 GiB pages: what server machines use. */
export const VTD_SECOND_LEVEL: PageTableFormat = vtdSecondLevel(4);
