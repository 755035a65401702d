/** Constants of NICs behind an IOMMU: what arrives, what handling it costs, what translating it takes. */
import { assumed, type ConstantTable, calibrated, literature } from "./constant.ts";

const FS = "Agarwal et al., Fast & Safe IO Memory Protection, SOSP 2024";
const NV = "nested-translation rerun of the Fast & Safe artifact (lab log)";

/** Names: `net.*` of a receiver, `net.<device>.*` of one NIC, `iommu.*` of units in front of which receivers run. */
export const IOMMU_NET_CONSTANTS: ConstantTable = {
  "net.pathNs": calibrated(30400, "ns", `${FS}: IOTLB misses by flows (figure 2c): bytes in flight at line rate`, [
    "iommu-net",
  ]),
  "net.corePageNs": calibrated(1640, "ns", `${FS}: goodput without IOMMU (figure 2a), cores of 3.3 GHz`, ["iommu-net"]),
  "net.coreBufferNs": assumed(310, "ns", "about a thousand cycles for a buffer's way through the stack"),
  "net.coreMhz": literature(3300, "MHz", `${FS}: Xeon Gold 6234`),
  // Accesses to completions and descriptors that find their translation gone.
  "net.default.controlMissShare": calibrated(0.25, "ratio", `${FS}: figure 2c at 5 flows`, ["iommu-net"]),
  "net.nic-mellanox-400g.controlMissShare": calibrated(0.08, "ratio", NV, ["iommu-virt"], [0, 0.3]),
  // IOVAs in the allocator's caches for each one in a ring, once it has run for long.
  "net.spareShare": calibrated(3, "ratio", `${FS}: page-structure misses (figure 2d)`, ["iommu-net"], [0.5, 6]),
  "net.buffersPerRead": calibrated(1.3, "buffers", `${FS}: page-structure misses (figure 2d)`, ["iommu-net"], [1, 4]),
  "net.fixedNs": literature(65, "ns", `${FS}: l0 of the throughput model`),
  "net.readNs": literature(197, "ns", `${FS}: lm of the throughput model`),
  "iommu.nestedReads": assumed(2, "reads", "leaf of the guest's and leaf of the host's table, upper levels cached"),
};
