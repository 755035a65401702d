/**
 * Architectures whose DMA does not snoop and whose cache operations take virtual addresses (kernel 4.1). One mechanism,
 * cache_ops.ts; each row is a description.
 *
 * Page-less entries after the series: mapped by sg_phys, flush skipped - the memory is taken to be uncached or never
 * mapped by the CPU.
 */
import { always, BY_DIRECTION, NO_CACHE_RULE, type NoncoherentHabits, noncoherentOps } from "./cache_ops.ts";
import type { ArchOptions, ArchRow, CacheRule, CacheRules, Evidence } from "./types.ts";

const PAGE = 4096;
const FLUSH_OR_INVALIDATE: CacheRule = { toDevice: "flush", fromDevice: "invalidate", bidirectional: "flush" };
const INVALIDATE_WRITTEN: CacheRule = { toDevice: "none", fromDevice: "invalidate", bidirectional: "invalidate" };
const BY_SG_VIRT = "has no kernel virtual address for the cache operation on sg_virt";

/** What differs between the rows; the rest is the same for all. */
interface Variant {
  readonly name: string;
  readonly title: string;
  readonly source: string;
  readonly evidence?: Evidence;
  readonly addressRule?: string;
  readonly pageBytes?: number;
  readonly map: CacheRule;
  readonly unmap?: CacheRule;
  readonly syncCpu?: CacheRule;
  readonly syncDevice?: CacheRule;
  readonly before: ArchRow["pageless"]["before"];
  /** Number of the patch that converts the row. */
  readonly patch: number;
  readonly after?: ArchRow["pageless"]["after"];
  readonly defaults?: ArchOptions;
  readonly habits?: NoncoherentHabits;
}

/** A row that operates by virtual address. */
function byVa(variant: Variant): ArchRow {
  const cache: CacheRules = {
    by: "va",
    map: variant.map,
    unmap: variant.unmap ?? NO_CACHE_RULE,
    syncCpu: variant.syncCpu ?? NO_CACHE_RULE,
    syncDevice: variant.syncDevice ?? variant.map,
  };
  return Object.freeze<ArchRow>({
    name: variant.name,
    title: variant.title,
    source: variant.source,
    evidence: variant.evidence ?? "read",
    addressRule: variant.addressRule ?? "the physical address, entry by entry",
    merging: "none",
    granularityBytes: 0,
    pageBytes: variant.pageBytes ?? PAGE,
    cache,
    errors: { ret: 0, text: "" },
    pageless: {
      before: variant.before,
      after: variant.after ?? { outcome: "skips-flush", why: `patch ${variant.patch} gates the flush on has page` },
    },
    translation: "none",
    defaults: { lineBytes: 32, ...variant.defaults },
    ops: noncoherentOps(variant.habits ?? {}),
  });
}

/** ARC: list syncs go by their direction, single ones do not. */
export const ARC = byVa({
  name: "arc",
  title: "ARC, non-coherent",
  source: "arch/arc/include/asm/dma-mapping.h:dma_map_sg [4.1]",
  map: BY_DIRECTION,
  syncCpu: BY_DIRECTION,
  pageBytes: 8192,
  before: { outcome: "needs-page", why: "has no struct page: map_sg calls map_page" },
  patch: 19,
});

/** AVR32: the uncached P2 segment needs nothing. */
export const AVR32 = byVa({
  name: "avr32",
  title: "AVR32",
  source: "arch/avr32/include/asm/dma-mapping.h:dma_map_sg [4.1]",
  map: BY_DIRECTION,
  before: { outcome: "needs-page", why: "has no struct page for page_to_bus, nor a kernel virtual address to flush" },
  patch: 20,
  habits: { uncachedVa: [0xa0000000, 0xc0000000] },
});

/** Blackfin: no MMU, the device gets the virtual address. */
export const BLACKFIN = byVa({
  name: "blackfin",
  title: "Blackfin",
  source: "arch/blackfin/kernel/dma-mapping.c:dma_map_sg [4.1]",
  addressRule: "the kernel virtual address, which is the physical one there",
  map: { toDevice: "flush", fromDevice: "invalidate", bidirectional: "invalidate" },
  before: { outcome: "needs-va", why: "has no kernel virtual address, which is the DMA address" },
  patch: 21,
  habits: { address: "kva" },
});

/** FR-V: writes back one page an entry and trusts the caller's address. */
export const FRV = byVa({
  name: "frv",
  title: "FR-V with MMU",
  source: "arch/frv/mb93090-mb00/pci-dma.c:dma_map_sg [4.1]",
  addressRule: "none: the caller has set the DMA address",
  pageBytes: 16384,
  map: always("writeback"),
  syncDevice: NO_CACHE_RULE,
  before: { outcome: "needs-page", why: "has no struct page to map for the write-back" },
  patch: 25,
  habits: { address: "untouched", wholePages: "first", kmaps: true },
});

/** Meta: unmap works only with L2 prefetch. */
export const METAG = byVa({
  name: "metag",
  title: "Meta",
  source: "arch/metag/include/asm/dma-mapping.h:dma_map_sg [4.1]",
  map: BY_DIRECTION,
  unmap: INVALIDATE_WRITTEN,
  syncCpu: INVALIDATE_WRITTEN,
  before: { outcome: "needs-page", why: "has no struct page: BUG_ON(!sg_page)" },
  patch: 22,
  defaults: { prefetches: false },
  habits: { onlyIfPrefetching: "unmap-and-sync" },
});

/** MIPS: low memory in one operation, high memory page by page; coherent devices need nothing. */
export const MIPS = byVa({
  name: "mips",
  title: "MIPS, non-coherent",
  source: "arch/mips/mm/dma-default.c:mips_dma_map_sg [4.1]",
  addressRule: "the platform's bus address of page and offset (identity here), entry by entry",
  map: BY_DIRECTION,
  unmap: { ...BY_DIRECTION, toDevice: "none" },
  syncCpu: BY_DIRECTION,
  before: { outcome: "needs-page", why: "has no struct page for __dma_sync and the platform's mem_page callback" },
  patch: 27,
  defaults: { prefetches: false },
  habits: { honoursCoherent: true, kmaps: true, onlyIfPrefetching: "sync" },
});

/** Nios II: before the series a null virtual address passes an entry over. */
export const NIOS2 = byVa({
  name: "nios2",
  title: "Nios II",
  source: "arch/nios2/mm/dma-mapping.c:dma_map_sg [4.1]",
  map: FLUSH_OR_INVALIDATE,
  unmap: INVALIDATE_WRITTEN,
  syncCpu: INVALIDATE_WRITTEN,
  before: { outcome: "untouched", why: "a null sg_virt passes the entry over, its DMA address untouched" },
  patch: 18,
  habits: { passesOverNoVa: true },
});

/** SuperH: through dma_cache_sync on the virtual address. */
export const SH = byVa({
  name: "sh",
  title: "SuperH",
  source: "arch/sh/kernel/dma-nommu.c:nommu_map_sg [4.1]",
  map: BY_DIRECTION,
  before: { outcome: "needs-page", why: `${BY_SG_VIRT}: BUG_ON(!sg_page)` },
  patch: 23,
});

/** Xtensa: syncs in both directions do what map does. */
export const XTENSA = byVa({
  name: "xtensa",
  title: "Xtensa",
  source: "arch/xtensa/include/asm/dma-mapping.h:dma_map_sg [4.1]",
  map: FLUSH_OR_INVALIDATE,
  syncCpu: FLUSH_OR_INVALIDATE,
  before: { outcome: "needs-page", why: "has no struct page: BUG_ON(!sg_page)" },
  patch: 24,
});

/** Hexagon: map flushes in every direction and checks the mask. */
export const HEXAGON: ArchRow = Object.freeze<ArchRow>({
  ...byVa({
    name: "hexagon",
    title: "Hexagon",
    source: "arch/hexagon/kernel/dma.c:hexagon_map_sg [4.1]",
    map: always("flush"),
    syncCpu: BY_DIRECTION,
    syncDevice: BY_DIRECTION,
    before: { outcome: "needs-va", why: "has no virtual address behind phys_to_virt to flush" },
    after: { outcome: "needs-va", why: "has no virtual address behind phys_to_virt to flush: not converted" },
    patch: 0,
    habits: { checksMask: true },
  }),
  errors: { ret: 0, text: "map_sg: overflow ADDR+SIZE of device mask MASK" },
});
