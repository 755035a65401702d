/**
 * Rows in which CPUs load and store: DRAM and Optane bandwidth and latency, windows, parts of the host network.
 */
import type { Constants } from "../../timing/calibration/constant.ts";
import { AccessLatency } from "../../timing/memory/access_latency.ts";
import { LINE_BYTES } from "../../timing/memory/core.ts";
import { CpuMemory, type CpuStream, type Media, type StoreKind } from "../../timing/memory/cpu_memory.ts";
import { MmioWindow } from "../../timing/memory/mmio_window.ts";
import { linkOf } from "./machine_parts.ts";
import { predictHostInterconnect } from "./predict_host_interconnect.ts";
import { type Prediction, predicted, type RowKeys, type RowQuestion, rowNumber, rowText, unsupported } from "./row.ts";
import { socketOfRow } from "./socket_of_row.ts";

const NS = 1e-9;
/** Share of the best rate from which on a thread count has reached the peak. */
const PEAK_SHARE = 0.95;
/** Link of a device through whose BAR a CPU of unstated generation goes. */
const USUAL_LINK = { gen: 3, lanes: 16, mpsBytes: 256, mrrsBytes: 512 };

/** Prediction of a row with initiator `cpu`. */
export function predictCpu(question: RowQuestion, constants: Constants): Prediction {
  const { workload, system } = question;
  if (question.topic === "host-interconnect") return predictHostInterconnect(question, constants);
  const variant = rowText(workload, "variant", "");
  if (variant !== "" && variant !== "two_pass_half_line") return unsupported("software-outside-model", variant);
  if (rowText(workload, "path", "cpu_memory") === "cpu_mmio") return window(question, constants);
  if (rowText(system, "pmem_mode", "app_direct") === "memory")
    return unsupported("system-not-described", "pmem_mode memory: what DRAM caches is not stated");
  const memory = new CpuMemory(constants, socketOfRow(system, constants));
  switch (question.quantity) {
    case "bandwidth":
      return bandwidth(question, constants, memory);
    case "bandwidth_ratio":
      return bandwidthRatio(question, constants, memory);
    case "latency":
      return predicted(latencyNs(workload, new AccessLatency(constants, memory)) * NS);
    case "amplification":
      return predicted(amplification(workload, memory));
    case "threads_at_peak":
      return predicted(threadsAtPeak(question, constants, memory));
    default:
      return unsupported("quantity-not-simulated", question.quantity);
  }
}

/** What the row's threads do. */
function streamOf(workload: RowKeys): CpuStream {
  const op = rowText(workload, "op", "read");
  const sequential = rowText(workload, "pattern", "sequential") === "sequential";
  const readShare = rowNumber(workload, "mix_read_percent", op === "read" ? 100 : op === "write" ? 0 : 50) / 100;
  return {
    media: rowText(workload, "media", "dram") === "pmem" ? "pmem" : "dram",
    // Without a size a sequential stream has no end, and a random access is one line.
    accessBytes: rowNumber(workload, "access_bytes", sequential ? Number.POSITIVE_INFINITY : LINE_BYTES),
    sequential,
    threads: rowNumber(workload, "threads", 1),
    remote: rowText(workload, "socket", "local") === "remote",
    store: storeOf(workload),
    readShare,
  };
}

function storeOf(workload: RowKeys): StoreKind {
  const store = rowText(workload, "store", "nt");
  if (store === "store") return "cached";
  return store === "nt" ? "nt" : "flushed";
}

function bandwidth(question: RowQuestion, constants: Constants, memory: CpuMemory): Prediction {
  const { workload } = question;
  const stream = streamOf(workload);
  const driver = rowText(workload, "driver", "");
  if (driver === "dm_writecache") return predicted(writecacheBytesPerS(workload, constants, memory));
  if (workload.fence === true && stream.readShare === 0) return predicted(fencedBytesPerS(stream, constants, memory));
  if (workload.threads === undefined) memory.bestRate(stream, threadsMax(question, constants));
  return predicted(memory.bandwidthBytesPerS(stream));
}

/** Each thread stores, fences and goes on; the memory's ceiling bounds the sum. */
function fencedBytesPerS(stream: CpuStream, constants: Constants, memory: CpuMemory): number {
  const bytes = Number.isFinite(stream.accessBytes) ? stream.accessBytes : LINE_BYTES;
  const latency = new AccessLatency(constants, memory);
  const eachNs = latency.fencedWriteNs(stream.media, stream.store === "flushed", stream.remote, bytes);
  return Math.min((stream.threads * bytes) / eachNs / NS, memory.bandwidthBytesPerS(stream));
}

/** One block at a time: software, then the block stored and fenced. */
function writecacheBytesPerS(workload: RowKeys, constants: Constants, memory: CpuMemory): number {
  const bytes = rowNumber(workload, "access_bytes", 4096);
  const latency = new AccessLatency(constants, memory);
  const storeNs = latency.fencedWriteNs("pmem", storeOf(workload) === "flushed", false, bytes);
  return bytes / ((constants.get("block.writecache_ns") + storeNs) * NS);
}

function bandwidthRatio(question: RowQuestion, constants: Constants, memory: CpuMemory): Prediction {
  if (rowText(question.workload, "baseline", "") !== "random_pattern")
    return unsupported("software-outside-model", `baseline ${rowText(question.workload, "baseline", "unstated")}`);
  const most = threadsMax(question, constants);
  const random = { ...streamOf({ ...question.workload, pattern: "random" }) };
  return predicted(memory.bestRate(streamOf(question.workload), most) / memory.bestRate(random, most));
}

/** End of the source's thread sweep: the cores of a socket. */
function threadsMax({ system }: RowQuestion, constants: Constants): number {
  return rowNumber(system, "cores_per_socket", constants.get("core.best_threads"));
}

/** Fewest threads that reach the peak of 256 byte accesses. */
function threadsAtPeak(question: RowQuestion, constants: Constants, memory: CpuMemory): number {
  const stream = streamOf({ access_bytes: 256, ...question.workload });
  const most = threadsMax(question, constants);
  const peak = memory.bestRate(stream, most);
  for (let threads = 1; threads < most; threads += 1) {
    stream.threads = threads;
    if (memory.rate(stream) >= PEAK_SHARE * peak) return threads;
  }
  return most;
}

function latencyNs(workload: RowKeys, latency: AccessLatency): number {
  const media: Media = rowText(workload, "media", "dram") === "pmem" ? "pmem" : "dram";
  const remote = rowText(workload, "socket", "local") === "remote";
  const sequential = rowText(workload, "pattern", "sequential") === "sequential";
  const flushed = storeOf(workload) === "flushed";
  const load = workload.load_bytes_per_s;
  if (rowText(workload, "op", "read") === "read") {
    return latency.loadedReadNs(media, sequential, remote, typeof load === "number" ? load * NS : 0);
  }
  if (typeof load === "number") return latency.loadedWriteNs(media, remote, load * NS);
  if (workload.access_bytes === undefined) return latency.writeNs(media, flushed, remote);
  return latency.fencedWriteNs(media, flushed, remote, rowNumber(workload, "access_bytes", LINE_BYTES));
}

/** Bytes that media write per byte stored. */
function amplification(workload: RowKeys, memory: CpuMemory): number {
  if (rowText(workload, "variant", "") === "two_pass_half_line")
    return memory.pmem.twoPassAmplification(rowNumber(workload, "window_bytes", 4096));
  const stream = streamOf(workload);
  return memory.pmem.mediaShare(stream.accessBytes, stream.sequential);
}

function window({ system, workload, quantity }: RowQuestion, constants: Constants): Prediction {
  const part = new MmioWindow(constants, socketOfRow(system, constants).uarch);
  const reads = rowText(workload, "op", "read") === "read";
  const bytes = rowNumber(workload, "access_bytes", LINE_BYTES);
  if (rowText(workload, "bar_mapping", "") === "outbound_window") {
    const ns = reads ? part.outboundLoadNs(bytes) : part.outboundStoreNs(bytes);
    if (quantity === "duration" || quantity === "latency") return predicted(ns * NS);
    return quantity === "bandwidth" ? predicted(bytes / (ns * NS)) : unsupported("quantity-not-simulated", quantity);
  }
  if (quantity !== "bandwidth") return unsupported("quantity-not-simulated", quantity);
  if (reads) return predicted(part.loadRate(rowText(system, "device", "").startsWith("gpu")) / NS);
  const combined = rowText(workload, "store", rowText(workload, "bar_mapping", "wc")) === "wc";
  return predicted(part.storeRate(linkOf(system) ?? USUAL_LINK, combined) / NS);
}
