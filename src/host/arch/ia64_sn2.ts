/**
 * SGI sn2 (arch/ia64/sn/pci/pci_dma.c:sn_dma_map_sg, kernel 4.1): the bus provider maps one physical range at a time.
 *
 * A 64-bit device gets the bus's direct 64-bit address; a narrower one needs address translation entries (ATEs).
 */
import { ADDR_LIMIT } from "../../base/addr.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { sgDmaAddress, sgDmaLength, sgLength, sgPhys, sgSetDma } from "../dma/scatterlist.ts";
import { NO_CACHE } from "./cache_ops.ts";
import { eachEntry, tableOf } from "./entry.ts";
import { isTranslated, takeNextFit } from "./linear_iommu.ts";
import { highWord, lowWord, mapRange, releaseRange } from "./per_entry.ts";
import type { ArchRequest, ArchRow } from "./types.ts";
import type { ArchWork } from "./work.ts";

const ATE_PAGE = 16384;
const ATE_VALID = 1;

/** SGI Altix: whatever the bus provider answers for one physical range. */
export const IA64_SN2: ArchRow = Object.freeze<ArchRow>({
  name: "ia64-sn2",
  title: "ia64 SGI sn2",
  source: "arch/ia64/sn/pci/pci_dma.c:sn_dma_map_sg [4.1]; the provider's addresses are inferred",
  evidence: "read",
  addressRule: "what the bus provider gives for the physical range: direct for 64-bit masks, else translation entries",
  merging: "none",
  granularityBytes: ATE_PAGE,
  pageBytes: ATE_PAGE,
  cache: NO_CACHE,
  errors: { ret: 0, text: "sn_dma_map_sg: out of ATEs" },
  pageless: {
    before: { outcome: "needs-va", why: "has no kernel virtual address: the physical address is __pa(sg_virt)" },
    after: { outcome: "works", why: "patch 9 takes sg_phys" },
  },
  translation: "linear",
  defaults: { entries: 65536, dmaBase: 0x40000000, reserved: 0 },
  ops: { map: mapSn2, unmap: unmapSn2, sync: () => undefined },
});

function mapSn2(row: ArchRow, request: ArchRequest, work: ArchWork): number {
  const { arena } = request.ctx;
  const direct = request.device.dmaMask >= ADDR_LIMIT - 1;
  let sg = request.sg;
  for (let entry = 0; entry < request.nents && sg !== 0; entry += 1, sg = sgNext(arena, sg)) {
    const phys = sgPhys(arena, sg);
    const bytes = sgLength(arena, sg);
    const dmaAddr = direct
      ? phys
      : mapRange(request, work, phys, bytes, takeAtes, { lo: (page) => lowWord(page) + ATE_VALID, hi: highWord });
    if (dmaAddr < 0) {
      work.log(row.errors.text);
      release(request, work, entry);
      return 0;
    }
    sgSetDma(arena, sg, dmaAddr, bytes);
  }
  return request.nents;
}

function takeAtes(request: ArchRequest, _work: ArchWork, count: number): number {
  const table = tableOf(request);
  return takeNextFit(request.ctx.arena, table, count, 0, request.device.segBoundaryMask);
}

function unmapSn2(_row: ArchRow, request: ArchRequest, work: ArchWork): void {
  release(request, work, request.nents);
}

function release(request: ArchRequest, work: ArchWork, count: number): void {
  const { arena } = request.ctx;
  eachEntry(request, (sg, entry) => {
    const dmaAddr = sgDmaAddress(arena, sg);
    const translated = request.device.dmaMask < ADDR_LIMIT - 1 && isTranslated(tableOf(request), dmaAddr);
    if (entry < count && translated) releaseRange(request, work, dmaAddr, sgDmaLength(arena, sg));
  });
}
