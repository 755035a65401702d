/**
 * Constants of CPU and memory: line buffers, DRAM, Optane modules, socket links and windows onto PCIe.
 *
 * Names are `part.quantity`; a uarch's or platform's own value is `uarch.part.quantity`. Times are ns, rates bytes per ns (= GB/s).
 * YS = Yang et al., FAST 2020 and its data; IZ = Izraelevitz et al., arXiv:1903.05714; PERMA = Benson et al., PVLDB 15(11);
 * HN = Vuppalapati et al., SIGCOMM 2024 technical report; GDR = GDRCopy README; RK = linux-pci, RK3588 endpoint series.
 */
import { assumed, type ConstantTable, calibrated, literature } from "./constant.ts";
import { MEMORY_UARCH_CONSTANTS } from "./memory_uarch.ts";

const YS_TEXT = "Yang et al., FAST 2020, idle latency (text and figure 2)";
const YS_F4 = "Yang et al., FAST 2020, figure 4 data (threads)";
const HN_TEXT = "Vuppalapati et al., SIGCOMM 2024 technical report, sections 4-6";

/** Everything that models of CPU traffic read. */
export const MEMORY_CONSTANTS: ConstantTable = {
  ...MEMORY_UARCH_CONSTANTS,
  "core.prefetch_lines": calibrated(
    11,
    "lines",
    "lines that L2 prefetch adds in an idle machine: one-thread streams of YS figure 17 and PERMA",
    ["pmem-numa"],
    [9.5, 12],
  ),
  "core.prefetch_training_lines": literature(
    4,
    "lines",
    "Intel optimisation manual: the streamer follows a few misses",
  ),
  "core.nt_line_ns": calibrated(12.3, "ns", `one-thread nt stores: YS figure 17 data; ${YS_F4}`, ["pmem"], [11.6, 13]),
  "core.nt_access_ns": calibrated(11, "ns", `${YS_F4}: 256 B accesses against figure 17's streams`, ["pmem"], [9, 13]),
  "core.clwb_line_ns": calibrated(43.5, "ns", `${YS_F4}: equal on DRAM and Optane`, ["pmem"], [41.5, 45.5]),
  "core.knee": assumed(5, "exponent", "sharpness of the bend between a linear rise and a plateau; 4 to 8 fit alike"),
  "core.best_threads": assumed(24, "threads", "end of a thread sweep where the core count is not stated"),

  "write.clwb_ns": literature(57.3, "ns", `${YS_TEXT}: DRAM, store and clwb`),
  "write.nt_extra_ns": literature(29.6, "ns", `${YS_TEXT}: DRAM, nt store 86.9 against 57.3`),
  "write.pmem_extra_ns": literature(4.3, "ns", `${YS_TEXT}: Optane 3.5 (nt) and 5 (clwb) above DRAM`),
  "write.fence_ns": calibrated(39.5, "ns", "YS figure 12: sfence after the write", ["pmem-write-path"], [35, 43]),
  "write.burst_share": calibrated(
    0.77,
    "ratio",
    "YS figure 12: line time within one access against the module's sustained line time",
    ["pmem-write-path"],
    [0.72, 0.82],
  ),

  "dram.read_efficiency": calibrated(0.84, "ratio", `${YS_F4}: 104.6 of 128 GB/s`, ["dram"], [0.82, 0.86]),
  "dram.write_efficiency": calibrated(0.64, "ratio", `${YS_F4}: 76.8 of 128 GB/s`, ["dram"], [0.61, 0.67]),
  "dram.bus_bytes": literature(8, "B", "JEDEC DDR4/DDR5: 64 data bits a channel"),
  "dram.bank_ns": literature(45, "ns", `${HN_TEXT}: bank processing time`),
  "dram.row_bytes": literature(8192, "B", "JEDEC DDR4 x4/x8 DIMM: 8 KiB row over the rank"),
  "dram.queue_ns": calibrated(
    17.2,
    "ns",
    "YS figure 6: latency added per u/(1-u), DRAM and Optane alike",
    ["pmem-loaded-latency"],
    [15, 20],
  ),
  "optane-128-server.dram.write_efficiency": calibrated(
    0.3,
    "ratio",
    "PERMA server with 128 GB modules: nt stores of 16 threads to its DRAM",
    ["dram"],
    [0.28, 0.32],
  ),
  "optane-128-server.dram.channels": calibrated(
    3,
    "channels",
    "PERMA server with 128 GB modules: ceiling of its DRAM reads; the data does not state the population",
    ["dram"],
    [3, 3],
  ),

  "pmem.line_bytes": literature(256, "B", "Yang et al., FAST 2020: XPLine"),
  "pmem.interleave_bytes": literature(4096, "B", "Yang et al., FAST 2020: block of one module in the stripe"),
  "pmem.read_sequential_ns": literature(169.4, "ns", YS_TEXT),
  "pmem.read_random_ns": literature(305, "ns", `${YS_TEXT}; IZ states the same`),
  "read.parallel_share": calibrated(
    0.76,
    "ratio",
    `${YS_F4}: latency of lines in parallel flight between sequential (0) and random (1), DRAM and Optane alike`,
    ["pmem"],
    [0.7, 0.82],
  ),
  "pmem.module_read_bytes_per_ns": literature(6.567, "B/ns", "IZ: 39.4 GB/s on six modules"),
  "pmem.module_write_bytes_per_ns": calibrated(2.26, "B/ns", `${YS_F4}, one module`, ["pmem"], [2.2, 2.32]),
  "pmem.rfo_line_ns": calibrated(
    7.6,
    "ns",
    "YS figure 5: cached stores against nt stores on one module, per line read for ownership",
    ["pmem"],
    [6.5, 8.5],
  ),
  "pmem.buffer_bytes": calibrated(17700, "B", "YS figure 9: knee of the amplification", ["pmem"], [17400, 18000]),
  "pmem.writers_half": calibrated(
    13.4,
    "threads",
    `${YS_F4}: writers of one module at which half of the combining is lost`,
    ["pmem"],
    [12.6, 14.2],
  ),
  "pmem.writers_exponent": calibrated(
    2.55,
    "exponent",
    `${YS_F4}: steepness of the loss with the number of writers`,
    ["pmem"],
    [2.3, 2.8],
  ),
  "pmem.writers_loss": calibrated(
    2.24,
    "ratio",
    `${YS_F4}: media writes added when every line is evicted early`,
    ["pmem"],
    [2.1, 2.4],
  ),
  "pmem.spread_exponent": calibrated(
    0.5,
    "exponent",
    `${YS_F4}: n writers over d modules crowd like n/d^x on one, since load fluctuates`,
    ["pmem"],
    [0.42, 0.58],
  ),
  "pmem.readers_free": calibrated(8.8, "threads", `${YS_F4}: readers of one module without loss`, ["pmem"], [8, 9.6]),
  "pmem.readers_loss": assumed(1, "ratio", "a line that was evicted once is read a second time"),
  "pmem.random_read_bytes": calibrated(
    192,
    "B",
    "independent random loads of one thread that overlap: IZ (sequential against random), PERMA",
    ["pmem"],
    [128, 256],
  ),
  "pmem.posted_bytes": assumed(768, "B", "posted stores of one thread: 12 line buffers"),
  "pmem.loaded_write_ns": calibrated(
    162,
    "ns",
    "YS figure 6: write behind others at a module, before queueing",
    ["pmem-loaded-latency"],
    [152, 172],
  ),
  "pmem.evicted_lines": calibrated(
    3.4,
    "lines",
    "YS figure 17: lines of media work per evicted cached line in read-write mixes (an XPLine has 4)",
    ["pmem-numa"],
    [3.1, 3.7],
  ),
  "optane_200.pmem.read_scale": literature(
    1.19,
    "ratio",
    "Intel product briefs, 256 GB modules: 8.10 against 6.80 GB/s",
  ),
  "optane_200.pmem.write_scale": literature(
    1.37,
    "ratio",
    "Intel product briefs, 256 GB modules: 3.15 against 2.30 GB/s",
  ),

  "mix.overlap": calibrated(
    1.58,
    "exponent",
    "YS figure 17, one thread: reads and writes of a core overlap in part (1 = not at all)",
    ["pmem-numa"],
    [1.45, 1.7],
  ),
  "upi.hop_ns": calibrated(
    50,
    "ns",
    "YS figure 6: remote against local writes in an idle machine",
    ["pmem-loaded-latency"],
    [46, 54],
  ),
  "upi.link_bytes_per_ns": literature(20.8, "B/ns", "UPI 10.4 GT/s, 2 bytes a transfer and direction"),
  "upi.links": assumed(2, "links", "links between two sockets"),
  "upi.efficiency": assumed(0.889, "ratio", "eight data flits and one header a line, as on QPI"),
  "upi.nt_crossings": assumed(
    4,
    "hops",
    "request, grant, data and completion of a remote nt store; agrees with YS figure 17",
  ),
  "upi.directory_writes": assumed(
    2,
    "ratio",
    "media writes of a remote write: data and directory state; agrees with YS figure 17",
  ),
  "upi.mixed_conflict_ns_per_byte": calibrated(
    0.54,
    "ns/B",
    "YS figure 17: directory conflicts of remote read-write mixes when other threads interleave",
    ["pmem-numa"],
    [0.48, 0.6],
  ),

  "host.lfb_to_dram_ns": literature(70, "ns", `${HN_TEXT}: unloaded core read`),
  "host.lfb_to_cha_ns": literature(10, "ns", `${HN_TEXT}: unloaded core write`),
  "host.iio_to_mc_ns": literature(300, "ns", `${HN_TEXT}: unloaded device write`),
  "host.iio_write_lines": literature(92, "lines", `${HN_TEXT}: device write buffer of an IIO stack`),
  "host.device_read_lines": literature(164, "lines", `${HN_TEXT}: device reads seen at the CHA, at least`),

  "window.gpu_load_ns": calibrated(1380, "ns", "GDR: loads from a GPU's BAR", ["bar-window"], [1300, 1460]),
  "window.device_load_ns": assumed(900, "ns", "uncached load from a device's register"),
  "window.outbound_load_ns": calibrated(
    1145,
    "ns",
    "RK: 8 byte loads over an outbound window",
    ["endpoint-dma"],
    [1090, 1200],
  ),
  "window.outbound_stores": assumed(
    16,
    "stores",
    "depth of posted stores in an endpoint's bridge; RK: a store takes 1/16 of a load",
  ),
  "window.store_bytes": assumed(8, "B", "one uncombined load or store of 64-bit code"),

  "block.raw_ns": calibrated(
    2450,
    "ns",
    "4 KiB reads and writes of a raw pmem namespace",
    ["pmem-block"],
    [2150, 2750],
  ),
  "block.dax_ns": calibrated(
    1600,
    "ns",
    "4 KiB reads and writes of files on a DAX mount",
    ["pmem-block"],
    [1400, 1800],
  ),
  "block.writecache_ns": assumed(500, "ns", "dm-writecache entry and its metadata, per block"),
};
