/**
 * Page-structure caches of an IOMMU unit: one small cache of table addresses for each level above the leaf.
 *
 * A walk starts at the lowest table that is cached and reads all below it, the leaf always. Levels are numbered from the
 * root: an entry of level 1 covers 2^39 B of IOVAs, of level 2 2^30 B, of level 3 2^21 B (Intel VT-d specification, 6.2.3;
 * "Fast & Safe IO Memory Protection", SOSP 2024, section 2). An invalidation whose hint does not keep them drops the
 * entries on the way to its pages (VT-d specification, 6.5.1.1: invalidation hint).
 */

/** Bytes that one entry covers, by level from the root; level 0 does not exist. */
export const LEVEL_BYTES: readonly number[] = [0, 2 ** 39, 2 ** 30, 2 ** 21];
/** The level just above the leaves. */
const LAST_LEVEL = 3;

/** Least recently used caches, one a level. */
export class WalkCache {
  /** Walks that found no entry of a level, by level. */
  readonly misses: [number, number, number, number] = [0, 0, 0, 0];
  readonly #held: readonly Set<number>[];
  readonly #entries: number;

  /** `entries` of each level. */
  constructor(entries: number) {
    this.#entries = entries;
    this.#held = LEVEL_BYTES.map(() => new Set<number>());
  }

  /** Walks to the leaf of `iova`; returns the table entries read, 1 (leaf only) to 4. */
  walk(iova: number): number {
    let level = LAST_LEVEL;
    while (level > 0 && !this.#has(level, iova)) {
      this.misses[level as 1 | 2 | 3] += 1;
      level -= 1;
    }
    for (let filled = level + 1; filled <= LAST_LEVEL; filled += 1) this.#fill(filled, iova);
    return 1 + LAST_LEVEL - level;
  }

  /** Drops what leads to [iova, iova + bytes), from the leaves up to and including `fromLevel`. */
  drop(iova: number, bytes: number, fromLevel: number): void {
    for (let level = fromLevel; level <= LAST_LEVEL; level += 1) {
      const span = LEVEL_BYTES[level] as number;
      const last = Math.floor((iova + bytes - 1) / span);
      for (let key = Math.floor(iova / span); key <= last; key += 1) this.#level(level).delete(key);
    }
  }

  /** Drops everything. */
  clear(): void {
    for (const level of this.#held) level.clear();
  }

  /** Hits become the newest entry. */
  #has(level: number, iova: number): boolean {
    const key = Math.floor(iova / (LEVEL_BYTES[level] as number));
    const held = this.#level(level);
    if (!held.delete(key)) return false;
    held.add(key);
    return true;
  }

  #fill(level: number, iova: number): void {
    const held = this.#level(level);
    if (held.size >= this.#entries) {
      const [oldest] = held;
      if (oldest !== undefined) held.delete(oldest);
    }
    held.add(Math.floor(iova / (LEVEL_BYTES[level] as number)));
  }

  #level(level: number): Set<number> {
    return this.#held[level] as Set<number>;
  }
}
