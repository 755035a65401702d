/**
 * Constants of the fabric: root complexes, IOMMU units, memory as devices meet it, DMA blocks of named devices.
 *
 * Names: `rc.<uarch or family>.*`, `iommu.<kind or uarch>.*`, `device.<device>.*`. A machine that is not calibrated takes its
 * family's values, then `default`.
 */
import { assumed, type ConstantTable, calibrated, literature } from "./constant.ts";

const PB = "Neugebauer et al., SIGCOMM 2018, released data (NFP-6000 on Xeon E5 v2/v3 and E3 v3)";
const HN = "Vuppalapati et al., Understanding the Host Network, SIGCOMM 2024";
const PCIE = "PCI Express Base Specification";

/** Constants of links, root complexes, IOMMU units, memory and named devices. */
export const FABRIC_CONSTANTS: ConstantTable = {
  // Root complexes: request in to completion out, line in the last-level cache.
  "rc.intel-server.readNs": calibrated(545, "ns", PB, ["pcie-dma"], [400, 700]),
  "rc.intel-client.readNs": calibrated(699, "ns", PB, ["pcie-dma"], [500, 900]),
  "rc.amd.readNs": assumed(600, "ns", "between Intel server and client root complexes"),
  "rc.arm-server.readNs": assumed(600, "ns", "as rc.amd"),
  "rc.soc.readNs": assumed(1000, "ns", "RK3588: loads through an outbound window take 1.15 us"),
  "rc.default.readNs": assumed(560, "ns", "as rc.intel-server"),
  "rc.default.writeNs": literature(300, "ns", HN),
  "rc.default.peerNs": assumed(150, "ns", "100 to 300 ns added to a round trip through the root complex"),
  "rc.default.writeLines": literature(92, "cachelines", HN),
  "rc.default.readLines": assumed(1024, "cachelines", `a lower bound of 164 is published (${HN})`),
  "rc.intel-server.combineBytes": calibrated(
    512,
    "B",
    `one request of the usual MRRS is answered in MPS pieces, shorter ones line by line (seen in ${PB})`,
    ["pcie-dma"],
    [256, 1024],
  ),
  "rc.default.combineBytes": assumed(0, "B", "completions cut at MPS"),
  "rc.default.postedHeaders": calibrated(32, "TLPs", PB, ["iommu"], [16, 64]),
  // Memory as device reads meet it.
  "memory.dramNs": literature(40, "ns", `${PB}: 64 B read, cold less warm, median`),
  "memory.bankCycleNs": literature(45, "ns", HN),
  "memory.conflictShare": assumed(
    0.25,
    "ratio",
    `mean less median of cold 64 B reads is 11 ns (${PB}): a quarter of the bank cycle`,
  ),
  "memory.remoteNs": calibrated(100, "ns", PB, ["pcie-dma"], [50, 150]),
  "memory.dmaShare": literature(0.9, "ratio", `reachable share of DRAM bandwidth (${HN})`),
  // IOMMU units.
  "iommu.vtd.entries": calibrated(
    120,
    "entries",
    `${PB}: latency of single accesses by window`,
    ["iommu-latency"],
    [100, 140],
  ),
  "iommu.vtd.walkers": calibrated(
    5,
    "walks",
    `${PB}: a miss costs 267 ns and walks pass every 52 ns`,
    ["iommu"],
    [4, 6],
  ),
  "iommu.vtd.readWalkNs": calibrated(260, "ns", PB, ["iommu"], [200, 320]),
  "iommu.vtd.writeWalkNs": calibrated(226, "ns", PB, ["iommu"], [180, 300]),
  "iommu.default.levelNs": assumed(60, "ns", "one read of a table in the last-level cache"),
  "iommu.walkCacheEntries": assumed(
    32,
    "entries",
    "each level; windows of 64 MiB with 4 KiB pages (32 tables) show no further step (PB)",
  ),
  // NFP-6000 of the published runs: engine figures beside the link.
  "device.nfp-6000.readCommandNs": calibrated(11.5, "ns", PB, ["pcie-dma"], [6, 16]),
  "device.nfp-6000.writeCommandNs": calibrated(6.2, "ns", PB, ["pcie-dma"], [3, 10]),
  "device.nfp-6000.lineNs": calibrated(6.6, "ns", PB, ["pcie-dma"], [5, 8]),
  "device.nfp-6000.readChunkBytes": literature(64, "B", `${PB}: reads step with each cacheline`),
  "device.nfp-6000.writeChunkBytes": literature(128, "B", `${PB}: writes step with each pair of cachelines`),
  "device.nfp-6000.busByteNs": calibrated(0.034, "ns/B", PB, ["pcie-dma"], [0.02, 0.05]),
  "device.nfp-6000.startNs": calibrated(20, "ns", PB, ["pcie-latency"], [0, 80]),
  "device.nfp-6000.turnNs": calibrated(140, "ns", PB, ["pcie-latency"], [50, 250]),
  "device.nfp-6000.byteNs": calibrated(0.14, "ns/B", PB, ["pcie-latency"], [0.05, 0.4]),
  "device.nfp-6000.slots": assumed(64, "commands", "the engine's queue is deeper than its 32 tags"),
  // GPUs: reads in flight of a copy engine, reach of the GPU's own TLB on host pages.
  "device.gpu-nvidia.tags": calibrated(
    32,
    "requests of 512 B",
    "nvbandwidth README and issue 42 (Gen 4 x16)",
    ["gpu-pcie"],
    [16, 64],
  ),
  "device.gpu-nvidia.mmuReachBytes": calibrated(
    4 * 2 ** 30,
    "B",
    "nvbandwidth issue 42 (A100, buffers of 0.5 to 20 GiB)",
    ["gpu-pcie"],
  ),
  "device.gpu-nvidia.mmuWalkers": assumed(5, "walks", "as an IOMMU unit's; each walk is a round trip to host memory"),
  "api.opencl.callNs": calibrated(
    82e3,
    "ns",
    "gpu-pcie-bench README (RX 9070 XT, OpenCL)",
    ["gpu-pcie"],
    [40e3, 160e3],
  ),
  "copy.stagedShare": calibrated(
    0.83,
    "ratio",
    "cuda-samples p2pBandwidthLatencyTest without peer access (Titan RTX)",
    ["gpu-staged"],
  ),
  "copy.stagedCallNs": literature(13.9e3, "ns", "the same test, small copies: 13 to 14 us"),
  "net.payloadShare": literature(0.98, "ratio", "DGX-H100 system description: 49 of 50 GB/s with 4 KiB MTU"),
  // Peers that are read through their BAR.
  "peer.fpga-u2-ssd.readBytesPerS": calibrated(1.117e9, "B/s", "Vitis Accel Examples, P2P bandwidth, plateau", ["p2p"]),
  "device.ssd-nvme.callNs": calibrated(23e3, "ns", "Vitis Accel Examples, P2P bandwidth, 4 KiB", ["p2p"], [10e3, 40e3]),
  "device.fpga-alveo-coyote.callNs": calibrated(3150, "ns", "Coyote pull request 163: round trip", ["fpga-dma"]),
  "device.fpga-alveo-coyote.commandNs": calibrated(623, "ns", "Coyote pull request 163: pipelined loopback", [
    "fpga-dma",
  ]),
  // Memory-to-memory engines and endpoint DMA: fixed part of one transfer and rate.
  "engine.ioat.bytesPerS": calibrated(11e9, "B/s", "PTDMA patch set, v3 discussion (Xeon 6248, pipelined)", [
    "dma-engine",
  ]),
  "engine.ioat.callNs": assumed(4100, "ns", "submission, interrupt and wake-up of one transfer at a time"),
  "engine.ptdma.descriptorNs": calibrated(17e3, "ns", "PTDMA patch set, v3 discussion (512 B descriptors)", [
    "dma-engine",
  ]),
  "engine.sf-pdma.bytesPerS": calibrated(0.58e9, "B/s", "sf-pdma patch set (FU540, one of four channels)", [
    "dma-engine",
  ]),
  "engine.udma.burstNs": calibrated(18.2, "ns", "k3-udma patch set (J721E, bursts of 64 and 256 B)", ["dma-engine"]),
  "engine.udma.byteNs": calibrated(0.484, "ns/B", "k3-udma patch set", ["dma-engine"]),
  "engine.udma.burstBytes": literature(64, "B", "k3-udma: default burst"),
  "engine.dw-edma.callNs": calibrated(176e3, "ns", "dw-rockchip endpoint patch set (interrupt and set-up)", [
    "endpoint-dma",
  ]),
  "engine.dw-edma.tags": assumed(16, "requests", "eDMA of 128 B reads; 2 GB/s at the latency of a window load"),
  "engine.dw-edma.mrrsBytes": assumed(128, "B", "reads cut at MPS"),
  "engine.default.bytesPerS": assumed(5e9, "B/s", "between embedded and server engines"),
  "engine.default.callNs": assumed(4100, "ns", "as engine.ioat"),
  // Any other device: its engine keeps up with its link.
  "device.default.startNs": assumed(50, "ns", "pipeline of a DMA block"),
  "device.default.byteNs": assumed(0, "ns/B", "cut-through"),
  "device.default.slots": assumed(256, "commands", "as many as it has tags"),
  // Commands of a driver's device.
  "device.default.memoryReadNs": assumed(500, "ns", "device memory behind a BAR, read by a peer"),
  "device.default.memoryWriteNs": assumed(200, "ns", "device memory behind a BAR, written by a peer"),
  "host.doorbellNs": assumed(250, "ns", "posted write from CPU to device, one way"),
  "host.interruptNs": assumed(1000, "ns", "message to the first instruction of the handler"),
  "memory.pmemReadNs": literature(88, "ns", "Yang et al., FAST 2020: 169 ns against 81 ns of DRAM, sequential"),
  "memory.pmemReadBytesPerS": literature(6.55e9, "B/s", "Yang et al., FAST 2020: one Optane 100 module"),
  "memory.pmemWriteBytesPerS": literature(2.23e9, "B/s", "Yang et al., FAST 2020: one Optane 100 module"),
  "memory.commitNs": literature(300, "ns", "posted write from the port to the memory controller, SIGCOMM 2024"),
  "memory.ddioShare": literature(0.18, "ratio", "2 of 11 ways take device writes"),
  "switch.hopNs": literature(115, "ns", "PEX89048 (Gen 5), one way, vendor's figure"),
  "tags.standard": literature(32, "requests", `${PCIE}: 5-bit tags`),
  "tags.extended": literature(256, "requests", `${PCIE}: 8-bit tags`),
  "tags.tenBit": literature(768, "requests", `${PCIE}: 10-bit tags, less those without the upper bits set`),
};
