/**
 * Constants of host work: map and unmap calls, page tables, invalidation queues, locks, bounce copies, cache maintenance.
 *
 * Names: `host.*` what every kernel does, `lock.*` contention, `<iommu kind>.*` invalidation queues, `virt.*` guests,
 * `copy.*` and `cache.*` the CPU's own work, `app.*` software and device ceilings of whole I/O paths.
 */
import { assumed, type ConstantTable, calibrated, literature } from "./constant.ts";

const KP = "arm-kernel list, April 2021 (Kunpeng, SMMUv3 strict, dma_map_benchmark)";
const CONT = "iommu list, 2020 (Kunpeng 920, 96 CPUs, one command queue)";
const SYNC = "iommu list, June 2020 (SMMUv3 CMD_SYNC on an empty queue)";
const NV = "nested-translation rerun of Rubin et al., SOSP 2024 (VT-d, traced calls)";
const YS = "Yang et al., FAST 2020 data";
const SW = "iommu list, June 2022 (swiotlb=force guest, 4 KiB I/O)";
const VDUSE = "iommu list, 2021 (VDUSE block device, magazine and tree allocators)";
const PIN = "GDRCopy README: pinning takes 10 us to 1 ms by size, 64 KiB BAR pages, BAR1 of 256 MiB";

/** Constants of host work: maps, unmaps, invalidations, bounce copies, submission and completion. */
/** Every constant of host work. */
export const HOST_COST_CONSTANTS: ConstantTable = {
  // Calls and page tables.
  "host.submitNs": assumed(700, "ns", "block layer and driver of one submission"),
  "host.completeNs": assumed(800, "ns", "interrupt share, driver and wake-up of one completion"),
  "host.callNs": assumed(30, "ns", "entry and exit of a map or unmap call"),
  "host.sgEntryNs": assumed(5, "ns", "one scatterlist entry walked"),
  "host.walkNs": calibrated(46, "ns", KP, ["dma-map-cost"], [20, 90]),
  "host.pteNs": assumed(10, "ns", "store of a page-table entry beside its neighbour"),
  "host.tableNs": assumed(300, "ns", "a table page allocated and zeroed"),
  "host.coldNs": assumed(400, "ns", "under real I/O four lines of tables and descriptors miss the caches, 100 ns each"),
  "host.probeNs": assumed(250, "ns", "entry and return probe of a traced function"),
  // IOVA allocator.
  "host.magazineNs": assumed(20, "ns", "an IOVA from or to a magazine"),
  "host.depotNs": assumed(60, "ns", "a magazine exchanged with the depot"),
  "host.treeNs": calibrated(100, "ns", KP, ["dma-map-cost"], [50, 200]),
  "host.treeStepNs": assumed(10, "ns", "one node of the IOVA tree looked at"),
  // Locks: cache lines move between the CPUs that share one.
  "lock.lineNs": assumed(100, "ns", "a line from another core's cache, same die"),
  "lock.nodeHopNs": calibrated(330, "ns", `${CONT}; ${SYNC}`, ["iommu-invalidation"], [150, 500]),
  "lock.contendedNs": calibrated(1650, "ns", SW, ["swiotlb"], [800, 3500]),
  "lock.treeLines": assumed(16, "lines", "lock, cursor, and the nodes that an insertion or erasure rebalances"),
  "lock.treeSearchLinesMax": assumed(
    48,
    "lines",
    "the rest of a long search nobody wrote since: it lies in every cache",
  ),
  "lock.coresPerNode": assumed(32, "CPUs", "cores of a die or sub-NUMA cluster"),
  "lock.kunpeng.coresPerNode": literature(24, "CPUs", "Kunpeng 920: dies of 24 cores"),
  "lock.d05.coresPerNode": literature(16, "CPUs", "Hi1616: four clusters of 16 cores"),
  // Invalidation queues.
  "smmuv3.commandNs": assumed(46, "ns", "one command built and stored; as much as a walk"),
  "smmuv3.issueNs": calibrated(310, "ns", KP, ["dma-map-cost"], [150, 600]),
  "smmuv3.syncNs": calibrated(255, "ns", SYNC, ["iommu-invalidation"], [150, 350]),
  "smmuv3.trafficNs": calibrated(640, "ns", CONT, ["iommu-invalidation"], [300, 1000]),
  "smmuv3.entryTransfers": assumed(2, "lines", "a compare-and-exchange reads the line, then takes it"),
  "vtd.commandNs": assumed(46, "ns", "as smmuv3.commandNs"),
  "vtd.issueNs": assumed(0, "ns", "part of the traced synchronisation"),
  "vtd.syncNs": calibrated(2067, "ns", NV, ["iommu-cost"], [1000, 3000]),
  "vtd.trafficNs": assumed(0, "ns", "the figure was taken under traffic"),
  "vtd.entryTransfers": assumed(2, "lines", "the queue's spinlock and its tail"),
  "virt.requestNs": assumed(5000, "ns", "exit to the hypervisor's user space and back"),
  // Bounce pools and copies.
  "host.slotProbeNs": assumed(4, "ns", "one slot record looked at or renumbered"),
  "host.slotMapNs": assumed(100, "ns", "set-up of a bounced mapping"),
  "copy.bytesPerNs": literature(7.4, "GB/s", `${YS}: read stream of one core`),
  "copy.hotBytesPerNs": assumed(10, "GB/s", "source or destination in the last-level cache: 8 to 12"),
  "copy.daxBytesPerNs": literature(2, "GB/s", `${YS}: CPU copy to interleaved DIMMs, one thread`),
  // Persistence: lines written back to persistent memory before data are acknowledged.
  "persist.lineNs": literature(32, "ns", `${YS}: 2 GB/s of one thread with clwb`),
  "persist.fenceNs": assumed(100, "ns", "sfence waits until the memory controller has the last line"),
  // Cache maintenance by line of 64 bytes.
  "cache.little.lineNs": assumed(6, "ns", "in-order cores: 4 to 8"),
  "cache.big.lineNs": assumed(2, "ns", "out-of-order cores: 1 to 3"),
  "cache.barrierNs": assumed(150, "ns", "DSB: 100 to 200"),
  // Pinning of device memory.
  "pin.fixedNs": literature(10_000, "ns", PIN),
  "pin.pageBytes": literature(65_536, "B", PIN),
  "pin.windowBytes": literature(268_435_456, "B", PIN),
  "pin.windowNs": literature(1_000_000, "ns", PIN),
  // Moving windows of a BAR that is smaller than its device's memory.
  "window.registerNs": assumed(500, "ns", "two posted register writes and the read that orders them"),
  "window.tlbFlushNs": assumed(2000, "ns", "flush of the device's own TLB, as an IOMMU's synchronisation"),
  "window.readBackNs": assumed(1000, "ns", "one read of device memory by the CPU, behind posted writes"),
  "window.notifyNs": assumed(1000, "ns", "move_notify: the importer is called and stops submitting"),
  "window.lockNs": assumed(60, "ns", "page lookup and list work under the lock"),
  // Translations that a device caches itself.
  "ats.invalidateNs": assumed(1500, "ns", "request over the device's link, its answer, and the queue's wait for it"),
  "window.migrateBytesPerNs": assumed(6, "GB/s", "pages of 4 KiB migrated one by one over the device's link"),
  // Whole I/O paths.
  "app.vm.ioNs": calibrated(2500, "ns", SW, ["swiotlb"], [1400, 5000]),
  "app.vm.deviceNs": calibrated(1900, "ns", SW, ["swiotlb"], [1000, 3000]),
  "app.vduse.ioNs": literature(6900, "ns", `${VDUSE}: 145 kIOPS of one job`),
  "app.vduse.deviceNs": calibrated(1320, "ns", VDUSE, ["iova-allocator"], [800, 2500]),
  "app.iodepth": assumed(64, "I/Os", "fio's iodepth where a row has none"),
  "app.ssd-sas.deviceNs": assumed(8700, "ns", "115 kIOPS of a 12 Gbit/s drive"),
  "app.ssd-nvme.serverNs": assumed(1100, "ns", "about 900 kIOPS of a data-centre drive"),
  "app.ssd-nvme.serverBytesPerNs": assumed(5, "GB/s", "data-centre drive on eight Gen 3 or four Gen 4 lanes"),
  "app.ssd-nvme-gen4.deviceNs": assumed(800, "ns", "1.25 MIOPS, data sheets of the class"),
  "app.ssd-nvme-gen4.bytesPerNs": assumed(7, "GB/s", "data sheets of the class"),
  "app.ssd-nvme-gen5.deviceNs": assumed(380, "ns", "2.6 MIOPS, data sheets of the class"),
  "app.ssd-nvme-gen5.bytesPerNs": assumed(13, "GB/s", "data sheets of the class"),
  "app.ssd-nvme.clientNs": assumed(4000, "ns", "250 kIOPS of a client drive"),
  "app.ssd-nvme.clientBytesPerNs": assumed(2.8, "GB/s", "client drive on four Gen 3 lanes"),
  "app.wifi.bytesPerNs": assumed(0.04, "GB/s", "VHT80 goodput of about 320 Mbit/s"),
};
