/**
 * Rows of programs that read and write persistent memory as a block device or through a DAX file system.
 *
 * No DMA: the CPU copies between the program's buffer and the modules (nt stores towards them), after the software of one
 * I/O. Writes to one DAX file hold its inode's lock, so that threads take turns; the raw device has no such lock.
 */
import type { Constants } from "../../timing/calibration/constant.ts";
import { CpuMemory } from "../../timing/memory/cpu_memory.ts";
import { kneeMin } from "../../timing/memory/knee.ts";
import { type Prediction, predicted, type RowKeys, type RowQuestion, rowNumber, rowText, unsupported } from "./row.ts";
import { socketOfRow } from "./socket_of_row.ts";

/** Bytes of one I/O of a sequential test that states none. */
const SEQUENTIAL_BYTES = 1024 ** 2;

/** Bandwidth or I/O rate of a `pmem-block` row. */
export function predictPmemBlock(question: RowQuestion, constants: Constants): Prediction {
  const { workload, system, quantity } = question;
  if (quantity !== "bandwidth" && quantity !== "io_rate") return unsupported("quantity-not-simulated", quantity);
  const memory = new CpuMemory(constants, socketOfRow(system, constants));
  const bytes = rowNumber(workload, "access_bytes", SEQUENTIAL_BYTES);
  const bytesPerS = blockBytesPerS(workload, constants, memory, bytes);
  return predicted(quantity === "bandwidth" ? bytesPerS : bytesPerS / bytes);
}

function blockBytesPerS(workload: RowKeys, constants: Constants, memory: CpuMemory, bytes: number): number {
  const reads = rowText(workload, "op", "read") === "read";
  const dax = rowText(workload, "namespace", "raw") === "fsdax";
  const softwareNs = constants.get(dax ? "block.dax_ns" : "block.raw_ns");
  const threads = Math.max(1, rowNumber(workload, "threads", rowNumber(workload, "jobs", 1)));
  const copyNs = (bytes * 1e9) / copyOne(memory, reads, bytes);
  const oneBytesPerS = (bytes * 1e9) / (softwareNs + copyNs);
  if (dax && !reads) return oneBytesPerS;
  const ceiling = memory.copyCeilingBytesPerS(reads ? "pmem" : "dram", reads ? "dram" : "pmem", bytes, threads);
  return kneeMin(threads * oneBytesPerS, ceiling, constants.get("core.knee"));
}

function copyOne(memory: CpuMemory, reads: boolean, bytes: number): number {
  return memory.copyBytesPerS(reads ? "pmem" : "dram", reads ? "dram" : "pmem", bytes, 1);
}
