/**
 * x86 page tables as an IOMMU walks them: VT-d first stage and AMD-Vi v2 (VT-d specification, first-stage paging
 * entries; generic_pt/fmt/x86_64.h).
 *
 * ```
 * bit   0 P   1 RW   2 US   5 A   6 D   7 PS (level 2: 2 MiB, level 3: 1 GiB)   51:12 address   63 XD
 * ```
 * Present means readable: a mapping for writing alone can be read as well. A and D are set beforehand, so that the
 * hardware never has to write an entry; XD stays clear, as no device fetches instructions.
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

const PRESENT = 1 << 0;
const WRITABLE = 1 << 1;
const USER = 1 << 2;
const ACCESSED = 1 << 5;
const DIRTY = 1 << 6;
const PAGE_SIZE = 1 << 7;
const GRANULE_SHIFT = 12;
const LEVEL_STRIDE = 9;
const ADDRESS_LO = 0xfffff000;
const ADDRESS_HI = 0x000fffff;

const CODEC: EntryCodec = Object.freeze({
  leafLo(phys: number, pageShift: number, prot: number): number {
    const size = pageShift > GRANULE_SHIFT ? PAGE_SIZE : 0;
    const written = (prot & PROT.write) !== 0 ? WRITABLE | DIRTY : 0;
    return lowHalf(phys) | PRESENT | USER | ACCESSED | written | size;
  },
  leafHi: highHalf,
  tableLo(address: number): number {
    return lowHalf(address) | PRESENT | WRITABLE | USER | ACCESSED;
  },
  tableHi: highHalf,
  isPresent(lo: number): boolean {
    return (lo & PRESENT) !== 0;
  },
  isLeaf(lo: number, level: number): boolean {
    return level === 1 || (lo & PAGE_SIZE) !== 0;
  },
  leafPhys(lo: number, hi: number): number {
    return (hi & ADDRESS_HI) * FOUR_GIB + ((lo & ADDRESS_LO) >>> 0);
  },
  leafProt(lo: number): number {
    return (lo & WRITABLE) !== 0 ? PROT.read | PROT.write : PROT.read;
  },
  leafShift: noLeafShift,
});

/**
 * VT-d first stage with 4 or 5 levels. Addresses are canonical, and the kernel takes the lower half: 47 or 56 bits.
 */
export function vtdFirstStage(levels: number, pageShifts: readonly number[] = [12, 21, 30]): PageTableFormat {
  return x86Format(`vtd-first-stage-${levels}`, levels, pageShifts);
}

/** AMD-Vi v2 tables (amd_iommu=pgtbl_v2) with 4 or 5 levels, the same entries. */
export function amdV2(levels: number, pageShifts: readonly number[] = [12, 21, 30]): PageTableFormat {
  return x86Format(`amd-v2-${levels}`, levels, pageShifts);
}

function x86Format(name: string, levels: number, pageShifts: readonly number[]): PageTableFormat {
  assert(levels === 4 || levels === 5, "x86 tables of an IOMMU have 4 or 5 levels");
  const addressBits = GRANULE_SHIFT + LEVEL_STRIDE * levels - 1;
  return treeFormat({ name, levels, granuleShift: GRANULE_SHIFT, addressBits, pageShifts }, CODEC);
}
