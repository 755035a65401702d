/**
 * Rows whose DMA a device starts by itself: bench devices, copy engines, peers; buffers are mapped before the run.
 */
import type { LinkShape } from "../../pcie/link.ts";
import type { Constants } from "../../timing/calibration/constant.ts";
import { copyEngineShape, engineBytesPerS } from "../../timing/device/copy_engine.ts";
import { deviceFamily, familyOf } from "../../timing/fabric/presets.ts";
import type { DeviceOp } from "../device_load/load.ts";
import { runDeviceRow } from "./device_rows.ts";
import { linkOf, uarchOf } from "./machine_parts.ts";
import { type Prediction, predicted, type RowQuestion, rowNumber, rowText, unsupported } from "./row.ts";

const PAGE_BYTES = 4096;
const DEFAULT_LANES = 16;
/** Shares of sorted latencies by statistic. */
const SHARES: Readonly<Record<string, number>> = {
  median: 0.5,
  single: 0.5,
  unstated: 0.5,
  typical: 0.5,
  p95: 0.95,
  p99: 0.99,
  p99_9: 0.999,
  min: 0,
  max: 1,
};

/** Bandwidth, latency or duration of a device-initiated row. */
export function predictDevice(question: RowQuestion, constants: Constants): Prediction {
  const { system, workload, quantity } = question;
  if (workload.step !== undefined || workload.structure !== undefined) {
    return unsupported("quantity-not-simulated", `${String(workload.step ?? workload.structure)} of the memory path`);
  }
  const op = rowText(workload, "op", "");
  if (op === "forward") return predicted(constants.get("switch.hopNs") / 1e9);
  const path = rowText(workload, "path", "direct");
  if (path === "staged") return predictStaged(question, constants);
  if (op === "copy" && system.engine !== undefined) return predictEngine(question, constants);
  if (op === "loopback") return predictLoopback(question, constants);
  if (!isDeviceOp(op)) return unsupported("quantity-not-simulated", `op ${op}`);
  if (path === "p2p" && rowText(workload, "media", "") === "bar") return predictBarRead(question, constants);
  const link = linkOf(system) ?? assumedLink(question);
  if (link === null) return unsupported("system-not-described", "pcie_gen and lanes");
  if (quantity === "bandwidth") return predictBandwidth(question, op, link, constants);
  if (quantity === "latency") return predictLatency(question, op, link, constants);
  if (quantity === "duration") return predictDuration(question, op, link, constants);
  return unsupported("quantity-not-simulated", quantity);
}

function isDeviceOp(op: string): op is DeviceOp {
  return op === "read" || op === "write" || op === "read_write" || op === "write_read";
}

/** A device whose width is not published has the usual one of its kind. */
function assumedLink({ system }: RowQuestion): LinkShape | null {
  const gen = rowNumber(system, "pcie_gen", 0);
  const isWide = /^(gpu|nic)/.test(rowText(system, "device", ""));
  return gen === 0 || !isWide ? null : { gen, lanes: DEFAULT_LANES, mpsBytes: 256, mrrsBytes: 512 };
}

function predictBandwidth(question: RowQuestion, op: DeviceOp, link: LinkShape, constants: Constants): Prediction {
  const { system, workload } = question;
  const one = runDeviceRow(question, op, link, constants).bytesPerS;
  const aggregate = rowText(workload, "aggregate", "sum");
  const bytesPerS = withCall(question, withGpuMmu(question, one, link, constants), constants);
  if (op === "read_write" && aggregate === "sum") return predicted(2 * bytesPerS);
  // What one initiator moves is shared by the peers that it uses at once.
  const shared = aggregate === "per_device" ? rowNumber(workload, "peers_active", 1) : 1;
  const devices = aggregate === "sum" ? rowNumber(workload, "devices_active", 1) : 1;
  return rowNumber(system, "device_count", 1) < devices
    ? unsupported("system-not-described", "devices_active")
    : predicted((bytesPerS * devices) / shared);
}

/** Calls of an API that waits for each transfer have a fixed part. */
function withCall({ workload }: RowQuestion, bytesPerS: number, constants: Constants): number {
  const name = `api.${rowText(workload, "api", "")}.callNs`;
  if (!constants.has(name)) return bytesPerS;
  const bytes = rowNumber(workload, "access_bytes", PAGE_BYTES);
  return bytes / (bytes / bytesPerS + constants.get(name) / 1e9);
}

/** Copies by a GPU's cores go through its MMU, whose TLB reaches only so far into host memory. */
function withGpuMmu(
  { system, workload }: RowQuestion,
  bytesPerS: number,
  link: LinkShape,
  constants: Constants,
): number {
  const bytes = rowNumber(workload, "access_bytes", 0);
  const family = deviceFamily(rowText(system, "device", ""));
  const reach = `device.${family}.mmuReachBytes`;
  if (rowText(workload, "copy_by", "copy_engine") !== "sm" || link.gen === 0 || !constants.has(reach)) return bytesPerS;
  const missed = Math.max(0, 1 - constants.get(reach) / bytes);
  const roundTripNs = constants.first(`rc.${familyOf(uarchOf(system))}.readNs`, "rc.default.readNs");
  const walkNs = roundTripNs / constants.get(`device.${family}.mmuWalkers`);
  return 1 / (1 / bytesPerS + (missed * walkNs) / PAGE_BYTES / 1e9);
}

/** A statistic of the latency of single accesses. */
function predictLatency(question: RowQuestion, op: DeviceOp, link: LinkShape, constants: Constants): Prediction {
  const { latenciesNs } = runDeviceRow(question, op, link, constants);
  const { statistic } = question;
  if (statistic === "mean") {
    return predicted(latenciesNs.reduce((sum, ns) => sum + ns, 0) / latenciesNs.length / 1e9);
  }
  const share = SHARES[statistic];
  if (share === undefined) return unsupported("quantity-not-simulated", statistic);
  const at = Math.min(latenciesNs.length - 1, Math.floor(latenciesNs.length * share));
  return predicted((latenciesNs[at] ?? 0) / 1e9);
}

/** A whole transfer of an endpoint's engine: set-up and interrupt, then its bytes over the link. */
function predictDuration(question: RowQuestion, op: DeviceOp, link: LinkShape, constants: Constants): Prediction {
  const { system, workload } = question;
  const engine = rowText(system, "engine", "default");
  const call = `engine.${engine}.callNs`;
  if (!constants.has(call)) return unsupported("system-not-described", `engine ${engine}`);
  const tags = `engine.${engine}.tags`;
  const bytes = rowNumber(workload, "access_bytes", 0);
  const stream = { ...question, workload: { ...workload, access_bytes: PAGE_BYTES, outstanding: 64 } };
  const limited = constants.has(tags)
    ? {
        ...link,
        mrrsBytes: constants.get(`engine.${engine}.mrrsBytes`),
        mpsBytes: constants.get(`engine.${engine}.mrrsBytes`),
      }
    : link;
  const bytesPerS = runDeviceRow(stream, op, limited, constants).bytesPerS;
  return predicted(constants.get(call) / 1e9 + bytes / bytesPerS);
}

/** Memory-to-memory engines. */
function predictEngine({ system, workload, quantity }: RowQuestion, constants: Constants): Prediction {
  const engine = rowText(system, "engine", "default");
  const shape = copyEngineShape(constants, engine, rowNumber(workload, "burst_bytes", 0));
  const bytes = rowNumber(workload, "access_bytes", rowNumber(workload, "access_bytes_max", PAGE_BYTES) / 2);
  const channels = rowText(workload, "aggregate", "sum") === "sum" ? rowNumber(workload, "channels", 1) : 1;
  const oneAtATime = rowNumber(workload, "outstanding", 0) === 1;
  if (rowText(workload, "wakeup", "submitting_core") !== "submitting_core") {
    return unsupported("software-outside-model", "wakeup by the wrong core");
  }
  if (quantity !== "bandwidth") return unsupported("quantity-not-simulated", quantity);
  return predicted(engineBytesPerS(shape, bytes, oneAtATime) * channels);
}

/** Device to device through host memory: up one link, down another, in pieces. */
function predictStaged(question: RowQuestion, constants: Constants): Prediction {
  const link = linkOf(question.system);
  if (question.quantity === "latency") return predicted(constants.get("copy.stagedCallNs") / 1e9);
  if (link === null) return unsupported("system-not-described", "pcie_gen and lanes");
  const workload = { op: "read", path: "direct", media: "dram" };
  const bytesPerS = runDeviceRow({ ...question, workload }, "read", link, constants).bytesPerS;
  return predicted(bytesPerS * constants.get("copy.stagedShare"));
}

/** One buffer in flight out of a peer's BAR: a fixed part and the peer's read rate. */
function predictBarRead({ system, workload }: RowQuestion, constants: Constants): Prediction {
  const rate = `peer.${rowText(system, "peer", "")}.readBytesPerS`;
  const call = `device.${deviceFamily(rowText(system, "device", ""))}.callNs`;
  if (!constants.has(rate) || !constants.has(call)) return unsupported("system-not-described", "peer and device");
  const bytes = rowNumber(workload, "access_bytes", PAGE_BYTES);
  return predicted(bytes / (bytes / constants.get(rate) + constants.get(call) / 1e9));
}

/** Host memory to device and back. */
function predictLoopback({ system, workload, quantity }: RowQuestion, constants: Constants): Prediction {
  const device = rowText(system, "device", "");
  const call = `device.${device}.callNs`;
  const command = `device.${device}.commandNs`;
  if (!constants.has(call) || !constants.has(command)) return unsupported("system-not-described", `device ${device}`);
  const bytes = rowNumber(workload, "access_bytes", 64);
  const rate = rowNumber(system, "link_bytes_per_s", 15e9);
  const wireNs = (bytes / rate) * 1e9;
  if (quantity === "round_trip_latency") return predicted((constants.get(call) + 2 * wireNs) / 1e9);
  const oneAtATime = rowNumber(workload, "outstanding", 0) === 1;
  const ns = oneAtATime ? constants.get(call) : Math.max(constants.get(command), wireNs);
  return predicted((bytes / ns) * 1e9);
}
