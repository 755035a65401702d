/**
 * virtio-iommu (virtio specification, IOMMU device; drivers/iommu/virtio-iommu.c): a format without tables.
 *
 * The guest sends MAP and UNMAP requests, and the hypervisor looks addresses up in its intervals; mapping_list.ts keeps
 * them. Every power of two from the granule up is a page size, so that a range becomes few requests.
 */
import { ADDR_LIMIT } from "../base/addr.ts";
import { AssertionError } from "../base/assert.ts";
import { highHalf, lowHalf, type PageTableFormat, PROT, TABLE_BYTES } from "./format.ts";

const GRANULE_SHIFT = 12;
const SHIFT_MAX = 51;

/** Page sizes of a device whose page_size_mask has every bit from 4 KiB up. */
export function virtioPageShifts(): number[] {
  return Array.from({ length: SHIFT_MAX - GRANULE_SHIFT + 1 }, (_, at) => GRANULE_SHIFT + at);
}

/** The format for IOVAs of `addressBits` bits (the device's input range). */
export function virtioIommu(addressBits = 64, pageShifts: readonly number[] = virtioPageShifts()): PageTableFormat {
  const granuleShift = pageShifts[0] ?? GRANULE_SHIFT;
  return Object.freeze({
    name: "virtio-iommu",
    isList: true,
    levels: 1,
    addressBits,
    addressLimit: 2 ** addressBits,
    physLimit: ADDR_LIMIT,
    pageShifts,
    levelShifts: [0, granuleShift],
    levelBytes: [1, 2 ** granuleShift],
    tableEntries: TABLE_BYTES,
    tableOrder: 0,
    tableSpanBytes: Number.POSITIVE_INFINITY,
    replicates: false,
    leafLo,
    leafHi: highHalf,
    tableLo: noEntry,
    tableHi: noEntry,
    isPresent: noEntry,
    isLeaf: noEntry,
    leafPhys: noEntry,
    leafProt: noEntry,
    leafShift: noEntry,
  });
}

/** Reports show address and access flags of a mapping as one word, though no entry is written anywhere. */
function leafLo(phys: number, _pageShift: number, prot: number): number {
  return lowHalf(phys) | (prot & (PROT.read | PROT.write));
}

function noEntry(): never {
  throw new AssertionError("invariant broken: a mapping list has no entries");
}
