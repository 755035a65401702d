/**
 * A slow IOVA allocator written from the facts alone: ranges in a sorted array, caches in arrays of arrays.
 *
 * It knows eras 6.1 and later. A cursor names the range above which nothing is searched; `undefined` is the anchor.
 */
export interface ModelRange {
  lo: number;
  hi: number;
}

interface ModelCache {
  loaded: number[];
  prev: number[];
}

export interface ModelOptions {
  readonly era: "6.1" | "6.12";
  readonly cpus: number;
  readonly granuleShift: number;
  readonly startPfn: number;
  readonly corrected: boolean;
}

const MAGAZINE = 127;

export class IovaModel {
  readonly ranges: ModelRange[] = [];
  readonly depots: number[][][] = [[], [], [], [], [], []];
  readonly caches: ModelCache[][];
  readonly options: ModelOptions;
  readonly #pfn4GiB: number;
  #cursor: ModelRange | undefined;
  #cursor32: ModelRange | undefined;
  #hopeless32: number;

  constructor(options: ModelOptions) {
    this.options = options;
    this.#pfn4GiB = 2 ** 32 / 2 ** options.granuleShift;
    this.#hopeless32 = this.#pfn4GiB;
    this.caches = Array.from({ length: options.cpus }, () =>
      Array.from({ length: 6 }, () => ({ loaded: [], prev: [] })),
    );
  }

  reserve(lo: number, hi: number): void {
    this.#insert({ lo, hi });
  }

  alloc(cpu: number, pages: number, limitPfn: number, flush: boolean): number {
    const size = pages < 32 ? pow2(pages) : pages;
    const cached = size <= 32 ? this.#cachedPfn(cpu, Math.log2(size), limitPfn + 1 - size) : -1;
    if (cached >= 0) return cached;
    const first = this.allocTree(size, limitPfn);
    if (first >= 0 || !flush) return first;
    this.flushCaches();
    return this.allocTree(size, limitPfn);
  }

  free(cpu: number, pfn: number, pages: number): void {
    if (pages > 32) {
      this.freeTree(pfn);
      return;
    }
    const order = Math.ceil(Math.log2(pages));
    const cache = this.#cache(cpu, order);
    if (cache.loaded.length === MAGAZINE && cache.prev.length < MAGAZINE) swap(cache);
    if (cache.loaded.length === MAGAZINE) this.#shelve(cache, order);
    cache.loaded.push(pfn);
  }

  allocTree(pages: number, limitPfn: number): number {
    const limit = limitPfn + 1;
    const narrow = limit <= this.#pfn4GiB;
    if (narrow && pages >= this.#hopeless32) return -1;
    const cursor = narrow ? this.#cursor32 : this.#cursor;
    let lo = this.#highestFit(pages, Math.min(limit, cursor?.lo ?? Infinity), this.options.startPfn);
    if (lo < 0 && cursor !== undefined && cursor.hi < limit) lo = this.#highestFit(pages, limit, cursor.hi + 1);
    if (lo < 0) {
      if (!this.options.corrected || limit >= this.#pfn4GiB) this.#hopeless32 = pages;
      return -1;
    }
    const range = { lo, hi: lo + pages - 1 };
    this.#insert(range);
    if (range.hi < this.#pfn4GiB) this.#cursor32 = range;
    else this.#cursor = range;
    return lo;
  }

  freeTree(pfn: number): void {
    const at = this.ranges.findIndex((range) => range.lo === pfn);
    const range = this.ranges[at];
    if (range === undefined) return;
    const above = this.ranges[at + 1];
    const below4GiB = range.hi < this.#pfn4GiB;
    if (range === this.#cursor32 || (below4GiB && range.lo >= (this.#cursor32?.lo ?? Infinity))) this.#cursor32 = above;
    if (range.lo >= (this.#cursor?.lo ?? Infinity)) this.#cursor = above;
    if (range.lo < this.#pfn4GiB) this.#hopeless32 = this.#pfn4GiB;
    this.ranges.splice(at, 1);
  }

  flushCaches(): void {
    for (const cache of this.caches.flat()) {
      for (const pfn of [...cache.loaded, ...cache.prev]) this.freeTree(pfn);
      cache.loaded = [];
      cache.prev = [];
    }
    for (const depot of this.depots) {
      for (const pfn of depot.flat()) this.freeTree(pfn);
      depot.length = 0;
    }
  }

  /** Free gaps from high to low: the first one that holds an aligned place inside [low, high). */
  #highestFit(pages: number, high: number, low: number): number {
    const align = pow2(pages);
    let top = high;
    for (let at = this.ranges.length - 1; at >= -1; at -= 1) {
      const below = this.ranges[at];
      if (below !== undefined && below.lo >= top) continue;
      const lo = Math.floor((top - pages) / align) * align;
      if (lo < low) return -1;
      if (below === undefined || lo > below.hi) return lo;
      top = below.lo;
    }
    return -1;
  }

  #insert(range: ModelRange): void {
    const at = this.ranges.findIndex((other) => other.lo > range.lo);
    this.ranges.splice(at < 0 ? this.ranges.length : at, 0, range);
  }

  #cache(cpu: number, order: number): ModelCache {
    const cache = this.caches[cpu]?.[order];
    if (cache === undefined) throw new Error(`no cache ${cpu}/${order}`);
    return cache;
  }

  #cachedPfn(cpu: number, order: number, maxPfn: number): number {
    const cache = this.#cache(cpu, order);
    if (cache.loaded.length === 0 && cache.prev.length > 0) swap(cache);
    if (cache.loaded.length === 0) cache.loaded = this.depots[order]?.pop() ?? [];
    const at = cache.loaded.findLastIndex((pfn) => pfn <= maxPfn);
    if (at < 0) return -1;
    const pfn = cache.loaded[at] as number;
    const last = cache.loaded.pop() as number;
    if (at < cache.loaded.length) cache.loaded[at] = last;
    return pfn;
  }

  #shelve(cache: ModelCache, order: number): void {
    const depot = this.depots[order] as number[][];
    if (this.options.era === "6.1" && depot.length === 32) for (const pfn of cache.loaded) this.freeTree(pfn);
    else depot.push(cache.loaded);
    cache.loaded = [];
  }
}

function swap(cache: ModelCache): void {
  const { loaded } = cache;
  cache.loaded = cache.prev;
  cache.prev = loaded;
}

function pow2(n: number): number {
  return 2 ** Math.ceil(Math.log2(n));
}
