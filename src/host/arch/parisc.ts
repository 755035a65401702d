/**
 * parisc: U2/Uturn (ccio-dma.c) and Astro/Ike/Pluto (sba_iommu.c) with their shared helper (iommu-helpers.h), and the
 * machines without an IOMMU (arch/parisc/kernel/pci-dma.c), kernel 4.1.
 */
import { alignUpWide, type DmaAddr, lowBits } from "../../base/addr.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { sgDmaAddress, sgDmaLength, sgLength, sgPhys } from "../dma/scatterlist.ts";
import { always, NO_CACHE, noncoherentOps } from "./cache_ops.ts";
import { coherenceIndex, countSnoops, mergeAddress, snoopVa, standInIndex } from "./coherence.ts";
import { NO_VA, tableOf } from "./entry.ts";
import { addressOf, entryOf, lockTable, unlockTable } from "./linear_iommu.ts";
import { CCIO_CHIP, ccioHints, type PariscChip, SBA_CHIP } from "./parisc_chips.ts";
import { mapStreams } from "./stream.ts";
import type { ArchOps, ArchRequest, ArchRow } from "./types.ts";
import type { ArchWork } from "./work.ts";

const PAGE = 4096;
const PAGELESS: ArchRow["pageless"] = {
  before: { outcome: "coherence-index", why: "has no kernel virtual address: coherence-index" },
  after: {
    outcome: "coherence-index",
    why: "has no kernel virtual address: coherence-index (not converted by the series)",
  },
};

/** U2/Uturn: units of the resource map, 12-bit coherence index. */
export const PARISC_CCIO: ArchRow = Object.freeze<ArchRow>({
  name: "parisc-ccio",
  title: "parisc U2/Uturn I/O adapter",
  source: "drivers/parisc/ccio-dma.c:ccio_map_sg, iommu-helpers.h [4.1]",
  evidence: "compiled",
  addressRule:
    "page index * 4 KiB + offset; the translation holds physical page, hints and 12 bits of the virtual address",
  merging: "contiguous-and-aligned",
  granularityBytes: PAGE,
  pageBytes: PAGE,
  cache: NO_CACHE,
  errors: { ret: 0, text: "ccio_alloc_range() I/O MMU is out of mapping resources. (panic)" },
  pageless: PAGELESS,
  translation: "linear",
  defaults: { entries: 262144, dmaBase: 0, reserved: 0, lineBytes: 64 },
  ops: parisc(CCIO_CHIP),
});

/** Astro/Ike/Pluto: aligned bitmap search, 8-bit coherence index, delayed frees. */
export const PARISC_SBA: ArchRow = Object.freeze<ArchRow>({
  name: "parisc-sba",
  title: "parisc Astro/Ike/Pluto",
  source: "drivers/parisc/sba_iommu.c:sba_map_sg, iommu-helpers.h [4.1]",
  evidence: "compiled",
  addressRule:
    "I/O base | page index * 4 KiB | offset; the translation holds physical page and 8 bits of the virtual address",
  merging: "contiguous-and-aligned",
  granularityBytes: PAGE,
  pageBytes: PAGE,
  cache: NO_CACHE,
  errors: { ret: 0, text: "drivers/parisc/sba_iommu.c: I/O MMU is out of mapping resources (panic)" },
  pageless: PAGELESS,
  translation: "linear",
  defaults: { entries: 262144, dmaBase: 0, reserved: 0, lineBytes: 64 },
  ops: parisc(SBA_CHIP),
});

/** PCX-L and PCX: no IOMMU, flushes by kernel virtual address. */
export const PARISC_PCXL: ArchRow = Object.freeze<ArchRow>({
  name: "parisc-pcxl",
  title: "parisc PCX-L and PCX, no IOMMU",
  source: "arch/parisc/kernel/pci-dma.c:pa11_dma_map_sg [4.1]",
  evidence: "read",
  addressRule: "the physical address of the kernel virtual address, entry by entry",
  merging: "none",
  granularityBytes: 0,
  pageBytes: PAGE,
  cache: {
    by: "va",
    map: always("flush"),
    unmap: { toDevice: "none", fromDevice: "flush", bidirectional: "flush" },
    syncCpu: always("flush"),
    syncDevice: always("flush"),
  },
  errors: { ret: 0, text: "" },
  pageless: {
    before: { outcome: "needs-va", why: "has no kernel virtual address to translate and to flush" },
    after: { outcome: "skips-flush", why: "patch 29 takes sg_phys and gates map, unmap and both syncs on has page" },
  },
  translation: "none",
  defaults: { lineBytes: 32 },
  ops: noncoherentOps({}),
});

function parisc(chip: PariscChip): ArchOps {
  return {
    map: (_row, request, work) => mapList(chip, request, work),
    unmap: (_row, request, work) => unmapList(chip, request, work),
    sync: () => undefined,
  };
}

function mapList(chip: PariscChip, request: ArchRequest, work: ArchWork): number {
  countSnoops(request, work);
  return mapStreams(request, {
    family: "contiguous-and-aligned",
    addressFor: mergeAddress,
    mapStream: (sg, entry, entries, bytes) => mapStream(chip, request, work, sg, entry, entries, bytes),
    undo: () => 0,
  });
}

function mapStream(
  chip: PariscChip,
  request: ArchRequest,
  work: ArchWork,
  sg: number,
  entry: number,
  entries: number,
  bytes: number,
): DmaAddr {
  const { arena } = request.ctx;
  const table = tableOf(request);
  const page = table.iommuPageBytes;
  const offset = lowBits(sgPhys(arena, sg), page);
  lockTable(request.ctx, table);
  const first = chip.take(request, work, table, alignUpWide(bytes + offset, page) / page);
  unlockTable(request.ctx, table);
  if (first < 0) return -1;
  const hints = ccioHints(request, sg);
  let index = first;
  for (let i = 0, at = sg; i < entries && at !== 0; i += 1, at = sgNext(arena, at)) {
    const va = snoopVa(request, entry + i, at);
    const within = lowBits(sgPhys(arena, at), page);
    for (let done = -within; done < sgLength(arena, at); done += page, index += 1) {
      const coherence =
        va === NO_VA ? standInIndex(request, chip.indexBits) : coherenceIndex(va + done, chip.indexBits);
      chip.write(request, work, index, sgPhys(arena, at) + done, coherence, hints);
    }
  }
  return addressOf(table, first) + offset;
}

/** Ends at the first entry without a DMA length. */
function unmapList(chip: PariscChip, request: ArchRequest, work: ArchWork): void {
  const { arena } = request.ctx;
  const table = tableOf(request);
  lockTable(request.ctx, table);
  for (let i = 0, sg = request.sg; i < request.nents && sg !== 0; i += 1, sg = sgNext(arena, sg)) {
    const bytes = sgDmaLength(arena, sg);
    if (bytes === 0) break;
    const dmaAddr = sgDmaAddress(arena, sg);
    const pages = alignUpWide(lowBits(dmaAddr, PAGE) + bytes, PAGE) / PAGE;
    chip.release(request, work, table, entryOf(table, dmaAddr), pages);
  }
  unlockTable(request.ctx, table);
}
