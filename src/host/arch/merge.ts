/**
 * When two neighbouring entries become one DMA segment: the three merge families of kernel 4.1.
 *
 * ```
 * page-join               previous ends on an IOMMU page, next begins on one                  GART, powerpc, sparc64, ARM
 * contiguous-or-join      next begins where previous ends, or page-join                       alpha, ia64 sba
 * contiguous-and-aligned  next begins where previous ends, and that is an IOMMU page boundary parisc ccio and sba
 * ```
 * The third comes from a helper whose comment describes the second: its test breaks a run when the entries are not
 * contiguous *or* the seam is not page aligned, so it is stricter than what it says.
 */
import { lowBits } from "../../base/addr.ts";

/** How a row merges; `none` = one DMA entry for each entry. */
export type MergeFamily = "none" | "page-join" | "contiguous-or-join" | "contiguous-and-aligned";

/** What joins two entries. */
export type Seam = "none" | "contiguous" | "page-join";

/**
 * How the entry that begins at `start` may follow one that ends at `prevEnd` (exclusive). Addresses are those that the
 * row merges on: physical ones, kernel virtual ones, or offsets from a page.
 */
export function seamOf(family: MergeFamily, prevEnd: number, start: number, iommuPageBytes: number): Seam {
  const aligned = lowBits(prevEnd, iommuPageBytes) === 0 && lowBits(start, iommuPageBytes) === 0;
  switch (family) {
    case "page-join":
      return aligned ? "page-join" : "none";
    case "contiguous-or-join":
      if (prevEnd === start) return "contiguous";
      return aligned ? "page-join" : "none";
    case "contiguous-and-aligned":
      return prevEnd === start && aligned ? "contiguous" : "none";
    default:
      return "none";
  }
}
