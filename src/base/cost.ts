/**
 * The cost record: what one host operation did, in units that timing can price.
 *
 * `host/` adds to it and knows no time; `timing/` turns it into CPU occupancy and waits. One record
 * per simulated CPU, preallocated, reset before every operation.
 */
export const COST_LOCKS_MAX = 16;

/** Resource kinds of the ordered lock list. */
export const COST_LOCK = Object.freeze({
  magazine: 1,
  depot: 2,
  iovaTree: 3,
  flushQueue: 4,
  swiotlbArea: 5,
  invalidationQueue: 6,
  window: 7,
});

/** Which path served the last mapping. */
export const PATH = Object.freeze({ direct: 0, iommu: 1, bounce: 2, p2p: 3, cpu: 4, staged: 5 });
/** Words of the reports for PATH, at the index that PATH gives. */
export const PATH_NAMES = ["direct", "iommu", "bounce", "p2p", "cpu", "staged"] as const;
/** How a command reached memory; `cpu` = no DMA, the CPU moved the bytes; `staged` = DMA to memory, the CPU to or from a peer. */
export type PathName = (typeof PATH_NAMES)[number];

/** Counters of one host operation; `reset` before it, read by timing after it. Bytes and counts, no times. */
export class CostRecord {
  /** PATH of the mapping. */
  path = 0;
  sgEntries = 0;
  ptesWritten = 0;
  ptesCleared = 0;
  tablesAllocated = 0;
  tablesFreed = 0;
  /** MAP and UNMAP requests to a hypervisor (virtio-iommu), each waited for. */
  requests = 0;
  magazineHits = 0;
  depotExchanges = 0;
  /** Operations on the IOVA list, and nodes looked at. */
  treeOps = 0;
  treeSteps = 0;
  slotsProbed = 0;
  slotsTaken = 0;
  /** Slots of the transient pools made for this operation. */
  transientSlots = 0;
  bytesBounced = 0;
  /** Bytes that the CPU stored into, and loaded from, a peer's BAR. */
  stagedStoreBytes = 0;
  stagedLoadBytes = 0;
  /** Cache lines maintained on a non-coherent device. */
  linesFlushed = 0;
  /** Invalidation commands issued and waited for; pages they cover. */
  invalidations = 0;
  invalidatedPages = 0;
  /** Whole-domain flushes (lazy mode). */
  domainFlushes = 0;
  /** Invalidations of devices' own TLBs (ATS). */
  deviceTlbFlushes = 0;
  /** Window slots pointed at another page, pages revoked, reads behind posted writes, bytes moved to or from RAM instead. */
  windowRemaps = 0;
  windowRevokes = 0;
  windowReadBacks = 0;
  bytesMigrated = 0;
  /** Locks in the order taken: kind (COST_LOCK), index inside the kind, work units inside. */
  lockCount = 0;
  readonly lockKind = new Int32Array(COST_LOCKS_MAX);
  readonly lockIndex = new Int32Array(COST_LOCKS_MAX);
  readonly lockWork = new Int32Array(COST_LOCKS_MAX);

  reset(): void {
    this.path = 0;
    this.sgEntries = 0;
    this.ptesWritten = 0;
    this.ptesCleared = 0;
    this.tablesAllocated = 0;
    this.tablesFreed = 0;
    this.requests = 0;
    this.magazineHits = 0;
    this.depotExchanges = 0;
    this.treeOps = 0;
    this.treeSteps = 0;
    this.slotsProbed = 0;
    this.slotsTaken = 0;
    this.transientSlots = 0;
    this.bytesBounced = 0;
    this.stagedStoreBytes = 0;
    this.stagedLoadBytes = 0;
    this.linesFlushed = 0;
    this.invalidations = 0;
    this.invalidatedPages = 0;
    this.domainFlushes = 0;
    this.deviceTlbFlushes = 0;
    this.windowRemaps = 0;
    this.windowRevokes = 0;
    this.windowReadBacks = 0;
    this.bytesMigrated = 0;
    this.lockCount = 0;
  }

  /** Appends a lock to the ordered list; beyond COST_LOCKS_MAX the work is added to the last one. */
  addLock(kind: number, index: number, work: number): void {
    const at = this.lockCount < COST_LOCKS_MAX ? this.lockCount : COST_LOCKS_MAX - 1;
    if (this.lockCount < COST_LOCKS_MAX) {
      this.lockKind[at] = kind;
      this.lockIndex[at] = index;
      this.lockWork[at] = 0;
      this.lockCount += 1;
    }
    this.lockWork[at] = (this.lockWork[at] as number) + work;
  }
}
