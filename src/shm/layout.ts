/**
 * THE only file with byte positions: every control byte of the arena, with its owner.
 * ```
 * 0                                       CONTROL_BYTES (1 GiB)                        ARENA_BYTES (4 GiB)
 * | header workers copy-rings qpairs ...  | 64 KiB chunks: bytes of RAM, PMEM, device memory           |
 * ```
 * Words that different threads write never share 64 bytes (`line()`); capacities are fixed, so the
 * layout is one constant, and untouched parts of it cost no memory (the arena is committed lazily).
 */
import { createHash } from "node:crypto";
import { assert } from "../base/assert.ts";
import {
  ARENA_BYTES,
  CHUNK_BYTES,
  CHUNK_COUNT,
  CONTROL_BYTES,
  COPY_RING_DEPTH,
  CPUS_MAX,
  DOMAINS_MAX,
  FQ_DEPTH,
  IOMMU_UNITS_MAX,
  IOTLB_ENTRIES_MAX,
  IOVA_ORDERS,
  L2_CHUNKS,
  LINEAR_ENTRIES_MAX,
  MAGAZINE_PFNS,
  MEDIA_GROUP_SECTORS,
  MISMATCHES_MAX,
  QPAIR_DEPTH,
  QPAIRS_MAX,
  SECTION_PAGES,
  SWIOTLB_RECORDS,
  TABLE_ORDERS,
  WINDOW_PAGES_MAX,
  WINDOW_RAM_PAGES_MAX,
  WINDOW_SETS_MAX,
  WINDOW_SLOTS_MAX,
  WORKERS_MAX,
} from "./capacities.ts";
import { defineRecord, f64, line, mutex, placeRegions, type Region, u32 } from "./record.ts";

/** Lock ranks: a thread takes locks in rising order only, one of a rank. */
export const RANK = Object.freeze({
  domain: 10,
  flushQueue: 15,
  magazine: 20,
  depot: 21,
  iovaTree: 22,
  linearTable: 25,
  swiotlbArea: 30,
  window: 40,
  sgPool: 50,
  frames: 51,
  memmap: 52,
  media: 60,
  debug: 80,
  fault: 90,
});

/** Arena identity, run control and bump allocators; one record. */
export const HEADER = defineRecord("header", 4096, {
  magic: u32("coordinator", "0x444d4153, 'DMAS'"),
  layoutHash: u32("coordinator", "first 32 bits of the layout hash"),
  buildId: u32("coordinator", "first 128 bits of the build id", 4),
  workers: u32("coordinator", "worker threads of this run"),
  stopLine: line(),
  stop: u32("coordinator", "1 = drain and leave, 2 = leave at once"),
  phaseLine: line(),
  phase: u32("any", "stonewall group that may run"),
  phaseRunning: u32("any", "job clones of the current group that still run"),
  chunkLine: line(),
  chunkNext: u32("any", "data chunks handed out (fetch-add)"),
  l2Next: u32("any", "chunk directory tables handed out (fetch-add)"),
  sgLine: line(),
  sgLock: mutex(RANK.sgPool, "scatterlist array pool"),
  sgNext: u32("holder", "next never-used entry"),
  sgFree: u32("holder", "free arrays by size class 8,16,32,64,128 entries (word index, 0 = none)", 5),
  sgUsed: u32("holder", "entries in use"),
  frameLine: line(),
  frameLock: mutex(RANK.frames, "page-table frame pool"),
  frameNext: u32("holder", "next never-used frame"),
  frameFree: u32("holder", "first free table + 1 by size, 2^n frames; linked through its first word", TABLE_ORDERS),
  frameUsed: u32("holder", "frames in use"),
  nodeLine: line(),
  iovaNodeNext: u32("any", "IOVA nodes handed out (fetch-add); node 0 is never used"),
  magazineNext: u32("any", "magazines handed out (fetch-add); magazine 0 is never used"),
  memmapLine: line(),
  memmapLock: mutex(RANK.memmap, "section table"),
  sectionNext: u32("holder", "memmap blocks handed out"),
  pinsLine: line(),
  pins: u32("any", "page pins held (fetch-add/sub)"),
  faultLine: line(),
  faultNext: u32("any", "fault records written (fetch-add; the ring keeps the first ones)"),
  mismatchLine: line(),
  mismatchNext: u32("any", "mismatch records written (fetch-add)"),
  mediaLine: line(),
  mediaNext: u32("any", "media extents handed out (fetch-add); extent 0 is never used"),
});

/** One host thread. */
export const WORKER = defineRecord("worker", 512, {
  heartbeat: u32("worker", "grows with every turn of the worker's loop"),
  state: u32("worker", "0 absent, 1 attached, 2 running, 3 left"),
  engine: u32("worker", "engine being served + 1, 0 = none"),
  tag: u32("worker", "tag of the descriptor being executed"),
  bellLine: line("doorbell"),
  bells: u32("producer", "rings (fetch-add)"),
  parkedLine: line(),
  parked: u32("worker", "1 = waits on `bells`"),
  countLine: line(),
  copied: f64("worker", "payload bytes copied"),
  verified: f64("worker", "bytes compared with their pattern"),
  commands: u32("worker", "copy commands executed"),
  hookLine: line("test hooks"),
  hook: u32("coordinator", "misbehaviour asked for by a test: 1 throw, 2 exit, 3 spin"),
});

/** Single-producer single-consumer ring control; slots lie in a region of their own. */
export const RING = defineRecord("ring", 192, {
  tail: u32("producer", "slots published (free running)"),
  headSeen: u32("producer", "the producer's copy of head"),
  headLine: line(),
  head: u32("consumer", "slots consumed (free running)"),
  tailSeen: u32("consumer", "the consumer's copy of tail"),
});

/** A copy, fill or check of resolved physical bytes, from the virtual loop to a worker. */
export const COPY_CMD = defineRecord("copyCommand", 96, {
  op: u32("producer", "COPY_OP"),
  engine: u32("producer", "engine the bytes belong to"),
  tag: u32("producer", "I/O tag, for reports"),
  version: u32("producer", "pattern version"),
  src: f64("producer", "source physical address"),
  dst: f64("producer", "destination physical address"),
  bytes: f64("producer", "length"),
  unit: f64("producer", "first pattern unit of the stream"),
  streamOff: f64("producer", "offset of this piece in the stream"),
  keyLo: u32("producer", "pattern key, low half"),
  keyHi: u32("producer", "pattern key, high half"),
  dmaAddr: f64("producer", "address the device used, for reports"),
  io: f64("producer", "I/O number inside its job, for reports"),
  job: u32("producer", "job clone, for reports"),
});

/** What a device fetches: one I/O with its mapped scatterlist(s). */
export const DESC = defineRecord("descriptor", 64, {
  tag: u32("producer", "I/O slot of the submitter"),
  op: u32("producer", "DESC_OP"),
  sg: u32("producer", "word index of the first scatterlist entry"),
  nents: u32("producer", "DMA entries"),
  dstSg: u32("producer", "second list, for memory-to-memory copies"),
  dstNents: u32("producer", "its DMA entries"),
  bytes: u32("producer", "transfer length"),
  version: u32("producer", "pattern version of a write"),
  unit: f64("producer", "first pattern unit (media sector or stream position)"),
  io: f64("producer", "I/O number inside its job"),
  keyLo: u32("producer", "pattern key, low half"),
  keyHi: u32("producer", "pattern key, high half"),
  flags: u32("producer", "DESC_FLAG bits"),
  job: u32("producer", "job, for reports"),
});

/** One completion on its way from an engine to the submitter. */
export const COMPLETION = defineRecord("completion", 32, {
  tag: u32("consumer", "I/O slot of the submitter"),
  status: u32("consumer", "DMA_STATUS"),
  bytes: u32("consumer", "bytes transferred"),
  version: u32("consumer", "pattern version that was delivered; ~0 = several"),
  faultAddr: f64("consumer", "address that faulted"),
});

/** A queue pair between one job clone and one engine. */
export const QPAIR = defineRecord("queuePair", 512, {
  sq: u32("producer", "submission ring (RING)", 48),
  cq: u32("producer", "completion ring (RING); producer is the engine", 48),
  engine: u32("coordinator", "engine that serves it"),
  clone: u32("coordinator", "job clone that owns it"),
});

/** Chained scatterlist entry: struct scatterlist without pointers. */
export const SG = defineRecord("scatterlist", 32, {
  pfn: f64("mapper", "page frame; for a CHAIN entry the word index of the next array"),
  dmaAddress: f64("mapper", "device side"),
  offset: u32("mapper", "offset of the data in the page; may exceed a page"),
  length: u32("mapper", "CPU side length"),
  dmaLength: u32("mapper", "device side length"),
  flags: u32("mapper", "SG_FLAG bits"),
});

/** IOMMU domain: IOVA allocator, page-table root, flush queue counters. */
export const DOMAIN = defineRecord("domain", 1024, {
  rootFrame: u32("mapper", "page-table root frame + 1"),
  tableLock: mutex(RANK.domain, "reserved for table teardown"),
  tableGeneration: u32("any", "table frames taken out of the tree (fetch-add); a walk that straddles one is repeated"),
  treeLine: line(),
  treeLock: mutex(RANK.iovaTree, "IOVA node list"),
  anchor: u32("holder", "node above everything (word index)"),
  cachedNode: u32("holder", "search start, 64-bit (word index)"),
  cached32Node: u32("holder", "search start below 4 GiB (word index)"),
  max32AllocSize: u32("holder", "smallest size in pages known to fail below 4 GiB"),
  nodeFree: u32("holder", "free node list (word index, 0 = none)"),
  nodesUsed: u32("holder", "allocated IOVA ranges in the list; reserved ones do not count"),
  startPfn: f64("coordinator", "lowest allocatable pfn"),
  dma32Pfn: f64("coordinator", "first pfn at or above 4 GiB"),
  flushLine: line(),
  flushStart: u32("any", "domain flushes started"),
  flushFinish: u32("any", "domain flushes finished"),
  fqTimerArmed: u32("any", "1 = a flush is due at fqDueNs, 2 = being armed"),
  fqDueNs: f64("any", "time of the pending timer flush"),
  statLine: line(),
  ptePresent: u32("any", "leaf entries present (fetch-add/sub)"),
  pageBytesMask: u32("coordinator", "log2 page sizes of the format, bit mask"),
  dacForced: u32("any", "one bit a device index: 32-bit-first failed once, start at the full mask (fetch-or)", 2),
});

/** Per (domain, CPU, order) IOVA magazines; struct iova_cpu_rcache. */
export const CPU_RCACHE = defineRecord("iovaCpuRcache", 64, {
  lock: mutex(RANK.magazine, "this CPU's magazines of one order"),
  loaded: u32("holder", "magazine (word index), 0 = none yet"),
  prev: u32("holder", "magazine (word index), 0 = none yet"),
});

/** Per (domain, order) depot of full magazines; struct iova_rcache. */
export const DEPOT = defineRecord("iovaDepot", 64, {
  lock: mutex(RANK.depot, "full magazines"),
  head: u32("holder", "first full magazine, 0 = none"),
  size: u32("holder", "full magazines in the depot"),
  spare: u32("holder", "first empty magazine, 0 = none"),
  trimArmed: u32("holder", "1 = a trim is due at trimDueNs"),
  trimDueNs: f64("holder", "time of the pending trim"),
});

/** IOVA magazine (struct iova_magazine): a stack of ranges of one size. */
export const MAGAZINE = defineRecord("iovaMagazine", 1024, {
  size: u32("holder", "pfns held"),
  next: u32("holder", "next magazine of the depot"),
  pfns: f64("holder", "first pfns of cached ranges", MAGAZINE_PFNS),
});

/** One range of IOVA space, both ends inclusive (struct iova). */
export const IOVA_NODE = defineRecord("iovaNode", 32, {
  lo: f64("holder", "first pfn"),
  hi: f64("holder", "last pfn, inclusive"),
  prev: u32("holder", "next lower node (word index), 0 = none"),
  next: u32("holder", "next higher node (word index), 0 = none"),
  hashNext: u32("holder", "next node of the hash chain; next free node when free"),
  used: u32("holder", "0 = free, 1 = allocated, 2 = reserved or anchor"),
});

/** A region of single words: hash buckets, directories, bitmaps. */
export const WORD = defineRecord("word", 4, { value: u32("any", "one word") });

/** Per (domain, CPU) deferred-invalidation ring (struct iova_fq); a shared ring has the first CPU's head and runs on over the others. */
export const FQ = defineRecord("flushQueue", 64 + FQ_DEPTH * 16, {
  lock: mutex(RANK.flushQueue, "this ring"),
  head: u32("holder", "oldest entry"),
  tail: u32("holder", "next free entry"),
  entriesLine: line("entries: {f64 iovaPfn, u32 pages, u32 counter}"),
  entries: u32("holder", "ring of deferred ranges", FQ_DEPTH * 4),
});

/** One deferred range of a flush queue (struct iova_fq_entry). */
export const FQ_ENTRY = defineRecord("flushQueueEntry", 16, {
  pfn: f64("holder", "first pfn"),
  pages: u32("holder", "range size"),
  counter: u32("holder", "flushStart when queued"),
});

/** IOMMU unit: IOTLB geometry and invalidation generation. */
export const IOMMU_UNIT = defineRecord("iommuUnit", 256, {
  entries: u32("coordinator", "IOTLB entries"),
  ways: u32("coordinator", "ways per set"),
  sets: u32("coordinator", "sets, a power of two"),
  pageSizes: u32("any", "log2 page sizes present in the IOTLB, bit mask (fetch-or)"),
  genLine: line(),
  generation: u32("any", "invalidations begun (fetch-add); a fill that straddles one is dropped"),
  clockLine: line(),
  clock: u32("any", "replacement clock"),
});

/** One IOTLB entry under its own sequence lock. */
export const IOTLB_ENTRY = defineRecord("iotlbEntry", 32, {
  seq: u32("any", "odd = being written"),
  domain: u32("any", "domain + 1, 0 = invalid"),
  info: u32("any", "log2 page size | permission << 8"),
  used: u32("any", "replacement stamp"),
  vpn: f64("any", "IOVA / page size"),
  phys: f64("any", "physical address of the page"),
});

/** swiotlb pool (struct io_tlb_pool). */
export const POOL = defineRecord("swiotlbPool", 256, {
  nslabs: u32("coordinator", "slots"),
  nareas: u32("coordinator", "areas, a power of two"),
  areaNslabs: u32("coordinator", "slots per area"),
  start: f64("coordinator", "physical address of slot 0"),
  usedLine: line(),
  used: u32("any", "slots in use (fetch-add/sub)"),
  usedHiwater: u32("any", "largest value of used"),
  growthLine: line("growth of a booted pool"),
  growth: u32("any", "GROWTH bits: the growth worker is scheduled, a thread runs it"),
  grown: u32("any", "pools added, by the thread that runs the worker; their records are published by it"),
  transientNslabs: u32("any", "slots of live transient pools (fetch-add/sub)"),
  transientMade: u32("any", "transient pools made (fetch-add)"),
  transientOwner: u32("any", "of a transient pool: device + 1 that it serves, 0 = free, -1 = being made"),
});

/** Part of a bounce pool with a lock of its own (struct io_tlb_area). */
export const AREA = defineRecord("swiotlbArea", 64, {
  lock: mutex(RANK.swiotlbArea, "slots of one area"),
  index: u32("holder", "next-fit cursor, in slots from the area's start"),
  used: u32("holder", "slots in use"),
});

/** 2 KiB of a bounce pool (struct io_tlb_slot). */
export const SLOT = defineRecord("swiotlbSlot", 24, {
  origAddr: f64("holder", "physical address of the original bytes"),
  allocSize: u32("holder", "bytes of the mapping from this slot on"),
  list: u32("holder", "free slots from here to the end of the slot set; 0 = used"),
  padSlots: u32("holder", "padding slots before the mapping (its first slot only)"),
  owner: u32("holder", "device + 1 that mapped it, for leak reports"),
});

/** 4 KiB of page table; larger tables take neighbouring frames. */
export const FRAME = defineRecord("pageTableFrame", 4096, {
  entries: u32("mapper", "512 64-bit entries, written through the 64-bit atomics", 1024),
});

/** Second level of the chunk directory: chunk number + 1 of every 64 KiB of 4 GiB. */
export const CHUNK_L2 = defineRecord("chunkDirectoryL2", L2_CHUNKS * 4, {
  chunk: u32("any", "data chunk + 1, 0 = not backed (compare-exchange)", L2_CHUNKS),
});

/** A region of single numbers. */
export const F64 = defineRecord("float64", 8, { value: f64("any", "one number") });

/** Key of the section hash: which 128 MiB of physical space a memmap block describes. */
export const SECTION = defineRecord("section", 16, {
  number: f64("holder", "physical address / 128 MiB"),
  block: u32("any", "memmap block + 1, 0 = empty bucket"),
});

/** memmap of one 128 MiB section: pin count of every page. */
export const MEMMAP_BLOCK = defineRecord("memmapBlock", SECTION_PAGES * 4, {
  pins: u32("any", "pins of a page (fetch-add/sub)", SECTION_PAGES),
});

/** Sectors of one 64 KiB media group that hold the same version. */
export const MEDIA_EXTENT = defineRecord("mediaExtent", 32, {
  group: f64("holder", "device * 2^40 + first sector / 128"),
  version: u32("holder", "version stamp"),
  next: u32("holder", "next extent of the bucket, 0 = none"),
  mask: u32("holder", "sectors of the group that hold this version", MEDIA_GROUP_SECTORS / 32),
});

/** Lock and free list of every n-th bucket of the media hash. */
export const MEDIA_STRIPE = defineRecord("mediaStripe", 64, {
  lock: mutex(RANK.media, "buckets whose number ends in this stripe's"),
  free: u32("holder", "free extents of the stripe"),
});

/** Freed ranges that a linear-table IOMMU may hold back at once. */
export const LINEAR_SAVED_MAX = 64;
/** Allocation pools of a linear table: four small ones and the large one. */
export const LINEAR_POOLS = 5;

/** One linear-table IOMMU (GART, TCE, PDIR, IOPTE): the allocator's cursors. Entries and bitmap lie in regions of their own. */
export const LINEAR_TABLE = defineRecord("linearTable", 1024, {
  lock: mutex(RANK.linearTable, "bitmap, entries and cursors of one table"),
  cursor: u32("holder", "where the next search starts: an entry, or a word of the bitmap"),
  cursorBit: u32("holder", "bit inside the cursor's word"),
  firstFree: u32("holder", "no free entry below this one"),
  lastSize: u32("holder", "entries of the last allocation"),
  wrapped: u32("holder", "1 = the last search started over"),
  needFlush: u32("holder", "1 = stale translations may be reused: flush before the device sees the next mapping"),
  flushes: u32("holder", "translation flushes so far"),
  grown: u32("holder", "entries that exist so far; the table grows by whole apertures"),
  savedCount: u32("holder", "freed ranges held back"),
  rotors: u32("holder", "search starts of the areas", 4),
  poolStart: u32("holder", "first entry of each pool", LINEAR_POOLS),
  poolHint: u32("holder", "search start of each pool", LINEAR_POOLS),
  poolEnd: u32("holder", "end of each pool", LINEAR_POOLS),
  saved: u32("holder", "held back ranges: {first entry, entries}", LINEAR_SAVED_MAX * 2),
});

/** One translation of a linear table; narrower entries use `lo` alone. Written through the 64-bit atomics. */
export const LINEAR_ENTRY = defineRecord("linearEntry", 8, {
  lo: u32("mapper", "bits 31:0"),
  hi: u32("mapper", "bits 63:32"),
});

/** Moving windows of one BAR: device memory larger than it is shown page by page. Protocol: host/p2p/windows.ts. */
export const WINDOW_SET = defineRecord("windowSet", 192, {
  lock: mutex(RANK.window, "page table, lists, pins and users of one BAR's slots"),
  lruHead: u32("holder", "least recently used open slot + 1, 0 = none"),
  lruTail: u32("holder", "most recently used open slot + 1"),
  closing: u32("holder", "first slot that drains + 1"),
  free: u32("holder", "first closed, drained slot + 1"),
  ramFree: u32("holder", "first free page of the migration pool + 1"),
  open: u32("holder", "slots that show a page"),
  hits: u32("holder", "resolved pages that a slot showed already"),
  remaps: u32("holder", "times a slot was pointed at a page"),
  evictions: u32("holder", "pages that lost their slot to another one"),
  revokes: u32("holder", "pages taken from their importers (move_notify)"),
  drains: u32("holder", "closed slots that still had DMA in flight"),
  readBacks: u32("holder", "reads that pushed posted writes out of the fabric"),
  busy: u32("holder", "resolves refused because every slot is in use"),
  pinned: u32("holder", "revokes refused because the page is pinned"),
  told: u32("holder", "importers that learned at release that their page was revoked"),
  migrated: u32("holder", "resolves answered with RAM"),
  migratedBytes: f64("holder", "bytes moved to and from RAM for them"),
  refused: u32("holder", "resolves refused because the page cannot be exposed"),
  ramUsed: u32("holder", "pages of the migration pool in use"),
});

/** One slot of a BAR: the page that it shows, who may use it, and what is in flight through it. */
export const WINDOW_SLOT = defineRecord("windowSlot", 128, {
  epoch: u32("holder", "odd = open, and the generation of its addresses; even = closed"),
  page: u32("holder", "device page shown, in window pages"),
  pagePhys: f64("holder", "physical (for private memory: fictitious) address of that page"),
  barPhys: f64("coordinator", "CPU physical address of the slot"),
  prev: u32("holder", "next less recently used slot + 1"),
  next: u32("holder", "next more recently used slot + 1; next slot of the closing or free list"),
  pins: u32("holder", "long-term pins (dma_buf_pin): neither evicted nor revoked"),
  users: u32("holder", "mappings of the current generation: not evicted, but revoked"),
  flightLine: line(),
  inFlight: u32("engine", "accesses between their epoch check and their end (fetch-add/sub)"),
  posted: u32("any", "1 = device writes since the last read-back"),
});

/** One device function's counters and medium state. */
export const DEVICE = defineRecord("device", 192, {
  sequence: u32("any", "write versions handed out (fetch-add)"),
  faultsLine: line(),
  faults: u32("any", "faults of this device (fetch-add)"),
  peerLine: line(),
  peerMaps: u32("any", "peers' live mappings of its BARs (fetch-add); bit 30 = its driver is going, no new ones"),
  tlbFlushes: u32("any", "invalidations of its own TLB (ATS; fetch-add)"),
});

/** Fault recording register (VT-d 11.14): what an IOMMU or bridge refused. */
export const FAULT = defineRecord("fault", 64, {
  reason: u32("any", "FAULT_REASON"),
  device: u32("any", "device index"),
  write: u32("any", "1 = device write"),
  tag: u32("any", "I/O tag"),
  addr: f64("any", "address that was refused"),
  io: f64("any", "I/O number"),
});

/** First differing byte of a failed comparison. */
export const MISMATCH = defineRecord("mismatch", 96, {
  kind: u32("worker", "MISMATCH_KIND"),
  job: u32("worker", "job clone"),
  engine: u32("worker", "engine"),
  expected: u32("worker", "expected byte"),
  actual: u32("worker", "byte found"),
  version: u32("worker", "expected version"),
  phys: f64("worker", "physical address of the byte"),
  dmaAddr: f64("worker", "address the device used for it"),
  offset: f64("worker", "offset in the I/O"),
  io: f64("worker", "I/O number inside its job"),
  unit: f64("worker", "pattern unit"),
});

/** State of dma-debug (kernel/dma/debug.c); everything of it changes under its lock. */
export const DEBUG = defineRecord("dmaDebug", 64, {
  lock: mutex(RANK.debug, "shadow entries, their hash and their counters"),
  state: u32("holder", "0 off, 1 on, 2 disabled for want of entries"),
  errors: u32("holder", "error_count: errors seen"),
  printsLeft: u32("holder", "num_errors: errors that may still be printed"),
  printAll: u32("holder", "all_errors: 1 = no limit"),
  entriesTotal: u32("holder", "nr_total_entries"),
  entriesFree: u32("holder", "num_free_entries"),
  entriesFreeMin: u32("holder", "min_free_entries"),
  entryNext: u32("holder", "next never-used entry"),
  entryFree: u32("holder", "first free entry + 1, linked through `next`"),
  overlapWarned: u32("holder", "1 = the overlap limit has been reported"),
});

/** What one mapping was when it was made (struct dma_debug_entry), with who made it. */
export const DEBUG_ENTRY = defineRecord("dmaDebugEntry", 96, {
  dmaAddr: f64("holder", "device address"),
  bytes: f64("holder", "length"),
  phys: f64("holder", "physical address of the first byte"),
  io: f64("holder", "I/O number inside its job"),
  next: u32("holder", "next entry of the bucket + 1, or of the free list"),
  lineNext: u32("holder", "next entry of the cache line's bucket + 1"),
  device: u32("holder", "device index"),
  kind: u32("holder", "DEBUG_KIND"),
  dir: u32("holder", "DIR"),
  nents: u32("holder", "entries of the list as the caller passed it; 0 = no list"),
  mappedNents: u32("holder", "DMA entries of the list"),
  checked: u32("holder", "0 = needs no check, 1 = dma_mapping_error not called yet, 2 = called"),
  job: u32("holder", "job clone"),
  attrs: u32("holder", "ATTR bits"),
});

/** Every region of the control part, in order of address; {@link Region} says what an entry holds. */
export const REGIONS = placeRegions(CONTROL_BYTES, {
  header: { record: HEADER, count: 1, note: "identity, run control, bump allocators" },
  workers: { record: WORKER, count: WORKERS_MAX, note: "host threads: heartbeat, doorbell, counters" },
  copyRings: { record: RING, count: WORKERS_MAX, note: "virtual clock: loop to worker" },
  copyCommands: { record: COPY_CMD, count: WORKERS_MAX * COPY_RING_DEPTH, note: "slots of copyRings" },
  qpairs: { record: QPAIR, count: QPAIRS_MAX, note: "wall clock: job clone to engine and back" },
  descriptors: { record: DESC, count: QPAIRS_MAX * QPAIR_DEPTH, note: "slots of the submission rings" },
  completions: { record: COMPLETION, count: QPAIRS_MAX * QPAIR_DEPTH, note: "slots of the completion rings" },
  scatterlists: { record: SG, count: 2 ** 22, note: "scatterlist arrays" },
  domains: { record: DOMAIN, count: DOMAINS_MAX, note: "IOMMU domains" },
  cpuRcaches: { record: CPU_RCACHE, count: DOMAINS_MAX * CPUS_MAX * IOVA_ORDERS, note: "[domain][cpu][order]" },
  depots: { record: DEPOT, count: DOMAINS_MAX * IOVA_ORDERS, note: "[domain][order]" },
  magazines: { record: MAGAZINE, count: 32768, note: "IOVA magazines" },
  iovaNodes: { record: IOVA_NODE, count: 2 ** 20, note: "allocated IOVA ranges" },
  iovaBuckets: { record: WORD, count: 2 ** 18, note: "hash of iovaNodes by domain and first pfn" },
  flushQueues: { record: FQ, count: DOMAINS_MAX * CPUS_MAX, note: "[domain][cpu], or [domain] one ring over these" },
  iommuUnits: { record: IOMMU_UNIT, count: IOMMU_UNITS_MAX, note: "IOMMU units" },
  iotlb: { record: IOTLB_ENTRY, count: IOMMU_UNITS_MAX * IOTLB_ENTRIES_MAX, note: "[unit][set][way]" },
  frames: { record: FRAME, count: 32768, note: "page-table frames" },
  pools: { record: POOL, count: SWIOTLB_RECORDS.pools, note: "swiotlb pools: booted, grown, transient" },
  areas: { record: AREA, count: SWIOTLB_RECORDS.areas, note: "[pool][area]" },
  slots: { record: SLOT, count: SWIOTLB_RECORDS.slots, note: "swiotlb slots, pools one after the other" },
  linearTables: { record: LINEAR_TABLE, count: 16, note: "linear-table IOMMUs" },
  linearEntries: { record: LINEAR_ENTRY, count: LINEAR_ENTRIES_MAX, note: "their entries, tables one after the other" },
  linearBitmaps: { record: WORD, count: LINEAR_ENTRIES_MAX / 32, note: "one bit an entry: 1 = in use" },
  chunkL1: { record: WORD, count: 2 ** 20, note: "physical / 4 GiB to chunkL2 table + 1" },
  chunkL2: { record: CHUNK_L2, count: 512, note: "chunk directory tables" },
  chunkPhys: { record: F64, count: CHUNK_COUNT, note: "physical address of every data chunk" },
  sections: { record: SECTION, count: 4096, note: "hash of memmap sections" },
  memmap: { record: MEMMAP_BLOCK, count: 512, note: "memmap blocks" },
  mediaBuckets: { record: WORD, count: 2 ** 20, note: "hash of media extents" },
  mediaExtents: { record: MEDIA_EXTENT, count: 2 ** 22, note: "version stamps of written media" },
  mediaStripes: { record: MEDIA_STRIPE, count: 1024, note: "locks of mediaBuckets" },
  windowSets: { record: WINDOW_SET, count: WINDOW_SETS_MAX, note: "BARs with moving windows" },
  windowSlots: { record: WINDOW_SLOT, count: WINDOW_SLOTS_MAX, note: "their slots, BARs one after the other" },
  windowPages: { record: WORD, count: WINDOW_PAGES_MAX, note: "slot + 1 of a device page, 0 = not shown" },
  windowRam: { record: WORD, count: WINDOW_SETS_MAX * WINDOW_RAM_PAGES_MAX, note: "free list of migration pages" },
  devices: { record: DEVICE, count: 64, note: "device functions" },
  dmaDebug: { record: DEBUG, count: 1, note: "dma-debug: state and counters" },
  debugBuckets: { record: WORD, count: 16384, note: "hash of debugEntries by device address / 8 KiB" },
  debugLines: { record: WORD, count: 16384, note: "hash of debugEntries by cache line" },
  debugEntries: { record: DEBUG_ENTRY, count: 2 ** 17, note: "shadow of live mappings" },
  faults: { record: FAULT, count: 1024, note: "first faults of the run" },
  mismatches: { record: MISMATCH, count: MISMATCHES_MAX, note: "first failed comparisons" },
});

assert(IOTLB_ENTRY.WORDS % 2 === 0 && SG.WORDS % 2 === 0, "records with f64 fields keep 8-byte alignment in arrays");
assert(QPAIR.cq - QPAIR.sq === RING.WORDS, "a queue pair holds two whole rings");
assert(CHUNK_COUNT * CHUNK_BYTES === ARENA_BYTES - CONTROL_BYTES, "chunks fill the arena");

/** Hash over every declared name, position and size; two builds with the same hash agree on every byte. */
export function layoutHash(): string {
  const row = ({ name, byte, stride, count, record }: Region) => [name, byte, stride, count, record];
  const text = JSON.stringify(Object.values(REGIONS).map(row));
  return createHash("sha256").update(text).digest("hex");
}
