/** Where the DOMAIN record of an IOMMU domain lies; its words belong to the IOVA allocator and to the page tables. */
import { REGIONS } from "./layout.ts";

// Region words as module constants: reading them through REGIONS costs microseconds in hot loops.
const DOMAINS_WORD = REGIONS.domains.word;
const DOMAIN_STRIDE = REGIONS.domains.stride;

/** Word index of the DOMAIN record of domain `index`. */
export function domainWord(index: number): number {
  return DOMAINS_WORD + index * DOMAIN_STRIDE;
}
