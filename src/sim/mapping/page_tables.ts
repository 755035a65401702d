/** The page table behind a mapped list, read through the walker as an IOMMU unit reads it. */
import { alignDownWide, alignUp, type Iova, roundUpPow2 } from "../../base/addr.ts";
import type { Era } from "../../base/era.ts";
import type { DmaDomain } from "../../host/dma/device.ts";
import { domainFormat } from "../../host/dma/dma_iommu.ts";
import { granuleBytes } from "../../host/dma/limits.ts";
import { type PageTableFormat, PROT } from "../../pagetable/format.ts";
import { WalkResult, walk } from "../../pagetable/walker.ts";
import type { Arena } from "../../shm/arena.ts";
import type { EntryPlace } from "./segments.ts";
import type { IovaView, PageRun, SegmentView } from "./view.ts";

/** Requests below this many pages take a power of two from the allocator, so that the per-CPU caches can serve them. */
const CACHED_PAGES = 32;

/** IOVA range of a list that is mapped as one; null without translated segments. */
export function readIova(era: Era, domain: DmaDomain, segments: readonly SegmentView[]): IovaView | null {
  const translated = segments.filter((segment) => segment.space === "iova");
  const first = translated[0];
  const last = translated.at(-1);
  if (first === undefined || last === undefined) return null;
  const granule = granuleBytes(domain);
  const start = alignDownWide(Math.min(first.dmaAddr, last.dmaAddr), granule);
  const bytes = alignUp(Math.max(last.dmaAddr + last.bytes, first.dmaAddr + first.bytes), granule) - start;
  const pages = bytes / granule;
  return { start, bytes, granuleBytes: granule, pages, allocatedPages: allocatedPages(era, pages) };
}

/** Pages that the allocator takes for a request; 4.1 rounds every size up. */
function allocatedPages(era: Era, pages: number): number {
  return pages < CACHED_PAGES || era === "4.1" ? roundUpPow2(pages) : pages;
}

/**
 * Page runs of every entry (empty for untranslated ones): from the page that holds its first byte to the page of the
 * next entry, or to `end`. What lies between its last byte and there is mapped too. `apart`: every entry has an IOVA
 * range of its own.
 */
export function readPages(
  arena: Arena,
  apart: boolean,
  domain: DmaDomain,
  places: readonly EntryPlace[],
  bytesOf: (entry: number) => number,
): readonly (readonly PageRun[])[] {
  const granule = granuleBytes(domain);
  const format = domainFormat(domain);
  let read = -1;
  return places.map((place, index) => {
    if (place.space !== "iova") return [];
    const start = alignDownWide(place.dmaAddr, granule);
    const next = places[index + 1];
    const own = alignUp(place.dmaAddr + bytesOf(index), granule);
    const adjoins = next?.space === "iova" && !apart;
    const end = adjoins ? Math.max(own, alignDownWide(next.dmaAddr, granule)) : own;
    const runs = walkRange(arena, domain, format, start, end, apart ? -1 : read);
    read = Math.max(read, end);
    return runs;
  });
}

/** `read`: pages that begin below it were shown with an earlier entry. A gap ends the range (unmapped IOVA). */
function walkRange(
  arena: Arena,
  domain: DmaDomain,
  format: PageTableFormat,
  start: Iova,
  end: Iova,
  read: Iova,
): readonly PageRun[] {
  const runs: PageRun[] = [];
  const found = new WalkResult();
  let at = start;
  while (at < end && walk(arena, domain.index, format, at, found)) {
    const pageBytes = 2 ** found.pageShift;
    const iova = alignDownWide(at, pageBytes);
    const last = runs.at(-1);
    if (last !== undefined && continues(last, iova, found, pageBytes)) {
      runs[runs.length - 1] = { ...last, count: last.count + 1 };
    } else {
      runs.push({
        iova,
        phys: found.phys,
        pageBytes,
        count: 1,
        word: entryWord(format, found),
        access: accessText(found.prot),
        shared: iova < read,
      });
    }
    at = iova + pageBytes;
  }
  return runs;
}

function continues(run: PageRun, iova: Iova, found: WalkResult, pageBytes: number): boolean {
  const bytes = run.count * run.pageBytes;
  const follows = run.iova + bytes === iova && run.phys + bytes === found.phys;
  return follows && run.pageBytes === pageBytes && run.access === accessText(found.prot) && !run.shared;
}

/** The leaf's 64 bits, 16 hexadecimal digits. */
function entryWord(format: PageTableFormat, found: WalkResult): string {
  const hi = format.leafHi(found.phys, found.pageShift, found.prot) >>> 0;
  const lo = format.leafLo(found.phys, found.pageShift, found.prot) >>> 0;
  return hi.toString(16).padStart(8, "0") + lo.toString(16).padStart(8, "0");
}

function accessText(prot: number): string {
  return `${(prot & PROT.read) !== 0 ? "R" : ""}${(prot & PROT.write) !== 0 ? "W" : ""}`;
}
