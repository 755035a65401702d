/**
 * Rows of programs that only keep a device busy: their buffers stay mapped, so the device's own model answers.
 *
 * Storage to GPU memory: reads of a drive are limited by its link wherever they land; each thread waits for its own read.
 * Staged reads go through host memory and are copied on, which a pipeline of threads hides while the GPU's link is wider.
 */
import type { LinkShape } from "../../pcie/link.ts";
import type { Constants } from "../../timing/calibration/constant.ts";
import { deviceFamily } from "../../timing/fabric/presets.ts";
import { runDeviceRow } from "./device_rows.ts";
import { linkOf } from "./machine_parts.ts";
import { predictDevice } from "./predict_device.ts";
import { type Prediction, predicted, type RowQuestion, rowNumber, rowText, unsupported } from "./row.ts";

const DRIVE_LANES = 4;
const GPU_LANES = 16;
const MIB = 2 ** 20;

/** Undefined when the row is of another kind. */
export function predictAppDevice(question: RowQuestion, constants: Constants): Prediction | undefined {
  if (question.topic === "fpga-dma") return predictDevice(question, constants);
  const isDriveRead = question.topic === "p2p" && rowText(question.workload, "app", "") === "gdsio";
  return isDriveRead ? predictDriveIo(question, constants) : undefined;
}

/** Bandwidth between a drive and host or GPU memory. */
function predictDriveIo(question: RowQuestion, constants: Constants): Prediction {
  const { system, workload, quantity } = question;
  const gen = rowNumber(system, "pcie_gen", 0);
  const call = `device.${deviceFamily(rowText(system, "device", ""))}.callNs`;
  if (gen === 0 || !constants.has(call)) return unsupported("system-not-described", "pcie_gen and device");
  if (quantity !== "bandwidth") return unsupported("quantity-not-simulated", quantity);
  const link = linkOf(system) ?? { gen, lanes: DRIVE_LANES, mpsBytes: 256, mrrsBytes: 512 };
  const gpu = { gen, lanes: GPU_LANES, mpsBytes: 256, mrrsBytes: 512 };
  const driveBytesPerS = streamRate(
    question,
    rowText(workload, "op", "read") === "write" ? "read" : "write",
    link,
    constants,
  );
  const isStaged = rowText(workload, "path", "p2p") === "staged";
  const gpuBytesPerS = isStaged ? streamRate(question, "read", gpu, constants) : Number.POSITIVE_INFINITY;
  const bytes = rowNumber(workload, "access_bytes", MIB);
  const copyNs = isStaged ? constants.get("copy.stagedCallNs") : 0;
  const oneS = (constants.get(call) + copyNs) / 1e9 + bytes / driveBytesPerS + bytes / gpuBytesPerS;
  const drives = rowNumber(system, "device_count", 1);
  const waiting = (rowNumber(workload, "threads", 1) * rowNumber(workload, "iodepth", 1) * bytes) / oneS;
  return predicted(Math.min(driveBytesPerS * drives, gpuBytesPerS, waiting));
}

/** Rate of a long stream over `link`, from the device to memory (`write`) or from memory to the device. */
function streamRate(question: RowQuestion, op: "read" | "write", link: LinkShape, constants: Constants): number {
  const workload = { op, path: "direct", media: "dram", access_bytes: MIB };
  return runDeviceRow({ ...question, workload }, op, link, constants).bytesPerS;
}
