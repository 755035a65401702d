/**
 * Prices of host and device work, picoseconds. Literature values: nothing here is calibrated against
 * the measurements yet, so every virtual figure is printed as "uncalibrated".
 *
 * Sources in brackets: KP-APR21 = arm-kernel list, April 2021 (SMMUv3 map/unmap); NV = Rubin et al.,
 * SOSP 2024 (VT-d traced costs); PB = Neugebauer et al., SIGCOMM 2018; CMO-A55 = iommu list (cache maintenance);
 * YS = Yang et al., FAST 2020 data. "assumed" marks values without a source of their own.
 */
const NS = 1000;

/** Every price, picoseconds; frozen, so that no run can differ by more than its machine and profile. */
export const PRICE = Object.freeze({
  /** Submitting one I/O through the block layer and the driver (assumed). */
  submitPs: 700 * NS,
  /** Completing one I/O: interrupt share, driver, wake-up (assumed). */
  completePs: 800 * NS,
  /** Fixed part of any map or unmap call (assumed). */
  mapCallPs: 30 * NS,
  /** One scatterlist entry walked (assumed). */
  sgEntryPs: 5 * NS,
  /** Writing one page-table entry: 0.054 us a page [KP-APR21, map of n pages]. */
  ptePs: 54 * NS,
  /** Clearing one page-table entry: 0.058 us a page [KP-APR21, range form]. */
  pteClearPs: 58 * NS,
  /** Allocating and zeroing a table page (assumed). */
  tablePs: 300 * NS,
  /** Request to a hypervisor's IOMMU and its answer: an exit to user space and back (assumed). */
  requestPs: 5000 * NS,
  /** IOVA from or to a magazine (assumed, tens of ns). */
  magazinePs: 20 * NS,
  /** Exchange of a magazine with the depot (assumed). */
  depotPs: 60 * NS,
  /** Operation on the IOVA tree, and each further node looked at (assumed). */
  treePs: 200 * NS,
  treeStepPs: 10 * NS,
  /** Queued invalidation with wait, per command [NV: 2.07 us VT-d TLB sync, KP-APR21: 0.65 us SMMU]. */
  invalidationPs: 2070 * NS,
  /** Slot looked at in the bounce pool (assumed), and a mapping's fixed part. */
  slotProbePs: 4 * NS,
  slotMapPs: 100 * NS,
  /** CPU copy of one byte: 7.4 GB/s single-core read stream [YS-F4-DRAM]. */
  copyBytePs: 135,
  /** One cache line cleaned: 5.8 ns [CMO-A55]. */
  cacheLinePs: 5800,
  /** CPU copy through a DAX mapping, per byte; 16 threads reach 12.5 GB/s on six DIMMs [YS-F4-OPT]. */
  daxBytePs: 500,
  /** One memory read of the page walker; three cached upper levels leave one [PB: +267 ns median per miss]. */
  walkReadPs: 267 * NS,
  /** Cost of the levels above the leaf on a cold walk (assumed, mostly cached). */
  walkUpperPs: 30 * NS,
  /** Round trip of a device read to memory and back [PB-HSW-LAT: 587 ns for 8 B]. */
  dmaReadRoundTripPs: 590 * NS,
  /** Device write to memory-controller admission [Vuppalapati et al., SIGCOMM 2024: about 300 ns]. */
  dmaWritePs: 300 * NS,
  /** Doorbell write from CPU to device (assumed, one way). */
  doorbellPs: 250 * NS,
  /** Completion entry and interrupt message to the CPU (assumed). */
  interruptPs: 1000 * NS,
});
