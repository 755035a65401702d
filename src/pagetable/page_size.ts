/**
 * Choice of page sizes for a mapping (drivers/iommu/iommu.c:iommu_pgsize).
 *
 * A range is cut into runs of equal pages: the largest page that fits the remaining size and the common alignment of
 * IOVA and physical address; when a larger page becomes possible at the next boundary, only as many small
 * pages as reach it.
 */
import { alignDownWide, floorLog2, trailingZeros } from "../base/addr.ts";

/** Up to this many sizes, dividing for each is faster than counting zeros. */
const FEW_SIZES = 4;

/** A run of `count` pages of `pgsize` bytes. */
export interface PageRun {
  readonly pgsize: number;
  readonly count: number;
}

/** Bytes of a page of 2^shift; a power costs a call, a shift does not. */
export function pageBytes(shift: number): number {
  return shift < 31 ? 1 << shift : 2 ** shift;
}

/** log2 of the page for the first bytes of the range; -1 when the range is not a whole number of granules. */
export function pickPageShift(pageShifts: readonly number[], iova: number, phys: number, bytes: number): number {
  if (pageShifts.length > FEW_SIZES) return pickByZeros(pageShifts, iova, phys, bytes);
  for (let i = pageShifts.length - 1; i >= 0; i -= 1) {
    const shift = pageShifts[i] as number;
    const pgsize = pageBytes(shift);
    if (pgsize <= bytes && isMultiple(iova, pgsize) && isMultiple(phys, pgsize)) return shift;
  }
  return -1;
}

/** Number of pages of `pageShift` (from {@link pickPageShift}) to map before choosing again. */
export function pickPageCount(
  pageShifts: readonly number[],
  pageShift: number,
  iova: number,
  phys: number,
  bytes: number,
): number {
  const pgsize = pageBytes(pageShift);
  if (bytes === pgsize) return 1;
  const next = largerPage(pageShifts, pageShift);
  if (next > 0) {
    const low = iova - alignDownWide(iova, next);
    const congruent = low === phys - alignDownWide(phys, next);
    const toBoundary = next - low;
    if (congruent && toBoundary + next <= bytes) return toBoundary / pgsize;
  }
  return Math.floor(bytes / pgsize);
}

/** All runs of a range, for reports; empty when iova, phys or bytes is no multiple of the granule (the kernel's -EINVAL). */
export function pageRuns(pageShifts: readonly number[], iova: number, phys: number, bytes: number): PageRun[] {
  const granule = pageBytes(pageShifts[0] as number);
  if (!isMultiple(iova, granule) || !isMultiple(phys, granule) || !isMultiple(bytes, granule)) return [];
  const runs: PageRun[] = [];
  for (let done = 0; done < bytes; ) {
    const shift = pickPageShift(pageShifts, iova + done, phys + done, bytes - done);
    const count = pickPageCount(pageShifts, shift, iova + done, phys + done, bytes - done);
    runs.push({ pgsize: pageBytes(shift), count });
    done += count * pageBytes(shift);
  }
  return runs;
}

/** log2 of every set bit of a page-size bitmap (`pgsize_bitmap`), rising. */
export function pageShiftsOf(pgsizeBitmap: number): number[] {
  const shifts: number[] = [];
  for (let shift = 0, rest = pgsizeBitmap; rest > 0; shift += 1) {
    const half = Math.floor(rest / 2);
    if (rest !== half * 2) shifts.push(shift);
    rest = half;
  }
  return shifts;
}

/** For formats with a size for nearly every power of two: the common alignment first, then one comparison a size. */
function pickByZeros(pageShifts: readonly number[], iova: number, phys: number, bytes: number): number {
  if (bytes < 1) return -1;
  const largest = Math.min(floorLog2(bytes), trailingZeros(iova), trailingZeros(phys));
  let i = pageShifts.length - 1;
  while (i >= 0 && (pageShifts[i] as number) > largest) i -= 1;
  return i < 0 ? -1 : (pageShifts[i] as number);
}

/** Bytes of the next page size above `pageShift`, 0 when there is none. */
function largerPage(pageShifts: readonly number[], pageShift: number): number {
  for (let i = 0; i < pageShifts.length; i += 1) {
    const shift = pageShifts[i] as number;
    if (shift > pageShift) return pageBytes(shift);
  }
  return 0;
}

function isMultiple(value: number, size: number): boolean {
  return alignDownWide(value, size) === value;
}
