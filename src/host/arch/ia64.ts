/**
 * ia64: the HP zx1 SBA (arch/ia64/hp/common/sba_iommu.c) and SGI's sn2 (arch/ia64/sn/pci/pci_dma.c), kernel 4.1.
 *
 * The SBA merges on virtual addresses, but its entries hold nothing of them: the region bits are masked off and what is
 * left is the physical address. Replacing the one by the other is mechanical, unlike on parisc.
 */
import { alignUpWide, type DmaAddr, lowBits } from "../../base/addr.ts";
import { SG } from "../../shm/layout.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { DIR } from "../dma/device.ts";
import { sgDmaAddress, sgDmaLength, sgHasPage, sgLength, sgPhys, sgSetDma } from "../dma/scatterlist.ts";
import { NO_CACHE } from "./cache_ops.ts";
import { eachEntry, kvaOf, NO_VA, tableOf } from "./entry.ts";
import { saveIa64, takeIa64 } from "./ia64_resmap.ts";
import {
  addressOf,
  entryOf,
  isTranslated,
  type LinearTable,
  lockTable,
  unlockTable,
  writeEntry,
} from "./linear_iommu.ts";
import { highWord, lowWord } from "./per_entry.ts";
import { mapStreams } from "./stream.ts";
import type { ArchRequest, ArchRow } from "./types.ts";
import type { ArchWork } from "./work.ts";

const VALID_HI = 0x80000000;

/** HP zx1; `iommuPageBytes` may be 4, 8, 16 or 64 KiB. */
export const IA64_SBA: ArchRow = Object.freeze<ArchRow>({
  name: "ia64-sba",
  title: "ia64 HP zx1 SBA",
  source: "arch/ia64/hp/common/sba_iommu.c:sba_map_sg_attrs [4.1]",
  evidence: "compiled",
  addressRule: "I/O base | page index * I/O page | offset; one entry alone bypasses when the device reaches it",
  merging: "contiguous-or-join",
  granularityBytes: 4096,
  pageBytes: 16384,
  cache: NO_CACHE,
  errors: { ret: 0, text: "sba_alloc_range: I/O MMU @ BASE isout of mapping resources, MAP_BYTES PAGES BOUNDARY" },
  pageless: {
    before: { outcome: "needs-va", why: "has no kernel virtual address for sba_sg_address" },
    after: { outcome: "needs-va", why: "has no kernel virtual address: patch 17 only renames, sg_virt stays" },
    conversion: "take sg_phys: the virtual address is the physical one plus region bits, which the entry drops",
  },
  translation: "linear",
  defaults: { entries: 262144, dmaBase: 0x40000000, reserved: 0, reservedEnd: 1, bypass: true },
  ops: { map: mapSba, unmap: unmapSba, sync: () => undefined },
});

/** Address that the row merges on: the kernel's, or the physical one of a converted row. */
function addressFor(request: ArchRequest, entry: number, sg: number): number {
  const kva = kvaOf(request, entry, sg);
  return kva === NO_VA ? sgPhys(request.ctx.arena, sg) : kva;
}

function mapSba(_row: ArchRow, request: ArchRequest, work: ArchWork): number {
  if (request.nents === 1) return mapSingle(request, work);
  const table = tableOf(request);
  return mapStreams(request, {
    family: "contiguous-or-join",
    addressFor,
    mapStream: (sg, entry, entries, bytes) => mapStream(request, work, table, sg, entry, entries, bytes),
    undo: (count) => undo(request, work, table, count),
  });
}

/** Allocates and fills one stream; -1 = out of space. */
function mapStream(
  request: ArchRequest,
  work: ArchWork,
  table: LinearTable,
  sg: number,
  entry: number,
  entries: number,
  bytes: number,
): DmaAddr {
  const { arena } = request.ctx;
  const page = table.iommuPageBytes;
  const offset = lowBits(addressFor(request, entry, sg), page);
  const pages = alignUpWide(bytes + offset, page) / page;
  lockTable(request.ctx, table);
  const first = takeIa64(arena, table, pages, request.device.segBoundaryMask, work);
  unlockTable(request.ctx, table);
  if (first < 0) {
    const boundary = request.device.segBoundaryMask.toString(16);
    const base = table.dmaBase.toString(16);
    work.log(
      `sba_alloc_range: I/O MMU @ ${base} isout of mapping resources, ${table.entries / 8} ${pages} ${boundary}`,
    );
    return -1;
  }
  fill(request, work, table, first, sg, entries);
  return addressOf(table, first) + offset;
}

/** Entries of the stream, each contiguous block from its own first page on (sba_fill_pdir). */
function fill(
  request: ArchRequest,
  work: ArchWork,
  table: LinearTable,
  first: number,
  sg: number,
  entries: number,
): void {
  const { arena } = request.ctx;
  const page = table.iommuPageBytes;
  let index = first;
  let at = sg;
  for (let i = 0; i < entries; ) {
    const start = sgPhys(arena, at);
    let block = 0;
    do {
      block += sgLength(arena, at);
      at = sgNext(arena, at);
      i += 1;
    } while (i < entries && at !== 0 && sgPhys(arena, at) === start + block);
    const pages = alignUpWide(lowBits(start, page) + block, page) / page;
    for (let k = 0; k < pages; k += 1, index += 1) {
      const phys = start - lowBits(start, page) + k * page;
      writeEntry(arena, table, index, lowWord(phys), highWord(phys) + VALID_HI, work);
    }
  }
}

/** sba_map_page: the bypass comes first; a failure leaves address 0 and still counts as one entry. */
function mapSingle(request: ArchRequest, work: ArchWork): number {
  const { arena } = request.ctx;
  const { sg } = request;
  const bytes = sgLength(arena, sg);
  const reaches = sgPhys(arena, sg) <= request.device.dmaMask;
  const dmaAddr =
    request.unit.options.bypass !== false && reaches
      ? sgPhys(arena, sg)
      : mapStream(request, work, tableOf(request), sg, 0, 1, bytes);
  if (dmaAddr < 0) work.hazard("a single entry that found no room is reported as mapped, at address 0");
  sgSetDma(arena, sg, Math.max(0, dmaAddr), bytes);
  return dmaAddr < 0 && request.ctx.defects === "corrected" ? 0 : 1;
}

/** The kernel undoes before the I/O base is in the addresses, takes them for bypasses and frees nothing; `corrected` frees. */
function undo(request: ArchRequest, work: ArchWork, table: LinearTable, count: number): number {
  const { arena } = request.ctx;
  if (request.ctx.defects === "corrected") releaseFirst(request, work, table, count);
  else work.hazard("the ranges of a failed list are not given back");
  arena.u32[request.sg + SG.dmaLength] = 0;
  return 0;
}

function unmapSba(_row: ArchRow, request: ArchRequest, work: ArchWork): void {
  if (request.dir === DIR.fromDevice) {
    eachEntry(request, (sg) => {
      const cleans = sgLength(request.ctx.arena, sg) >= request.unit.pageBytes;
      if (cleans && !sgHasPage(request.ctx.arena, sg)) work.hazard("unmap marks pages clean that have no struct page");
    });
  }
  releaseFirst(request, work, tableOf(request), request.nents);
}

/** Ends at the first entry without a DMA length; addresses outside the I/O window were bypasses. */
function releaseFirst(request: ArchRequest, work: ArchWork, table: LinearTable, count: number): void {
  const { arena } = request.ctx;
  let sg = request.sg;
  lockTable(request.ctx, table);
  for (let i = 0; i < count && sg !== 0; i += 1, sg = sgNext(arena, sg)) {
    const dmaAddr = sgDmaAddress(arena, sg);
    const bytes = sgDmaLength(arena, sg);
    if (bytes === 0) break;
    if (!isTranslated(table, dmaAddr)) continue;
    const span = alignUpWide(lowBits(dmaAddr, table.iommuPageBytes) + bytes, table.iommuPageBytes);
    saveIa64(arena, table, entryOf(table, dmaAddr), span / table.iommuPageBytes, work);
  }
  unlockTable(request.ctx, table);
}
