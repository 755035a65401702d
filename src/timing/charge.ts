/**
 * Turns a cost record into time: CPU occupancy plus waiting at the modelled locks and queues.
 *
 * `host/` says what was done, the prices what it takes. Locks are servers: an operation that needs a lock which another
 * CPU's operation holds until later waits for it.
 */
import { defined } from "../base/assert.ts";
import { COST_LOCK, type CostRecord } from "../base/cost.ts";
import { CommandQueue } from "./host_cost/command_queue.ts";
import type { HostPrices } from "./host_cost/prices.ts";
import { SharedLock } from "./host_cost/shared_lock.ts";
import type { ServerStats } from "./server.ts";
import type { StageLog } from "./stage_log.ts";

const LOCK_NAMES: Readonly<Record<number, string>> = {
  [COST_LOCK.magazine]: "iova magazine",
  [COST_LOCK.depot]: "iova depot",
  [COST_LOCK.iovaTree]: "iova tree",
  [COST_LOCK.flushQueue]: "flush queue",
  [COST_LOCK.swiotlbArea]: "swiotlb area",
  [COST_LOCK.window]: "window lock",
};

const KINDS = 1 + Math.max(...Object.values(COST_LOCK));
/** Entries of a table of the formats in use: one walk serves as many neighbours. */
const TABLE_ENTRIES = 512;
/** Records of 24 bytes in a line of 64. */
const SLOTS_PER_LINE = 64 / 24;

/** Prices host operations and keeps the lock servers of one run. */
export class Charger {
  /** Log of the command whose operation is next, when somebody follows it. */
  log: StageLog | null = null;
  readonly #prices: HostPrices;
  /** By kind and index; by unit and number. */
  readonly #locks: (SharedLock | undefined)[][] = Array.from({ length: KINDS }, () => []);
  readonly #queues: (CommandQueue | undefined)[] = [];
  /** In the order of their first use. */
  readonly #madeLocks: SharedLock[] = [];
  readonly #madeQueues: CommandQueue[] = [];

  constructor(prices: HostPrices) {
    this.#prices = prices;
  }

  /** End of an operation that starts at `nowPs` on `cpu` and did what `cost` says. */
  charge(nowPs: number, cost: CostRecord, cpu: number): number {
    const prices = this.#prices;
    let at = nowPs + prices.callPs + Math.round(plainPs(prices, cost));
    if (this.log !== null) logPlain(this.log, at, Math.round(cost.bytesBounced * prices.copyBytePs));
    for (let i = 0; i < cost.lockCount; i += 1) {
      const kind = cost.lockKind[i] as number;
      const index = cost.lockIndex[i] as number;
      const work = cost.lockWork[i] as number;
      if (kind === COST_LOCK.invalidationQueue) at = this.#invalidate(at, index, work, cost, cpu);
      else {
        const lock = this.#lock(kind, index);
        at = lock.serve(at, holdPs(prices, kind, work), sharedLines(prices, kind, work), cpu);
        this.log?.step(lock.name, lock.startPs, at);
      }
    }
    return at;
  }

  /** The invalidation queue of a unit that `cpu` uses. */
  queue(unit: number, cpu: number): CommandQueue {
    const { queues } = this.#prices.queue;
    const index = unit * queues + (cpu - queues * Math.floor(cpu / queues));
    let queue = this.#queues[index];
    if (queue === undefined) {
      queue = new CommandQueue(`invalidation queue ${index}`, this.#prices);
      while (this.#queues.length <= index) this.#queues.push(undefined);
      this.#queues[index] = queue;
      this.#madeQueues.push(queue);
    }
    return queue;
  }

  /** Every lock and queue that was ever taken, for the report. */
  servers(): readonly ServerStats[] {
    return [...this.#madeLocks, ...this.#madeQueues];
  }

  /** `calls` invalidations of the record's; one after the other, each page alone where software does that. */
  #invalidate(nowPs: number, index: number, calls: number, cost: CostRecord, cpu: number): number {
    const { syncPerPage, queue } = this.#prices;
    const pages = Math.max(1, cost.ptesCleared || cost.invalidatedPages) * (calls / Math.max(1, cost.invalidations));
    const submissions = syncPerPage ? Math.round(pages) : calls;
    const commands = queue.commandPerPage && !syncPerPage ? pages / calls : 1;
    const server = this.queue(index, cpu);
    let at = nowPs;
    for (let i = 0; i < submissions; i += 1) {
      const before = at;
      at = server.submit(before, commands);
      this.log?.step(server.name, Math.min(before + server.queuedPs, at), at);
    }
    return at;
  }

  #lock(kind: number, index: number): SharedLock {
    const locks = defined(this.#locks[kind], "every kind of lock has a list");
    let lock = locks[index];
    if (lock === undefined) {
      const { linePs, contendedPs } = this.#prices;
      const group = kind === COST_LOCK.swiotlbArea ? "bounce pool" : "lock";
      lock = new SharedLock(`${LOCK_NAMES[kind] ?? "lock"} ${index}`, group, linePs, contendedPs);
      // No holes: an array with them is a hash table.
      while (locks.length <= index) locks.push(undefined);
      locks[index] = lock;
      this.#madeLocks.push(lock);
    }
    return lock;
  }
}

/** Name of the CPU's copies to and from bounce slots in a log. */
export const BOUNCE_COPY = "bounce copy";

/** The copy to or from bounce slots apart from the rest of the work outside locks, which ends at `endPs`. */
function logPlain(log: StageLog, endPs: number, bouncePs: number): void {
  log.serve("cpu", endPs - bouncePs);
  log.serve(BOUNCE_COPY, endPs);
}

/** Work outside locks. Work under a lock is priced where the lock is served. */
function plainPs(prices: HostPrices, cost: CostRecord): number {
  const changed = cost.ptesWritten + cost.ptesCleared;
  return (
    cost.sgEntries * prices.sgEntryPs +
    tableWorkPs(prices, changed) +
    cost.tablesAllocated * prices.tablePs +
    cost.requests * prices.requestPs +
    (cost.ptesWritten > 0 ? prices.mapTrapPs : 0) +
    cost.domainFlushes * (prices.queue.issuePs + prices.queue.syncPs + prices.queue.trapPs) +
    cost.bytesBounced * prices.copyBytePs +
    cost.stagedStoreBytes * prices.stagedStoreBytePs +
    cost.stagedLoadBytes * prices.stagedLoadBytePs +
    cost.linesFlushed * prices.cacheLinePs +
    (cost.slotsTaken > 0 ? prices.slotMapPs : 0) +
    windowWorkPs(prices, cost) +
    cost.deviceTlbFlushes * prices.deviceTlbFlushPs +
    // A transient pool: memory as for a table page, then every slot record written.
    (cost.transientSlots > 0 ? prices.tablePs + cost.transientSlots * prices.slotProbePs : 0)
  );
}

/** Moving windows: pin calls with their remaps, revokes, read-backs, and pages that went to RAM instead. */
function windowWorkPs(prices: HostPrices, cost: CostRecord): number {
  return (
    cost.windowRemaps * prices.windowRemapPs +
    cost.windowRevokes * prices.windowRevokePs +
    cost.windowReadBacks * prices.windowReadBackPs +
    cost.bytesMigrated * prices.migrateBytePs
  );
}

/** Writing or clearing `changed` page-table entries: the walks to them and the stores. */
export function tableWorkPs(prices: HostPrices, changed: number): number {
  if (changed === 0) return 0;
  const walks = prices.walkPerPage ? changed : Math.ceil(changed / TABLE_ENTRIES);
  return prices.coldPs + walks * prices.walkPs + changed * prices.ptePs;
}

function holdPs(prices: HostPrices, kind: number, work: number): number {
  if (kind === COST_LOCK.magazine) return prices.magazinePs;
  if (kind === COST_LOCK.depot) return prices.depotPs;
  if (kind === COST_LOCK.iovaTree) return prices.treePs + work * prices.treeStepPs;
  if (kind === COST_LOCK.flushQueue) return prices.magazinePs;
  if (kind === COST_LOCK.window) return prices.windowLockPs;
  return work * prices.slotProbePs;
}

/** Lines under a lock that another CPU may have written last. */
function sharedLines(prices: HostPrices, kind: number, work: number): number {
  if (kind === COST_LOCK.iovaTree) return prices.treeLines + Math.min(work, prices.treeSearchLinesMax);
  return kind === COST_LOCK.swiotlbArea ? 1 + work / SLOTS_PER_LINE : 1;
}
