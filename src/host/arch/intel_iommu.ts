/**
 * The Intel IOMMU before iommu-dma (drivers/iommu/intel-iommu.c, kernel 4.1): one IOVA range for the whole list, entries
 * laid end to end on page boundaries, none merged.
 *
 * IOVAs and page tables are the modern path's (host/iommu, pagetable); only the layout of the list is this row's own.
 */
import { alignUpWide, lowBits, pagesSpanned } from "../../base/addr.ts";
import { defined } from "../../base/assert.ts";
import { PROT } from "../../pagetable/format.ts";
import { mapRange, unmapRange } from "../../pagetable/mapper.ts";
import { VTD_SECOND_LEVEL } from "../../pagetable/vtd.ts";
import { SG } from "../../shm/layout.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { DIR, type DmaDevice, type DmaDomain } from "../dma/device.ts";
import { sgDmaAddress, sgLength, sgOffset, sgSetDma } from "../dma/scatterlist.ts";
import { allocDmaIova, freeDmaIova } from "../iommu/dma_iova.ts";
import { NO_CACHE } from "./cache_ops.ts";
import { eachEntry, offsetExceedsPage, translatedPage } from "./entry.ts";
import type { ArchRequest, ArchRow } from "./types.ts";
import type { ArchWork } from "./work.ts";

const PAGE = 4096;

/** The Intel driver's own layout of a list, before iommu-dma (5.11). */
export const INTEL_IOMMU: ArchRow = Object.freeze<ArchRow>({
  name: "intel-iommu",
  title: "Intel VT-d, kernel 4.1",
  source: "drivers/iommu/intel-iommu.c:intel_map_sg [4.1]",
  evidence: "read",
  addressRule: "one IOVA range for the list, size-aligned, below 4 GiB first; entry i lies behind entry i-1's pages",
  merging: "none",
  granularityBytes: PAGE,
  pageBytes: PAGE,
  cache: NO_CACHE,
  errors: { ret: 0, text: "" },
  pageless: {
    before: {
      outcome: "needs-page",
      why: "has no struct page for page_to_phys(sg_page), nor for the pass-through BUG_ON",
    },
    after: { outcome: "works", why: "patches 2 and 30 take sg_phys and drop the BUG" },
  },
  translation: "domain",
  defaults: {},
  ops: { map: mapIntel, unmap: unmapIntel, sync: () => undefined },
});

/** Pages of one entry (aligned_nrpages): an offset beyond a page counts by its low bits only. */
function entryBytes(request: ArchRequest, sg: number): number {
  const { arena } = request.ctx;
  return pagesSpanned(sgOffset(arena, sg), sgLength(arena, sg), PAGE) * PAGE;
}

function mapIntel(_row: ArchRow, request: ArchRequest, work: ArchWork): number {
  const { arena } = request.ctx;
  const { domain, device } = domainOf(request);
  let bytes = 0;
  eachEntry(request, (sg) => {
    bytes += entryBytes(request, sg);
    if (offsetExceedsPage(request, sg))
      work.hazard("an offset beyond a page makes the DMA address miss the entry's translation");
  });
  const iova = allocDmaIova(request.ctx, device, bytes);
  if (iova < 0) {
    arena.u32[request.sg + SG.dmaLength] = 0;
    return 0;
  }
  let at = iova;
  for (let i = 0, sg = request.sg; i < request.nents && sg !== 0; i += 1, sg = sgNext(arena, sg)) {
    const pages = entryBytes(request, sg);
    if (!translate(request, domain, at, translatedPage(request, sg), pages)) {
      release(request, work, domain, iova, bytes);
      return 0;
    }
    sgSetDma(arena, sg, at + sgOffset(arena, sg), sgLength(arena, sg));
    at += pages;
  }
  return request.nents;
}

/** Writes the entry's translations; false when tables ran out. Zero-length reads of a write-only mapping are allowed. */
function translate(request: ArchRequest, domain: DmaDomain, iova: number, phys: number, bytes: number): boolean {
  const { arena, lockOwner, cost } = request.ctx;
  const prot =
    request.dir === DIR.fromDevice ? PROT.write : request.dir === DIR.toDevice ? PROT.read : PROT.read | PROT.write;
  const format = domain.format ?? VTD_SECOND_LEVEL;
  return mapRange(arena, lockOwner, domain.index, format, iova, phys, bytes, prot, cost) === bytes;
}

/** The range is found again through the first entry's address (find_iova). */
function unmapIntel(_row: ArchRow, request: ArchRequest, work: ArchWork): void {
  const { arena } = request.ctx;
  const { domain } = domainOf(request);
  let bytes = 0;
  eachEntry(request, (sg) => {
    bytes += entryBytes(request, sg);
  });
  const first = sgDmaAddress(arena, request.sg) - sgOffset(arena, request.sg);
  release(request, work, domain, first - lowBits(first, PAGE), bytes);
}

function release(request: ArchRequest, work: ArchWork, domain: DmaDomain, iova: number, bytes: number): void {
  const { arena, lockOwner, cost, invalidation } = request.ctx;
  const whole = alignUpWide(bytes, PAGE);
  unmapRange(arena, lockOwner, domain.index, domain.format ?? VTD_SECOND_LEVEL, iova, whole, cost);
  if (domain.mode === "strict") {
    invalidation.invalidatePages(domain.unit, domain.index, iova, whole);
    work.flushTlb();
  }
  freeDmaIova(request.ctx, domain, iova, whole);
}

function domainOf(request: ArchRequest): { domain: DmaDomain; device: DmaDevice } {
  const domain = defined(request.unit.domain ?? undefined, "the unit's domain");
  return { domain, device: { ...request.device, domain } };
}
