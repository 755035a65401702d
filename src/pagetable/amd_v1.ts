/**
 * AMD-Vi v1 tables (AMD I/O Virtualization specification, I/O page tables; generic_pt/fmt/amdv1.h).
 *
 * ```
 * bit   0 PR   6 D   11:9 next level   51:12 address   60 FC   61 IR   62 IW
 * next level   0 = page of this level's size   7 = page whose address field says its size   else the table's level
 * ```
 * A page of 2^k bytes that no level has is written into every entry that it covers, with address bits k-2:12 all ones
 * and bit k-1 zero. FC is set in every leaf: the kernel always forces coherent accesses.
 */
import { alignDownWide } from "../base/addr.ts";
import { assert } from "../base/assert.ts";
import { type EntryCodec, FOUR_GIB, highHalf, lowHalf, type PageTableFormat, PROT, treeFormat } from "./format.ts";
import { pageBytes } from "./page_size.ts";

const PRESENT = 1 << 0;
const NEXT_LEVEL_SHIFT = 9;
const NEXT_LEVEL_MASK = 7;
const NEXT_IS_SIZED = 7;
/** Bits of the high half. */
const FORCE_COHERENT = 1 << 28;
const IO_READ = 1 << 29;
const IO_WRITE = 1 << 30;
const IO_SHIFT = 29;
const ADDRESS_LO = 0xfffff000;
const ADDRESS_HI = 0x000fffff;
const GRANULE_SHIFT = 12;
const LEVEL_STRIDE = 9;
const HALF_BITS = 32;
/** 512 GiB: left out for a hardware defect. */
const SHIFT_MISSING = 39;
const SHIFT_MAX = 51;

const CODEC: EntryCodec = Object.freeze({
  leafLo(phys: number, pageShift: number): number {
    return lowHalf(phys) | PRESENT | (isLevelSize(pageShift) ? 0 : sizeLo(pageShift));
  },
  leafHi(phys: number, pageShift: number, prot: number): number {
    const size = isLevelSize(pageShift) ? 0 : sizeHi(pageShift);
    return highHalf(phys) | size | FORCE_COHERENT | ((prot & (PROT.read | PROT.write)) << IO_SHIFT);
  },
  tableLo(address: number, level: number): number {
    return lowHalf(address) | PRESENT | ((level - 1) << NEXT_LEVEL_SHIFT);
  },
  tableHi(address: number): number {
    return highHalf(address) | IO_READ | IO_WRITE;
  },
  isPresent(lo: number): boolean {
    return (lo & PRESENT) !== 0;
  },
  isLeaf(lo: number): boolean {
    const next = (lo >>> NEXT_LEVEL_SHIFT) & NEXT_LEVEL_MASK;
    return next === 0 || next === NEXT_IS_SIZED;
  },
  leafPhys(lo: number, hi: number): number {
    const address = (hi & ADDRESS_HI) * FOUR_GIB + ((lo & ADDRESS_LO) >>> 0);
    return isSized(lo) ? alignDownWide(address, pageBytes(sizedShift(lo, hi))) : address;
  },
  leafProt(_lo: number, hi: number): number {
    return ((hi >>> IO_SHIFT) & (PROT.read | PROT.write)) | ((hi & FORCE_COHERENT) !== 0 ? PROT.snoop : 0);
  },
  leafShift(lo: number, hi: number, level: number): number {
    return isSized(lo) ? sizedShift(lo, hi) : GRANULE_SHIFT + LEVEL_STRIDE * (level - 1);
  },
});

/** Page sizes of a tree of `levels`: every power of two from 4 KiB to half of its reach, but 512 GiB (AMD_IOMMU_PGSIZES). */
export function amdPageShifts(levels: number): number[] {
  const largest = Math.min(SHIFT_MAX, GRANULE_SHIFT + LEVEL_STRIDE * levels - 1);
  const shifts: number[] = [];
  for (let shift = GRANULE_SHIFT; shift <= largest; shift += 1) if (shift !== SHIFT_MISSING) shifts.push(shift);
  return shifts;
}

/**
 * The format with 1 to 6 levels (3: 39 address bits, 4: 48, 5: 57, 6: 64). The number of levels stays: the kernel, which starts
 * with three and adds one when an IOVA asks for it, walks less until then.
 */
export function amdV1(levels: number, pageShifts: readonly number[] = amdPageShifts(levels)): PageTableFormat {
  assert(levels >= 1 && levels <= 6, "AMD-Vi v1 tables have 1 to 6 levels");
  const known = amdPageShifts(levels);
  assert(
    pageShifts.every((shift) => known.includes(shift)),
    "a page of the format fits half of the root table",
  );
  const addressBits = Math.min(64, GRANULE_SHIFT + LEVEL_STRIDE * levels);
  return treeFormat(
    { name: `amd-v1-${levels}`, levels, granuleShift: GRANULE_SHIFT, addressBits, pageShifts, replicates: true },
    CODEC,
  );
}

function isLevelSize(pageShift: number): boolean {
  return (pageShift - GRANULE_SHIFT) % LEVEL_STRIDE === 0;
}

function isSized(lo: number): boolean {
  return ((lo >>> NEXT_LEVEL_SHIFT) & NEXT_LEVEL_MASK) === NEXT_IS_SIZED;
}

/** Ones at bits pageShift-2:12, as far as they lie in the low half, and the mark in the next-level field. */
function sizeLo(pageShift: number): number {
  const ones = pageShift > HALF_BITS ? -1 : (1 << (pageShift - 1)) - 1;
  return (ones & ADDRESS_LO) | (NEXT_IS_SIZED << NEXT_LEVEL_SHIFT);
}

function sizeHi(pageShift: number): number {
  return pageShift > HALF_BITS ? (1 << (pageShift - 1 - HALF_BITS)) - 1 : 0;
}

/** The lowest zero of the address field is bit k-1. */
function sizedShift(lo: number, hi: number): number {
  const low = ~lo & ADDRESS_LO;
  if (low !== 0) return HALF_BITS - Math.clz32(low & -low);
  const high = ~hi & ADDRESS_HI;
  return 2 * HALF_BITS - Math.clz32(high & -high);
}
