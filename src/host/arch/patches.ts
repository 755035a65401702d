/**
 * The 31 patches of 12 August 2015 that prepared scatterlists for entries without a struct page, as rows.
 *
 * Template A computes addresses from sg_phys instead of a kernel virtual address or a page; template B does cache work
 * only if the entry has a page and sets the DMA address in any case. Subjects and order come from the list archives
 * (cover 1439363150-8661-1); a template marked inferred was not read. The patches only prepare: the first one's
 * sg_has_page answers true for everything.
 */

/** Addresses by sg_phys (A), cache work only with a page (B), both, or neither. */
export type PatchTemplate = "A" | "B" | "A+B" | "none";

/** What a patch does to the rows it names: `converts` makes page-less lists mappable, `keeps` changes nothing they see. */
export type PatchEffect = "converts" | "keeps" | "prepares";

/** One patch of the series. */
export interface SeriesPatch {
  /** Position in the series, 1 to 31. */
  readonly number: number;
  readonly subject: string;
  readonly template: PatchTemplate;
  readonly evidence: "read" | "inferred";
  /** Rows of ARCHITECTURES that it touches. */
  readonly rows: readonly string[];
  readonly effect: PatchEffect;
  readonly change: string;
}

type Fields = readonly [string, PatchTemplate, SeriesPatch["evidence"], readonly string[], PatchEffect, string];

const FIELDS: readonly Fields[] = [
  [
    "scatterlist: sg_pfn and sg_has_page",
    "none",
    "read",
    [],
    "prepares",
    "sg_has_page is constant true, sg_pfn is page_to_pfn(sg_page)",
  ],
  [
    "scatterlist: use sg_phys()",
    "A",
    "read",
    ["arm-iommu", "microblaze", "intel-iommu"],
    "converts",
    "page_to_phys(sg_page) + offset becomes sg_phys; page_to_phys(sg_page) alone becomes sg_phys & PAGE_MASK, which is no identity",
  ],
  [
    "dma-debug: handle page-less entries",
    "A+B",
    "read",
    [],
    "prepares",
    "records sg_pfn; stack and illegal-area checks only with a page",
  ],
  ["x86: pci-nommu", "A", "read", ["x86-nommu"], "converts", "drops BUG_ON(!sg_page)"],
  ["x86: calgary", "A", "read", ["x86-calgary"], "converts", "page count and table entry from the physical address"],
  ["alpha: pci-noop", "A", "read", ["alpha-noop"], "converts", "sg_phys"],
  [
    "alpha: pci_iommu",
    "A",
    "read",
    ["alpha-pci"],
    "converts",
    "pci_map_single_1 takes a physical address; classify and fill use sg_phys",
  ],
  ["c6x", "A", "inferred", ["c6x"], "converts", "maps by sg_phys; cache operations take that address"],
  ["ia64: sn2 pci_dma", "A", "inferred", ["ia64-sn2"], "converts", "sg_phys"],
  [
    "powerpc: iommu",
    "A",
    "read",
    ["powerpc-iommu"],
    "converts",
    "a physical address where the callback expects a linear-map one; its __pa only masks the top nibble",
  ],
  ["sparc: iommu", "A", "inferred", ["sparc64-iommu", "sparc64-sun4v"], "converts", "sg_phys"],
  ["mn10300", "A", "inferred", ["mn10300"], "converts", "drops the BUG; the whole-cache flush stays"],
  ["sparc: ldc", "A", "inferred", ["sparc64-ldc"], "converts", "cookies from sg_phys"],
  ["sparc32: io-unit", "A", "inferred", ["sparc32-io-unit"], "converts", "the area allocator takes a physical address"],
  ["sparc32: iommu", "B", "inferred", ["sparc32-iommu"], "converts", "a page is flushed only if there is one"],
  [
    "s390",
    "A",
    "read",
    ["s390-pci"],
    "converts",
    "map_pages becomes map_phys and a wrapper; the offset comes from the address",
  ],
  [
    "ia64: sba_iommu: remove sba_sg_address",
    "none",
    "read",
    ["ia64-sba"],
    "keeps",
    "a rename to sg_virt: still virtual",
  ],
  ["nios2", "B", "read", ["nios2"], "converts", "the address is set even without a virtual address"],
  ["arc", "B", "read", ["arc"], "converts", "map_sg no longer calls map_page"],
  ["avr32", "B", "read", ["avr32"], "converts", "flush only with a page"],
  ["blackfin", "B", "inferred", ["blackfin"], "converts", "flush only with a page; the address from sg_phys"],
  ["metag", "B", "inferred", ["metag"], "converts", "flush only with a page"],
  ["sh", "B", "inferred", ["sh"], "converts", "flush only with a page"],
  ["xtensa", "B", "inferred", ["xtensa"], "converts", "flush only with a page"],
  ["frv", "B", "inferred", ["frv"], "converts", "write-back only with a page"],
  [
    "openrisc",
    "B",
    "read",
    ["openrisc"],
    "converts",
    "with a page map_page; without one sg_phys and no cache operation, although those take physical addresses",
  ],
  [
    "mips",
    "B",
    "read",
    ["mips"],
    "converts",
    "two platform callbacks merge into one that takes a physical address; it is given PAGE_SIZE as the size",
  ],
  ["powerpc: noncoherent", "B", "inferred", ["powerpc-noncoherent"], "converts", "flush only with a page"],
  [
    "parisc: pci-dma",
    "B",
    "read",
    ["parisc-pcxl"],
    "converts",
    "flush only with a page at map, unmap and both list syncs",
  ],
  ["intel-iommu", "A", "read", ["intel-iommu"], "converts", "drops the BUG of the pass-through path"],
  [
    "dma-mapping-common",
    "B",
    "read",
    [],
    "prepares",
    "kmemcheck marks only entries with a page (the subject says kmemleak)",
  ],
];

/** The series in order. */
export const SERIES_2015: readonly SeriesPatch[] = Object.freeze(
  FIELDS.map(([subject, template, evidence, rows, effect, change], index) =>
    Object.freeze({ number: index + 1, subject, template, evidence, rows, effect, change }),
  ),
);

/** Rows that no patch converts: their kernels take page-less entries already, or never did. */
export const NOT_CONVERTED: readonly string[] = Object.freeze([
  "x86-swiotlb",
  "x86-gart",
  "amd-iommu",
  "arm",
  "arm-iommu",
  "arm64",
  "ia64-sba",
  "parisc-ccio",
  "parisc-sba",
  "hexagon",
  "tile",
]);

/** Patches that touch the row called `name`. */
export function patchesOf(name: string): readonly SeriesPatch[] {
  return SERIES_2015.filter((patch) => patch.rows.includes(name));
}
