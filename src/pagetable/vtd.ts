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
import { FOUR_GIB, highHalf, lowHalf, type PageTableFormat, PROT } from "./format.ts";

const READ = 1 << 0;
const WRITE = 1 << 1;
const PAGE_SIZE = 1 << 7;
const SNOOP = 1 << 11;
const GRANULE_SHIFT = 12;
const LEVEL_STRIDE = 9;
const ADDRESS_LO = 0xfffff000;
const ADDRESS_HI = 0x000fffff;

const LEVEL_SHIFTS = [0, 12, 21, 30, 39, 48] as const;

function leafLo(phys: number, pageShift: number, prot: number): number {
  const size = pageShift > GRANULE_SHIFT ? PAGE_SIZE : 0;
  const snoop = (prot & PROT.snoop) !== 0 ? SNOOP : 0;
  return lowHalf(phys) | (prot & (READ | WRITE)) | size | snoop;
}

function tableLo(address: number): number {
  return lowHalf(address) | READ | WRITE;
}

function isPresent(lo: number): boolean {
  return (lo & (READ | WRITE)) !== 0;
}

function isLeaf(lo: number, level: number): boolean {
  return level === 1 || (lo & PAGE_SIZE) !== 0;
}

function leafPhys(lo: number, hi: number): number {
  return (hi & ADDRESS_HI) * FOUR_GIB + ((lo & ADDRESS_LO) >>> 0);
}

function leafProt(lo: number): number {
  return (lo & (READ | WRITE)) | ((lo & SNOOP) !== 0 ? PROT.snoop : 0);
}

/**
 * The format with 3, 4 or 5 levels: 39, 48 or 57 address bits (AGAW 1, 2, 3).
 * `pageShifts` are the leaf sizes that the unit's capabilities allow: 12, then 21 and 30.
 */
export function vtdSecondLevel(levels: number, pageShifts: readonly number[] = [12, 21, 30]): PageTableFormat {
  assert(levels >= 3 && levels <= 5, "VT-d second-stage tables have 3, 4 or 5 levels");
  assert(pageShifts[0] === GRANULE_SHIFT, "the granule of VT-d is 4 KiB");
  const levelShifts = LEVEL_SHIFTS.slice(0, levels + 1);
  const addressBits = GRANULE_SHIFT + LEVEL_STRIDE * levels;
  return Object.freeze({
    name: `vtd-second-level-${levels}`,
    levels,
    addressBits,
    addressLimit: 2 ** addressBits,
    pageShifts,
    levelShifts,
    levelBytes: levelShifts.map((shift) => 2 ** shift),
    tableEntries: 2 ** LEVEL_STRIDE,
    leafLo,
    leafHi: highHalf,
    tableLo,
    tableHi: highHalf,
    isPresent,
    isLeaf,
    leafPhys,
    leafProt,
  });
}

/** Four levels, 48 address bits, 4 KiB, 2 MiB and 1 GiB pages: what server machines use. */
export const VTD_SECOND_LEVEL: PageTableFormat = vtdSecondLevel(4);
