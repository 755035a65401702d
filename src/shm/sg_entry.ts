/** The words of one scatterlist entry that both planes read: flags and the step to the next entry. */
import type { Arena } from "./arena.ts";
import { SG } from "./layout.ts";

/** Bits of SG.flags: page_link's two flag bits, whether a struct page exists, and dma_flags. */
export const SG_FLAG = Object.freeze({
  /** The entry is a link without data: `pfn` holds the word index of the next array. */
  chain: 1,
  /** Last entry of the list. */
  end: 2,
  /** Backed by struct page (clear: pfn only). */
  hasPage: 4,
  /** dmaAddress is a PCI bus address (peer-to-peer), not translated by an IOMMU. */
  busAddress: 8,
  /** The DMA side points into a bounce slot. */
  swiotlb: 16,
  /** An importer's entry of a moving window: `pfn` holds the word index of its WINDOW_SLOT, `offset` the generation. */
  window: 32,
});

/** Next entry of the list, following a chain link; 0 after the last. */
export function sgNext(arena: Arena, sg: number): number {
  if (((arena.i32[sg + SG.flags] as number) & SG_FLAG.end) !== 0) return 0;
  const next = sg + SG.WORDS;
  const isLink = ((arena.i32[next + SG.flags] as number) & SG_FLAG.chain) !== 0;
  return isLink ? (arena.f64[(next + SG.pfn) >>> 1] as number) : next;
}
