/**
 * Calgary and CalIOC2 (arch/x86/kernel/pci-calgary_64.c, kernel 4.1): translation control entries, one range an entry.
 */
import { LINEAR_TABLE, SG } from "../../shm/layout.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { DIR } from "../dma/device.ts";
import { NO_CACHE } from "./cache_ops.ts";
import { eachEntry, offsetExceedsPage, tableOf } from "./entry.ts";
import { tableRecord, takeNextFit } from "./linear_iommu.ts";
import { highWord, lowWord, mapEachEntry, releaseEntries } from "./per_entry.ts";
import type { ArchRequest, ArchRow } from "./types.ts";
import type { ArchWork } from "./work.ts";

const PAGE = 4096;
/** Entries from the error address 0 on that are never given out. */
const EMERGENCY_PAGES = 32;
const TCE_READ = 1;
const TCE_WRITE = 2;
const DMA_ERROR = 0;

/** IBM's x86 servers: one range of translation control entries for each list entry. */
export const X86_CALGARY: ArchRow = Object.freeze<ArchRow>({
  name: "x86-calgary",
  title: "IBM Calgary and CalIOC2",
  source: "arch/x86/kernel/pci-calgary_64.c:calgary_map_sg [4.1]",
  evidence: "read",
  addressRule: "table index * 4 KiB + offset, one range an entry",
  merging: "none",
  granularityBytes: PAGE,
  pageBytes: PAGE,
  cache: NO_CACHE,
  errors: { ret: 0, text: "IOMMU full" },
  pageless: {
    before: {
      outcome: "needs-page",
      why: "has no struct page: BUG_ON(!sg_page), then the table entry comes from sg_virt",
    },
    after: { outcome: "works", why: "patch 5 takes page count and table entry from the physical address" },
  },
  translation: "linear",
  defaults: { entries: 8192, dmaBase: 0, reserved: EMERGENCY_PAGES },
  ops: { map: mapCalgary, unmap: unmapCalgary, sync: () => undefined },
});

function mapCalgary(_row: ArchRow, request: ArchRequest, work: ArchWork): number {
  eachEntry(request, (sg) => {
    if (offsetExceedsPage(request, sg)) work.hazard("an offset beyond a page is or-ed into the table index");
  });
  const failed = mapEachEntry(request, work, takeTces, {
    lo: (phys, dir) => lowWord(phys) + TCE_READ + (dir === DIR.toDevice ? 0 : TCE_WRITE),
    hi: highWord,
  });
  if (failed < 0) return request.nents;
  releaseEntries(request, work, request.nents);
  resetAfterFailure(request);
  return 0;
}

/** The search that starts over drops the TCE cache first, whether or not it then finds room. */
function takeTces(request: ArchRequest, work: ArchWork, count: number): number {
  const { arena } = request.ctx;
  const table = tableOf(request);
  const first = takeNextFit(arena, table, count, 0, request.device.segBoundaryMask);
  if (arena.u32[tableRecord(table) + LINEAR_TABLE.wrapped] === 1) work.flushTlb();
  if (first < 0) work.log("IOMMU full");
  return first;
}

/** The kernel clears entry 0 once for every entry (a loop variable mistaken); `corrected` clears each. */
function resetAfterFailure(request: ArchRequest): void {
  const { arena, defects } = request.ctx;
  let sg = request.sg;
  for (let i = 0; i < request.nents && sg !== 0; i += 1) {
    arena.f64[(sg + SG.dmaAddress) >>> 1] = DMA_ERROR;
    arena.u32[sg + SG.dmaLength] = 0;
    if (defects === "corrected") sg = sgNext(arena, sg);
  }
}

function unmapCalgary(_row: ArchRow, request: ArchRequest, work: ArchWork): void {
  releaseEntries(request, work, request.nents);
}
