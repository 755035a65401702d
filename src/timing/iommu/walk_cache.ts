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

/** No IOVA prefix. */
const EMPTY = -1;

/** Least recently used caches, one a level. Nothing here allocates after construction. */
export class WalkCache {
  /** Walks that found no entry of a level, by level. */
  readonly misses: [number, number, number, number] = [0, 0, 0, 0];
  /** By level and entry: IOVA prefix, and when it was used last. */
  readonly #prefix: Float64Array;
  readonly #usedAt: Float64Array;
  readonly #entries: number;
  /** By level: entries that were ever filled, all before the others; searches end there. */
  readonly #filled = new Int32Array(LEVEL_BYTES.length);
  #clock = 0;

  /** `entries` of each level. */
  constructor(entries: number) {
    this.#entries = entries;
    this.#prefix = new Float64Array(LEVEL_BYTES.length * entries).fill(EMPTY);
    this.#usedAt = new Float64Array(LEVEL_BYTES.length * entries);
  }

  /** Walks to the leaf of `iova`; returns the table entries read, 1 (leaf only) to 4. */
  walk(iova: number): number {
    this.#clock += 1;
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
    const prefix = this.#prefix;
    for (let level = fromLevel; level <= LAST_LEVEL; level += 1) {
      const span = LEVEL_BYTES[level] as number;
      const first = Math.floor(iova / span);
      const last = Math.floor((iova + bytes - 1) / span);
      const end = this.#end(level);
      for (let at = level * this.#entries; at < end; at += 1) {
        const held = prefix[at] as number;
        if (held >= first && held <= last) prefix[at] = EMPTY;
      }
    }
  }

  /** Drops everything. */
  clear(): void {
    this.#prefix.fill(EMPTY);
  }

  /** First place of a level that was never filled. */
  #end(level: number): number {
    return level * this.#entries + (this.#filled[level] as number);
  }

  /** Hits become the newest entry. */
  #has(level: number, iova: number): boolean {
    const wanted = Math.floor(iova / (LEVEL_BYTES[level] as number));
    const end = this.#end(level);
    for (let at = level * this.#entries; at < end; at += 1) {
      if (this.#prefix[at] !== wanted) continue;
      this.#usedAt[at] = this.#clock;
      return true;
    }
    return false;
  }

  /** Takes an empty entry, else the one that was not used for longest. */
  #fill(level: number, iova: number): void {
    const first = level * this.#entries;
    let least = first;
    for (let at = first; at < first + this.#entries; at += 1) {
      if (this.#prefix[at] === EMPTY) {
        least = at;
        break;
      }
      if ((this.#usedAt[at] as number) < (this.#usedAt[least] as number)) least = at;
    }
    if (least === this.#end(level)) this.#filled[level] = (this.#filled[level] as number) + 1;
    this.#prefix[least] = Math.floor(iova / (LEVEL_BYTES[level] as number));
    this.#usedAt[least] = this.#clock;
  }
}
