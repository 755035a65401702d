/**
 * The page of an address, and two ways to get it wrong that the series of 2015 met.
 *
 * ```
 * page_to_phys(sg_page(sg))     the page the entry names
 * sg_phys(sg) & PAGE_MASK       the page the data begins in: another one when the offset is a page or more
 * ... & 32-bit PAGE_MASK        with 64-bit physical addresses the mask is zero-extended: bits 63:32 are lost
 * ```
 * The first difference is the second rewrite rule of patch 2 (not an identity); the second had the merged form of that
 * patch reverted in December 2015.
 */
import { alignDownWide, lowBits, type Phys } from "../../base/addr.ts";

const FOUR_GIB = 2 ** 32;

/** Page that `phys` lies in. */
export function pageOf(phys: Phys, pageBytes: number): Phys {
  return alignDownWide(phys, pageBytes);
}

/** `phys` under a 32-bit mask that was zero-extended, such as 0xfffff000: only bits 31:0 survive. */
export function maskedTo32Bits(phys: Phys, mask: number): Phys {
  const low = phys - Math.floor(phys / FOUR_GIB) * FOUR_GIB;
  return (low & mask) >>> 0;
}

/** `phys` under the same mask as it was meant: sign-extended to the width of the address. */
export function maskedWide(phys: Phys, mask: number): Phys {
  const cleared = ~mask >>> 0;
  return cleared < 2 ** 31 ? phys - lowBits(phys, cleared + 1) : pageOf(phys, cleared + 1);
}

/** What an entry's page and offset become under each form. */
export interface PageForms {
  readonly pageToPhys: Phys;
  readonly sgPhys: Phys;
  readonly sgPhysAndPageMask: Phys;
  /** True when the rewrite `page_to_phys(sg_page)` to `sg_phys & PAGE_MASK` changes nothing. */
  readonly identical: boolean;
}

/** The forms for an entry that names the page at `pagePhys` and begins `offset` bytes behind its start. */
export function pageForms(pagePhys: Phys, offset: number, pageBytes: number): PageForms {
  const sgPhys = pagePhys + offset;
  const masked = pageOf(sgPhys, pageBytes);
  return { pageToPhys: pagePhys, sgPhys, sgPhysAndPageMask: masked, identical: masked === pagePhys };
}
