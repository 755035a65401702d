/** How much of an address or a page-table entry the drawing has room for. */
import { hex } from "../../base/addr.ts";
import { groupedHex } from "./address.ts";

/** What is left out where the screen is narrow. */
export interface Detail {
  /** Digits of physical addresses in groups of four. */
  readonly grouped: boolean;
  /** Whole 64-bit page-table entries, or their last digits. */
  readonly wholeWords: boolean;
  readonly regionWidth: number;
  /** Short headings, and copies on a line of their own. */
  readonly terse: boolean;
}

/** From all to little. */
export const DETAILS: readonly Detail[] = [
  { grouped: true, wholeWords: true, regionWidth: 14, terse: false },
  { grouped: true, wholeWords: true, regionWidth: 9, terse: false },
  { grouped: false, wholeWords: true, regionWidth: 9, terse: false },
  { grouped: false, wholeWords: false, regionWidth: 9, terse: true },
];

/** An address in the detail's form. */
export function addressText(addr: number, detail: Detail): string {
  return detail.grouped ? groupedHex(addr) : hex(addr);
}
