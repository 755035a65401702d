/**
 * Capacities of the arena: how much of everything fits. Fixed, so that the layout is one constant; where a machine or a
 * load could exceed one, the check that reads it names the limit.
 */

/** Size of the arena: what 32-bit wasm memory can address. */
export const ARENA_BYTES = 2 ** 32;
/** Size of the arena in wasm pages of 64 KiB. */
export const ARENA_PAGES = 65536;
/** Bytes for control words, from the arena's start; data chunks fill the rest. */
export const CONTROL_BYTES = 2 ** 30;
/** Unit in which simulated memory is backed, bytes. */
export const CHUNK_BYTES = 65536;
/** Data chunks: 3 GiB of simulated memory can be touched in one run. */
export const CHUNK_COUNT = (ARENA_BYTES - CONTROL_BYTES) / CHUNK_BYTES;

/** Host threads, each with a WORKER record and a copy ring. */
export const WORKERS_MAX = 64;
/** Simulated CPUs. */
export const CPUS_MAX = 256;
/** IOMMU domains. */
export const DOMAINS_MAX = 64;
/** IOMMU units. */
export const IOMMU_UNITS_MAX = 16;
/** IOTLB entries of one unit. */
export const IOTLB_ENTRIES_MAX = 4096;
/** Simulated DMA engines (device queues) of a machine. */
export const ENGINES_MAX = 1024;
/** Queue pairs, one a job clone. */
export const QPAIRS_MAX = 1024;
/** Slots of a submission or completion ring, a power of two; one fewer command is in flight. */
export const QPAIR_DEPTH = 1024;
/** Slots of one worker's copy ring, a power of two. */
export const COPY_RING_DEPTH = 4096;
/** Range sizes with magazines: 1, 2, 4 .. 32 pages (IOVA_RANGE_CACHE_MAX_SIZE). */
export const IOVA_ORDERS = 6;
/** Sizes of a page table: 1, 2, 4 .. 1024 frames (a linear table of 4 MiB). */
export const TABLE_ORDERS = 11;
/** Ranges that one magazine holds (IOVA_MAG_SIZE). */
export const MAGAZINE_PFNS = 127;
/** Slots of one flush queue, a power of two (IOVA_DEFAULT_FQ_SIZE). */
export const FQ_DEPTH = 256;
/** Slots of a flush queue that all CPUs of a domain share, a power of two (IOVA_SINGLE_FQ_SIZE). */
export const FQ_SHARED_DEPTH = 32768;
/** Slots of all pools together: 1 GiB at 2 KiB a slot. */
export const SWIOTLB_SLOTS_MAX = 524288;
/** Bounce pools that machines describe; grown and transient ones come on top. */
export const SWIOTLB_POOLS_MAX = 16;
/** Pools that growth can add. */
export const SWIOTLB_GROWN_POOLS_MAX = 24;
/** Slots of a grown pool: 4 MiB, the buddy allocator's maximum order. */
export const SWIOTLB_GROWN_SLOTS_MAX = 2048;
/** Areas of a grown pool: one for each 128 slots. */
export const SWIOTLB_GROWN_AREAS_MAX = SWIOTLB_GROWN_SLOTS_MAX / 128;
/** Transient pools at the same time; each has one area and at most one slot set of 128 slots. */
export const SWIOTLB_TRANSIENT_POOLS_MAX = 128;
/** Records of all bounce pools: booted ones first, then grown, then transient ones. */
export const SWIOTLB_RECORDS = Object.freeze({
  pools: SWIOTLB_POOLS_MAX + SWIOTLB_GROWN_POOLS_MAX + SWIOTLB_TRANSIENT_POOLS_MAX,
  areas: CPUS_MAX * SWIOTLB_POOLS_MAX + SWIOTLB_GROWN_POOLS_MAX * SWIOTLB_GROWN_AREAS_MAX + SWIOTLB_TRANSIENT_POOLS_MAX,
  slots: SWIOTLB_SLOTS_MAX + SWIOTLB_GROWN_POOLS_MAX * SWIOTLB_GROWN_SLOTS_MAX + SWIOTLB_TRANSIENT_POOLS_MAX * 128,
});
/** Translations of all linear-table IOMMUs together. */
export const LINEAR_ENTRIES_MAX = 2 ** 21;
/** Pages of one memmap section: 128 MiB (SECTION_SIZE_BITS of x86-64). */
export const SECTION_PAGES = 32768;
/** Chunks that one second-level directory covers: 4 GiB. */
export const L2_CHUNKS = 65536;
/** Failed comparisons kept with their details; all are counted. */
export const MISMATCHES_MAX = 64;
/** Sectors of 512 bytes in one media group: 64 KiB. */
export const MEDIA_GROUP_SECTORS = 128;
/** BARs with moving windows. */
export const WINDOW_SETS_MAX = 16;
/** Window slots of all BARs together. */
export const WINDOW_SLOTS_MAX = 65536;
/** Window pages of all device memories together: 128 GiB in pages of 64 KiB. */
export const WINDOW_PAGES_MAX = 2 ** 21;
/** Pages of RAM to which the pages of one device memory can migrate at the same time. */
export const WINDOW_RAM_PAGES_MAX = 1024;
