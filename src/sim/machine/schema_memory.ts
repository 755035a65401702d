/** Machine YAML: memory regions, IOMMU units and the bounce pool. */
import { z } from "zod";
import { PAGE_BYTES } from "../../base/addr.ts";
import { FQ_SHARED_DEPTH, IOMMU_UNITS_MAX, IOTLB_ENTRIES_MAX, SWIOTLB_SLOTS_MAX } from "../../shm/capacities.ts";
import { address, durationNs, name, size, whole } from "./scalars.ts";

/** Largest NUMA node number; nodes index small tables. */
export const NODE_MAX = 63;
const REGIONS_MAX = 256;
const SLOT_BYTES = 2048;

const memoryRegionSchema = z.strictObject({
  name: name().describe("Name of the region; buffers of a load are placed in it by this name"),
  kind: z.enum(["ram", "pmem"]).default("ram").describe("System RAM, or persistent memory"),
  start: address().describe("First physical address, page aligned, as in /proc/iomem"),
  size: size(PAGE_BYTES).describe("Size, a multiple of 4 KiB"),
  node: whole(0, NODE_MAX).default(0).describe("NUMA node the region belongs to"),
  memmap: z
    .enum(["none", "zone-device"])
    .optional()
    .describe(
      "ram: `none` = a carve-out that the kernel does not map (reserved-memory, no-map); pmem: `none` = page-less (no struct page), `zone-device` = struct pages in ZONE_DEVICE; default zone-device",
    ),
});

/** The machine's `memory` key; overlaps are found later (check_memory.ts). */
export const memorySchema = z
  .array(memoryRegionSchema)
  .max(REGIONS_MAX)
  .describe("Memory regions at their physical addresses; RAM and persistent memory, in any order");

const iommuUnitSchema = z.strictObject({
  name: name().describe("Name of the unit, e.g. dmar0, ivhd0, smmu0"),
  iotlb_entries: whole(1, IOTLB_ENTRIES_MAX)
    .default(64)
    .describe("IOTLB entries; 64 is the reach measured on Xeon E5 v2 to v4 with 4 KiB pages"),
  iotlb_ways: whole(1, IOTLB_ENTRIES_MAX).default(8).describe("IOTLB ways of each set; divides iotlb_entries"),
  walkers: whole(1, 64)
    .default(5)
    .describe("Page walks at the same time; 5 is what the same measurements imply (267 ns a miss, 52 ns each)"),
});

/** The machine's `iommu` key; `mode` stays open, for its default depends on `kind`. */
export const iommuSchema = z
  .strictObject({
    kind: z
      .enum(["none", "intel-vtd", "amd-vi", "smmuv3", "virtio-iommu"])
      .default("none")
      .describe("Architecture of the IOMMU; none = devices use physical addresses"),
    mode: z
      .enum(["off", "passthrough", "lazy", "strict"])
      .optional()
      .describe(
        "Default domain type: off, passthrough (identity), lazy (batched IOTLB invalidation), strict (one per unmap). " +
          "Default lazy on intel-vtd and amd-vi, strict on smmuv3 and virtio-iommu",
      ),
    units: z
      .array(iommuUnitSchema)
      .max(IOMMU_UNITS_MAX)
      .optional()
      .describe("IOMMU units; each is shared by all root complexes that name it. Default one unit"),
    address_bits: whole(32, 57)
      .optional()
      .describe("Width of an IOVA: 39, 48 or 57 on intel-vtd (levels 3, 4, 5). Default 48"),
    page_sizes: z
      .array(size(PAGE_BYTES))
      .min(1)
      .max(8)
      .optional()
      .describe(
        "Page sizes of the page-table format, rising; the first is the granule. Default 4KiB, 2MiB, 1GiB; on amd-vi and virtio-iommu every power of two",
      ),
    forcedac: z
      .boolean()
      .default(false)
      .describe("iommu.forcedac=1: allocate from the top of the IOVA space without trying below 4 GiB first"),
    shadow_on_flush: z
      .boolean()
      .default(false)
      .describe(
        "Lazy mode, kernel era 6.12 and later: an invalidation makes the hypervisor copy its shadow tables, so all CPUs of " +
          "a domain share one large flush queue (dev_iommu.shadow_on_flush; s390's driver sets it, virtio-iommu's does not)",
      ),
    fq_size: whole(2, FQ_SHARED_DEPTH)
      .optional()
      .describe("Slots of a flush queue of lazy mode, a power of two. Default 256 a CPU, 32768 when shared"),
    fq_timeout: durationNs()
      .optional()
      .describe("Age at which what waits in the flush queues is flushed. Default 10ms, 1s when shared"),
  })
  .prefault({})
  .describe("The IOMMU");

/** The machine's `swiotlb` key; open keys depend on RAM and CPUs. */
export const swiotlbSchema = z
  .strictObject({
    size: size(0, SWIOTLB_SLOTS_MAX * SLOT_BYTES)
      .optional()
      .describe(
        "Bounce pool, a multiple of 256 KiB, 0 = no pool. Default 64MiB; in a confidential guest 6 % of RAM, 64MiB to 1GiB, rounded up to a power of two",
      ),
    areas: whole(1, 256)
      .optional()
      .describe("Areas with a lock each, a power of two. Default one per CPU; one in kernel era 4.1"),
    force: z.boolean().default(false).describe("swiotlb=force: bounce every streaming map"),
    dynamic: z
      .boolean()
      .default(false)
      .describe(
        "SWIOTLB_DYNAMIC, kernel era 6.12 and later: a full pool grows, and a mapping without room gets a transient pool; " +
          "both lie in up to 128 MiB of RAM directly below the pool, which hold no buffers",
      ),
    start: address()
      .optional()
      .describe("Address of the pool. Default: top of the highest RAM below 4 GiB that holds it"),
    any: z.boolean().default(false).describe("Pool may lie above 4 GiB (the kernel's SWIOTLB_ANY)"),
  })
  .prefault({})
  .describe("The bounce pool (swiotlb)");
