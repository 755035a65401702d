/**
 * An IOMMU unit that counts: production IOTLB, walker and invalidation, and page-structure caches beside them.
 */
import { initIommuUnit } from "../../../device/iotlb.ts";
import { makeTranslation, translate } from "../../../device/translate.ts";
import type { InvalidationPort } from "../../../host/context.ts";
import type { PageTableFormat } from "../../../pagetable/format.ts";
import type { Arena } from "../../../shm/arena.ts";
import { WalkCache } from "../../../timing/iommu/walk_cache.ts";
import { UnitInvalidation } from "../../unit_invalidation.ts";

/** Upper levels that an invalidation drops: all on the way, or only the table of its own leaves. */
const ALL_LEVELS = 1;
const LEAF_TABLE = 3;
const UNIT = 0;

/** Sizes of the unit's caches, and what its driver asks invalidations to keep. */
export interface UnitParts {
  readonly iotlbEntries: number;
  readonly walkCacheEntries: number;
  /** The driver keeps upper levels that stay valid. */
  readonly keepsUpperLevels: boolean;
}

/** Counts since the last {@link reset}. */
export class CountingUnit implements InvalidationPort {
  iotlbMisses = 0;
  /** Table entries read. */
  reads = 0;
  readonly caches: WalkCache;
  readonly #arena: Arena;
  readonly #iotlb: UnitInvalidation;
  readonly #dropFrom: number;
  readonly #translation = makeTranslation();

  constructor(arena: Arena, parts: UnitParts) {
    this.#arena = arena;
    this.#iotlb = new UnitInvalidation(arena, "intel-vtd");
    this.#dropFrom = parts.keepsUpperLevels ? LEAF_TABLE : ALL_LEVELS;
    this.caches = new WalkCache(parts.walkCacheEntries);
    initIommuUnit(arena, UNIT, parts.iotlbEntries, parts.iotlbEntries);
  }

  /** A device access to `iova`, which is mapped. */
  access(domain: number, format: PageTableFormat, iova: number, write: boolean): void {
    translate(this.#arena, UNIT, domain, format, iova, write, this.#translation);
    if (!this.#translation.hit) this.walk(iova);
  }

  /** A walk for `iova` whose translation the IOTLB no longer holds. */
  walk(iova: number): void {
    this.iotlbMisses += 1;
    this.reads += this.caches.walk(iova);
  }

  invalidatePages(unit: number, domain: number, iova: number, bytes: number): void {
    this.#iotlb.invalidatePages(unit, domain, iova, bytes);
    this.caches.drop(iova, bytes, this.#dropFrom);
  }

  invalidateDomain(unit: number, domain: number): void {
    this.#iotlb.invalidateDomain(unit, domain);
    this.caches.clear();
  }

  reset(): void {
    this.iotlbMisses = 0;
    this.reads = 0;
    this.caches.misses.fill(0);
  }
}
