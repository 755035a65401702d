/**
 * Rows about parts of the host network: credits, unloaded latencies, service times, row misses, contention.
 */
import { tlpBytesPerS } from "../../pcie/link.ts";
import type { Constants } from "../../timing/calibration/constant.ts";
import { HostContention } from "../../timing/memory/contention.ts";
import { LINE_BYTES } from "../../timing/memory/core.ts";
import { CpuMemory, type CpuStream } from "../../timing/memory/cpu_memory.ts";
import { HostCredits } from "../../timing/memory/credits.ts";
import { linkOf } from "./machine_parts.ts";
import { type Prediction, predicted, type RowKeys, type RowQuestion, rowNumber, rowText, unsupported } from "./row.ts";
import { socketOfRow } from "./socket_of_row.ts";

const NS = 1e-9;
/** Constants of the steps of the memory path that are latencies of their own. */
const STEPS: Readonly<Record<string, string>> = {
  lfb_to_dram: "host.lfb_to_dram_ns",
  lfb_to_cha: "host.lfb_to_cha_ns",
  iio_to_mc: "host.iio_to_mc_ns",
};

/** Independent loads of cores: the neighbour of a device in contention rows. */
const CORE_READS: Readonly<CpuStream> = {
  media: "dram",
  accessBytes: LINE_BYTES,
  sequential: true,
  threads: 1,
  remote: false,
  store: "nt",
  readShare: 1,
};

/** Prediction of a `host-interconnect` row of any initiator. */
export function predictHostInterconnect(question: RowQuestion, constants: Constants): Prediction {
  const { workload, quantity } = question;
  switch (quantity) {
    case "latency":
      return stepLatency(question, constants);
    case "credits":
      return credits(question, constants);
    case "credits_in_use": {
      const load = rowNumber(workload, "load_bytes_per_s", 0) * NS;
      return predicted(new HostCredits(constants).writeLinesInUse(load, 0));
    }
    case "service_time":
      return serviceTime(question, constants);
    case "row_miss_ratio":
      return predicted(memoryOf(question, constants).dram.rowMissRatio(1));
    case "row_miss_growth": {
      // A second stream closes rows of the first where they meet in a bank: two streams against one, minus the tie.
      const { dram } = memoryOf(question, constants);
      return predicted(dram.rowMissRatio(2) / dram.rowMissRatio(1));
    }
    default:
      return contention(question, constants);
  }
}

/** Bandwidth and latency of cores or of a device beside the other, against each alone. */
function contention(question: RowQuestion, constants: Constants): Prediction {
  const { workload, system, quantity, statistic } = question;
  const background = rowText(workload, "background", "");
  const device = rowText(workload, "initiator", "cpu") === "device";
  if (background !== (device ? "core_reads" : "device_writes") && background !== "memory_load")
    return unsupported("software-outside-model", `background ${background === "" ? "unstated" : background}`);
  const deviceRate = linkRate(system) * NS;
  if (deviceRate === 0) return unsupported("system-not-described", "link_bytes_per_s, pcie_gen and lanes");
  const cores = coresOf(workload, statistic, rowNumber(system, "cores_per_socket", 8));
  const stream = { ...CORE_READS, threads: cores };
  const model = new HostContention(constants, memoryOf(question, constants));
  const slowdown = device ? model.deviceSlowdown(stream, deviceRate) : model.coreSlowdown(stream, deviceRate);
  if (quantity === "bandwidth_slowdown" || quantity === "latency_ratio") return predicted(slowdown);
  if (quantity === "bandwidth_loss") return predicted(1 - 1 / slowdown);
  if (quantity === "latency_increase" && !device)
    return predicted(model.coreLatencyIncreaseNs(stream, deviceRate) * NS);
  return unsupported("quantity-not-simulated", quantity);
}

/** Cores of the row: of a range the end that the statistic names, else its middle. */
function coresOf(workload: RowKeys, statistic: string, otherwise: number): number {
  const low = rowNumber(workload, "cores_min", rowNumber(workload, "cores", otherwise));
  const high = rowNumber(workload, "cores_max", low);
  if (statistic === "range_low" || statistic === "min") return low;
  return statistic === "range_high" || statistic === "max" ? high : (low + high) / 2;
}

/** Rate of the device's link, bytes per second; 0 when the row does not state it. */
function linkRate(system: RowKeys): number {
  const link = linkOf(system);
  return rowNumber(system, "link_bytes_per_s", link === null ? 0 : tlpBytesPerS(link));
}

function memoryOf({ system }: RowQuestion, constants: Constants): CpuMemory {
  return new CpuMemory(constants, socketOfRow(system, constants));
}

function stepLatency({ workload }: RowQuestion, constants: Constants): Prediction {
  const step = rowText(workload, "step", "");
  const name = STEPS[step];
  return name === undefined
    ? unsupported("quantity-not-simulated", `step ${step === "" ? "unstated" : step}`)
    : predicted(constants.get(name) * NS);
}

function credits(question: RowQuestion, constants: Constants): Prediction {
  const buffers = new HostCredits(constants);
  switch (rowText(question.workload, "structure", "")) {
    case "iio_write_buffer":
      return predicted(buffers.iioWriteLines);
    case "cha_device_reads":
      return predicted(buffers.deviceReadLines);
    case "line_fill_buffers":
      return predicted(memoryOf(question, constants).core.lines);
    default:
      return unsupported("quantity-not-simulated", `structure ${rowText(question.workload, "structure", "unstated")}`);
  }
}

function serviceTime(question: RowQuestion, constants: Constants): Prediction {
  const { dram } = memoryOf(question, constants);
  const structure = rowText(question.workload, "structure", "");
  if (structure === "dram_bank") return predicted(dram.bankNs * NS);
  if (structure === "dram_channel")
    return predicted(dram.channelNs(rowNumber(question.workload, "access_bytes", LINE_BYTES)) * NS);
  return unsupported("quantity-not-simulated", `structure ${structure === "" ? "unstated" : structure}`);
}
