/**
 * Time of an IOMMU unit: walkers that overlap up to a number, fills that take as long as the walk, page-structure caches.
 *
 * Hits, misses and levels are decided by `device/translate` on the shared IOTLB; this says what they cost. An entry is
 * taken when the miss is found and is of no use until the walk ends, so walks in flight shrink the reach of a loaded
 * IOTLB ("Understanding PCIe performance for end host networking", SIGCOMM 2018: 64 B reads behave like 64 to 90 entries
 * under load, latency of single accesses like 120).
 */
import { WalkCache } from "../iommu/walk_cache.ts";
import { Server, type ServerStats } from "../server.ts";

/** Domains do not share page-structure entries: each has addresses of its own in the caches. */
const DOMAIN_SPAN = 2 ** 48;
const FIRST_LEVEL = 1;

/** Constants of a unit. */
export interface TranslationShape {
  /** Walks at a time. */
  readonly walkers: number;
  /** Walk of a leaf with the upper levels cached, of a read and of a posted write. */
  readonly readWalkPs: number;
  readonly writeWalkPs: number;
  /** Each further table read, upper levels not cached. */
  readonly levelPs: number;
  /** IOTLB entries of the unit. */
  readonly entries: number;
  /** Entries of the page-structure caches, each level. */
  readonly walkCacheEntries: number;
}

/** Servers of one unit, shared by all devices behind it. */
export class TranslationUnit {
  readonly walkers: Server;
  readonly #shape: TranslationShape;
  /** By entry slot: when its walk ends. */
  readonly #filledAtPs: Float64Array;
  readonly #caches: WalkCache;
  walks = 0;
  stallPs = 0;

  constructor(name: string, shape: TranslationShape) {
    this.#shape = shape;
    this.walkers = new Server(`${name} walkers`, "iommu", shape.walkers);
    this.#filledAtPs = new Float64Array(shape.entries);
    this.#caches = new WalkCache(shape.walkCacheEntries);
  }

  /** An invalidation of [iova, iova + bytes) of a domain drops the tables that lead there; 0 bytes = the whole domain. */
  invalidate(domain: number, iova: number, bytes: number): void {
    const start = domain * DOMAIN_SPAN;
    this.#caches.drop(start + iova, bytes === 0 ? DOMAIN_SPAN : bytes, FIRST_LEVEL);
  }

  /**
   * Time at which an access of `domain` to `iova` that looked up `slot` at `nowPs` is translated. `levels` is 0 on a hit, and `own` says that the
   * same transfer caused the fill it hits, so that it waits for it; another's unfinished fill is a miss that walks again.
   */
  translated(
    nowPs: number,
    domain: number,
    iova: number,
    slot: number,
    levels: number,
    write: boolean,
    own: boolean,
  ): number {
    if (levels === 0) {
      const filledPs = this.#filledAtPs[slot] as number;
      if (filledPs <= nowPs) return nowPs;
      if (own) return filledPs;
    }
    const endPs = this.walked(nowPs, domain, iova, levels, write);
    if (levels > 0) this.#filledAtPs[slot] = endPs;
    this.stallPs += endPs - nowPs;
    return endPs;
  }

  /** A walk whose entry nobody waits for; returns its end. */
  walked(nowPs: number, domain: number, iova: number, levels: number, write: boolean): number {
    const shape = this.#shape;
    const reads = this.#caches.walk(domain * DOMAIN_SPAN + iova);
    // A superpage's leaf is in an upper table: no more than its levels are read. A re-walk of a fill in flight reads the leaf.
    const upper = Math.min(reads, Math.max(1, levels)) - 1;
    const leafPs = write ? shape.writeWalkPs : shape.readWalkPs;
    this.walks += 1;
    return this.walkers.serve(nowPs, upper > 0 ? leafPs + upper * shape.levelPs : leafPs);
  }

  servers(): readonly ServerStats[] {
    return [this.walkers];
  }

  rebase(shiftPs: number): void {
    this.walkers.rebase(shiftPs);
    for (let i = 0; i < this.#filledAtPs.length; i += 1) {
      this.#filledAtPs[i] = (this.#filledAtPs[i] as number) - shiftPs;
    }
  }
}
