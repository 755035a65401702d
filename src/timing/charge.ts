/**
 * Turns a cost record into time: CPU occupancy plus waiting at the modelled locks.
 *
 * `host/` says what was done, this file what it takes. Locks are servers: an operation that needs a
 * lock which another CPU's operation holds until later waits for it.
 */
import { COST_LOCK, type CostRecord } from "../base/cost.ts";
import { PRICE } from "./constants.ts";
import { Server } from "./server.ts";

const LOCK_NAMES: Readonly<Record<number, string>> = {
  [COST_LOCK.magazine]: "iova magazine",
  [COST_LOCK.depot]: "iova depot",
  [COST_LOCK.iovaTree]: "iova tree",
  [COST_LOCK.flushQueue]: "flush queue",
  [COST_LOCK.swiotlbArea]: "swiotlb area",
  [COST_LOCK.invalidationQueue]: "invalidation queue",
};

/** What the report calls the resource: what moves it depends on that. */
const LOCK_KINDS: Readonly<Record<number, string>> = {
  [COST_LOCK.invalidationQueue]: "invalidation",
  [COST_LOCK.swiotlbArea]: "bounce pool",
};

/** Prices host operations and keeps the lock servers of one run. */
export class Charger {
  readonly #locks = new Map<number, Server>();

  /** End of an operation that starts at `nowPs` on its CPU and did what `cost` says. */
  charge(nowPs: number, cost: CostRecord): number {
    let at = nowPs + PRICE.mapCallPs + plainPs(cost);
    for (let i = 0; i < cost.lockCount; i += 1) {
      const kind = cost.lockKind[i] as number;
      const holdPs = lockHoldPs(kind, cost.lockWork[i] as number);
      at = this.#lock(kind, cost.lockIndex[i] as number).serve(at, holdPs);
    }
    return at;
  }

  /** Every lock that was ever taken, for the report. */
  servers(): readonly Server[] {
    return [...this.#locks.values()];
  }

  #lock(kind: number, index: number): Server {
    const key = kind * 2 ** 24 + index;
    let server = this.#locks.get(key);
    if (server === undefined) {
      server = new Server(`${LOCK_NAMES[kind] ?? "lock"} ${index}`, LOCK_KINDS[kind] ?? "lock");
      this.#locks.set(key, server);
    }
    return server;
  }
}

/** Work outside locks. Work under a lock is priced where the lock is served. */
function plainPs(cost: CostRecord): number {
  return (
    cost.sgEntries * PRICE.sgEntryPs +
    cost.ptesWritten * PRICE.ptePs +
    cost.ptesCleared * PRICE.pteClearPs +
    cost.tablesAllocated * PRICE.tablePs +
    cost.requests * PRICE.requestPs +
    cost.bytesBounced * PRICE.copyBytePs +
    cost.linesFlushed * PRICE.cacheLinePs +
    (cost.slotsTaken > 0 ? PRICE.slotMapPs : 0) +
    // A transient pool: memory as for a table page, then every slot record written.
    (cost.transientSlots > 0 ? PRICE.tablePs + cost.transientSlots * PRICE.slotProbePs : 0)
  );
}

function lockHoldPs(kind: number, work: number): number {
  if (kind === COST_LOCK.magazine) return PRICE.magazinePs;
  if (kind === COST_LOCK.depot) return PRICE.depotPs;
  if (kind === COST_LOCK.iovaTree) return PRICE.treePs + work * PRICE.treeStepPs;
  if (kind === COST_LOCK.flushQueue) return PRICE.magazinePs;
  if (kind === COST_LOCK.swiotlbArea) return work * PRICE.slotProbePs;
  return work * PRICE.invalidationPs;
}
