/**
 * Architectures whose DMA does not snoop and whose cache operations take physical addresses, pages or the whole cache
 * (kernel 4.1). One mechanism, cache_ops.ts; each row is a description.
 */
import { always, BY_DIRECTION, NO_CACHE_RULE, noncoherentOps } from "./cache_ops.ts";
import type { ArchRow } from "./types.ts";

const PAGE = 4096;

const COMMON = {
  evidence: "read",
  addressRule: "the physical address, entry by entry",
  merging: "none",
  granularityBytes: 0,
  pageBytes: PAGE,
  errors: { ret: 0, text: "" },
  translation: "none",
  defaults: { lineBytes: 32 },
} as const satisfies Partial<ArchRow>;

/** C6X: L2 operations on the physical range, at map, unmap and both syncs. */
export const C6X: ArchRow = Object.freeze<ArchRow>({
  ...COMMON,
  name: "c6x",
  title: "TI C6X",
  source: "arch/c6x/kernel/dma.c:dma_map_sg [4.1]",
  cache: { by: "phys", map: BY_DIRECTION, unmap: BY_DIRECTION, syncCpu: BY_DIRECTION, syncDevice: BY_DIRECTION },
  pageless: {
    before: { outcome: "needs-va", why: "has no kernel virtual address: map_single takes sg_virt" },
    after: { outcome: "works", why: "patch 8 maps by sg_phys; the cache operation takes that address and stays" },
  },
  ops: noncoherentOps({}),
});

/** MicroBlaze: flushes by physical address, leaves dma_length alone. */
export const MICROBLAZE: ArchRow = Object.freeze<ArchRow>({
  ...COMMON,
  name: "microblaze",
  title: "MicroBlaze",
  source: "arch/microblaze/kernel/dma.c:dma_direct_map_sg [4.1]",
  cache: {
    by: "phys",
    map: { toDevice: "flush", fromDevice: "invalidate", bidirectional: "flush" },
    unmap: NO_CACHE_RULE,
    syncCpu: { toDevice: "none", fromDevice: "invalidate", bidirectional: "none" },
    syncDevice: { toDevice: "flush", fromDevice: "none", bidirectional: "none" },
  },
  pageless: {
    before: { outcome: "needs-page", why: "has no struct page for page_to_phys(sg_page) + offset" },
    after: { outcome: "works", why: "patch 2 takes sg_phys; the flush is by physical address and stays" },
  },
  ops: noncoherentOps({ setsLength: false }),
});

/** MN10300: the whole data cache, once a call. */
export const MN10300: ArchRow = Object.freeze<ArchRow>({
  ...COMMON,
  name: "mn10300",
  title: "MN10300",
  source: "arch/mn10300/include/asm/dma-mapping.h:dma_map_sg [4.1]",
  cache: {
    by: "whole",
    map: always("flush"),
    unmap: NO_CACHE_RULE,
    syncCpu: NO_CACHE_RULE,
    syncDevice: always("flush"),
  },
  pageless: {
    before: { outcome: "needs-page", why: "has no struct page: BUG_ON(!sg_page)" },
    after: { outcome: "works", why: "patch 12 drops the BUG; the whole cache is flushed as before" },
  },
  ops: noncoherentOps({}),
});

/** OpenRISC: nothing for bidirectional maps, which have to be synced by hand. */
export const OPENRISC: ArchRow = Object.freeze<ArchRow>({
  ...COMMON,
  name: "openrisc",
  title: "OpenRISC",
  source: "arch/openrisc/kernel/dma.c:or1k_map_sg [4.1]",
  pageBytes: 8192,
  cache: {
    by: "phys",
    map: { toDevice: "flush", fromDevice: "invalidate", bidirectional: "none" },
    unmap: NO_CACHE_RULE,
    syncCpu: always("invalidate"),
    syncDevice: always("flush"),
  },
  pageless: {
    before: { outcome: "needs-page", why: "has no struct page: map_sg calls map_page" },
    after: {
      outcome: "skips-flush",
      why: "patch 26 flushes through map_page only, although its operations take physical addresses",
    },
  },
  ops: noncoherentOps({}),
});

/** Tile: whole pages, through the page's home. */
export const TILE: ArchRow = Object.freeze<ArchRow>({
  ...COMMON,
  evidence: "inferred",
  name: "tile",
  title: "Tile",
  source: "arch/tile/kernel/pci-dma.c:tile_dma_map_sg [4.1]",
  pageBytes: 65536,
  cache: {
    by: "phys",
    map: always("flush"),
    unmap: { toDevice: "none", fromDevice: "flush", bidirectional: "flush" },
    syncCpu: { toDevice: "none", fromDevice: "flush", bidirectional: "flush" },
    syncDevice: always("flush"),
  },
  pageless: {
    before: { outcome: "needs-page", why: "has no struct page, which knows the core that homes its lines" },
    after: {
      outcome: "needs-page",
      why: "has no struct page, which knows the core that homes its lines: not converted",
    },
  },
  ops: noncoherentOps({ wholePages: "each" }),
});
