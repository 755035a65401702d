/**
 * The page that an access used last, kept outside the IOTLB: engines walk pages from end to end.
 *
 * What must stay true: a latched answer is the one that the IOTLB would give, and leaves it as the IOTLB would be left.
 * The unit's generation is loaded before the lookup that filled the latch, and an invalidation raises it before it
 * returns: with the same generation the page is not invalidated. With the same replacement clock nothing was filled
 * since: the entry is still there and has its newest stamp.
 */
import type { Iova, Phys } from "../base/addr.ts";
import type { Arena } from "../shm/arena.ts";
import { load } from "../shm/atomics.ts";
import { IOMMU_UNIT } from "../shm/layout.ts";
import { unitWord } from "./iotlb.ts";

/** One page of one engine and one direction; see above for when its answer may replace a lookup. */
export class PageLatch {
  /** Address minus this is physical; only for addresses that {@link holds}. */
  physDelta = 0;
  /** IOTLB entry of the page. */
  slot = 0;
  /** First IOVA behind the page. */
  end: Iova = 0;
  #start: Iova = 0;
  #generation = 0;
  #clock = 0;
  readonly #words: Int32Array;
  readonly #generationWord: number;
  readonly #clockWord: number;

  constructor(arena: Arena, unit: number) {
    this.#words = arena.i32;
    this.#generationWord = unitWord(unit) + IOMMU_UNIT.generation;
    this.#clockWord = unitWord(unit) + IOMMU_UNIT.clock;
  }

  /** True when a lookup of `iova` would hit the latched page. */
  holds(iova: Iova): boolean {
    if (iova < this.#start || iova >= this.end) return false;
    const words = this.#words;
    return words[this.#clockWord] === this.#clock && load(words, this.#generationWord) === this.#generation;
  }

  /** Before a lookup: what {@link keep} will compare with from then on. Nothing is held until then. */
  begin(): void {
    this.end = 0;
    this.#clock = this.#words[this.#clockWord] as number;
    this.#generation = load(this.#words, this.#generationWord);
  }

  /** After a lookup that hit: `iova` is at `phys`, `bytes` bytes from it are in the page, and entry `slot` has it. */
  keep(iova: Iova, phys: Phys, bytes: number, slot: number): void {
    this.#start = iova;
    this.end = iova + bytes;
    this.physDelta = phys - iova;
    this.slot = slot;
  }
}
