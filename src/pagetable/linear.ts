/**
 * A linear table: one entry for each page of a window at IOVA 0, as the translation control entries (TCE) of powerpc
 * have it (arch/powerpc/include/asm/tce.h).
 *
 * ```
 * bit   0 R   1 W   51:12 address
 * ```
 * One memory read finds the page, whatever its address; in return the table is as large as the window asks for
 * (2 GiB: 4 MiB) and there are no large pages.
 */
import { isPow2 } from "../base/addr.ts";
import { assert } from "../base/assert.ts";
import { TABLE_ORDERS } from "../shm/capacities.ts";
import {
  ENTRY_BYTES,
  type EntryCodec,
  FOUR_GIB,
  highHalf,
  lowHalf,
  noLeafShift,
  type PageTableFormat,
  PROT,
  TABLE_BYTES,
  treeFormat,
} from "./format.ts";

const ACCESS = PROT.read | PROT.write;
const GRANULE_SHIFT = 12;
const ADDRESS_LO = 0xfffff000;
const ADDRESS_HI = 0x000fffff;
const PAGES_MIN = TABLE_BYTES / ENTRY_BYTES;
const PAGES_MAX = PAGES_MIN * 2 ** (TABLE_ORDERS - 1);

const CODEC: EntryCodec = Object.freeze({
  leafLo(phys: number, _pageShift: number, prot: number): number {
    return lowHalf(phys) | (prot & ACCESS);
  },
  leafHi: highHalf,
  tableLo: noTable,
  tableHi: noTable,
  isPresent(lo: number): boolean {
    return (lo & ACCESS) !== 0;
  },
  isLeaf(): boolean {
    return true;
  },
  leafPhys(lo: number, hi: number): number {
    return (hi & ADDRESS_HI) * FOUR_GIB + ((lo & ADDRESS_LO) >>> 0);
  },
  leafProt(lo: number): number {
    return lo & ACCESS;
  },
  leafShift: noLeafShift,
});

/** A window of `windowBytes` from IOVA 0, a power of two from 2 MiB to 2 GiB. */
export function linearTable(windowBytes: number): PageTableFormat {
  const pages = windowBytes / 2 ** GRANULE_SHIFT;
  assert(isPow2(windowBytes) && pages >= PAGES_MIN && pages <= PAGES_MAX, "the window is 2 MiB to 2 GiB");
  const name = `linear-${windowBytes / 2 ** 20}m`;
  const pageShifts = [GRANULE_SHIFT];
  return treeFormat({ name, levels: 1, granuleShift: GRANULE_SHIFT, pageShifts, tableEntries: pages }, CODEC);
}

function noTable(): number {
  assert(false, "a linear table points to no table");
  return 0;
}
