/**
 * Logical domain channels (arch/sparc/kernel/ldc.c:ldc_map_sg, kernel 4.1): a list becomes cookies that another domain maps.
 *
 * Not a dma_map_ops user: the result is a list of (address, bytes), the address being the table index in place of a page
 * number. All entries take one run of the table, so their pages are consecutive, and a cookie grows while the next page
 * begins at offset 0 behind it.
 */
import { lowBits, pagesSpanned } from "../../base/addr.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { DIR } from "../dma/device.ts";
import { sgDmaAddress, sgDmaLength, sgLength, sgPhys, sgSetDma } from "../dma/scatterlist.ts";
import { NO_CACHE } from "./cache_ops.ts";
import { eachEntry, tableOf } from "./entry.ts";
import { entriesFor, type LinearTable, writeEntry } from "./linear_iommu.ts";
import { highWord, lowWord, releaseEntries } from "./per_entry.ts";
import { openSparc64, takeSparc64 } from "./sparc64.ts";
import type { ArchRequest, ArchRow } from "./types.ts";
import type { ArchWork } from "./work.ts";

const PAGE = 8192;
const ENOMEM = -12;
const MTE_READ = 0x10;
const MTE_WRITE = 0x20;

/** Logical domain channels: the segments of the result are cookies. */
export const SPARC64_LDC: ArchRow = Object.freeze<ArchRow>({
  name: "sparc64-ldc",
  title: "sparc64 logical domain channel",
  source: "arch/sparc/kernel/ldc.c:ldc_map_sg [4.1]",
  evidence: "read",
  addressRule: "cookie: table index * 8 KiB | offset; one run of the table for the whole list",
  merging: "page-join",
  granularityBytes: PAGE,
  pageBytes: PAGE,
  cache: NO_CACHE,
  errors: { ret: ENOMEM, text: "" },
  pageless: {
    before: { outcome: "needs-va", why: "has no kernel virtual address: cookies are filled from __pa(sg_virt)" },
    after: { outcome: "works", why: "patch 13 takes sg_phys" },
  },
  translation: "linear",
  defaults: { entries: 8192, dmaBase: 0, reserved: 0 },
  ops: { open: openSparc64, map: mapLdc, unmap: unmapLdc, sync: () => undefined },
});

function mapLdc(_row: ArchRow, request: ArchRequest, work: ArchWork): number {
  const { arena } = request.ctx;
  const table = tableOf(request);
  let pages = 0;
  eachEntry(request, (sg) => {
    pages += entriesFor(table, sgPhys(arena, sg), sgLength(arena, sg));
  });
  const first = takeSparc64(request, work, pages, null);
  if (first < 0) return ENOMEM;
  const count = fillCookies(request, work, table, first);
  let index = 0;
  eachEntry(request, (sg) => {
    if (index >= count) sgSetDma(arena, sg, 0, 0);
    index += 1;
  });
  return count;
}

/** Writes the entries and the cookies, the latter into the DMA side of the first list entries; returns the cookies. */
function fillCookies(request: ArchRequest, work: ArchWork, table: LinearTable, first: number): number {
  const { arena } = request.ctx;
  const prot = MTE_READ + (request.dir === DIR.toDevice ? 0 : MTE_WRITE);
  let index = first;
  let out = 0;
  let count = 0;
  eachEntry(request, (sg) => {
    const phys = sgPhys(arena, sg);
    const offset = lowBits(phys, PAGE);
    const cookie = table.dmaBase + index * PAGE + offset;
    const grows = out !== 0 && offset === 0 && sgDmaAddress(arena, out) + sgDmaLength(arena, out) === cookie;
    const pages = pagesSpanned(phys, sgLength(arena, sg), PAGE);
    for (let i = 0; i < pages; i += 1, index += 1) {
      const page = phys - offset + i * PAGE;
      writeEntry(arena, table, index, lowWord(page) + prot, highWord(page), work);
    }
    if (!grows) out = out === 0 ? request.sg : sgNext(arena, out);
    if (!grows) count += 1;
    sgSetDma(
      arena,
      out,
      grows ? sgDmaAddress(arena, out) : cookie,
      sgLength(arena, sg) + (grows ? sgDmaLength(arena, out) : 0),
    );
  });
  return count;
}

function unmapLdc(_row: ArchRow, request: ArchRequest, work: ArchWork): void {
  releaseEntries(request, work, request.nents);
}
