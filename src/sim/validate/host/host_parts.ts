/** What of a row decides host costs: its system as the prices know it, and the prices themselves. */
import type { Constants } from "../../../timing/calibration/constant.ts";
import { type HostIommuKind, type HostPrices, type HostSystem, hostPrices } from "../../../timing/host_cost/prices.ts";
import { type RowQuestion, rowFlag, rowNumber, rowText } from "../row.ts";

/** Cores of systems that rows name without them. */
const CPUS_BY_PLATFORM: Readonly<Record<string, number>> = { "hisilicon-d05": 64, "kunpeng-920": 96 };
const CPUS_DEFAULT = 64;
/** SMMUv3's queue was a spinlock around every command before this kernel. */
const LOCK_FREE_QUEUE: readonly [number, number] = [5, 4];

/** The system of a row. */
export function hostSystemOf({ topic, system, workload }: RowQuestion): HostSystem {
  const virt = rowText(system, "virt", "bare");
  const isIdle = topic === "dma-map-cost" || rowText(workload, "queue_state", "") === "empty";
  return {
    arch: archOf(system),
    uarch: rowText(system, "platform", "") === "hisilicon-d05" ? "d05" : rowText(system, "uarch", ""),
    iommuKind: iommuKindOf({ system, workload }),
    nested: virt === "nested_vm" || rowFlag(system, "iommu_nested", false),
    live: !isIdle && rowText(workload, "app", "") !== "dma_map_benchmark",
    coresPerNode: rowNumber(system, "sockets", 1) > 1 ? rowNumber(system, "cores_per_socket", 0) : 0,
  };
}

/** Prices of a row's system with the software that its workload names. */
export function rowPrices(question: RowQuestion, constants: Constants): HostPrices {
  const { workload } = question;
  const prices = hostPrices(hostSystemOf(question), constants);
  const form = rowText(workload, workload["op"] === "map" ? "map_form" : "unmap_form", "range");
  const syncPerPage = rowText(workload, "invalidation", "per_range") === "per_page";
  return { ...prices, walkPerPage: form === "per_page", syncPerPage, queue: queueOf(question, prices) };
}

/** CPUs of the row's machine. */
export function cpusOf(question: RowQuestion): number {
  const { system } = question;
  const perSocket = rowNumber(system, "cores_per_socket", 0) * rowNumber(system, "sockets", 1);
  const named = CPUS_BY_PLATFORM[rowText(system, "platform", "")] ?? CPUS_DEFAULT;
  return rowNumber(system, "vcpus", 0) || rowNumber(system, "cores", 0) || perSocket || named;
}

function queueOf({ system, workload }: RowQuestion, { queue }: HostPrices): HostPrices["queue"] {
  const locked =
    rowText(system, "iommu_kind", "") === "smmuv3" && isBefore(rowText(system, "kernel", ""), LOCK_FREE_QUEUE);
  // A fetch-and-add takes the line once where a compare-and-exchange loop reads it first.
  const transfers = rowText(workload, "cmdq_lock", "cmpxchg_loop") === "improved" ? 1 : queue.entryTransfers;
  return {
    ...queue,
    queues: rowNumber(workload, "command_queues", 1),
    // Two commands, each put and published under the lock.
    entryTransfers: locked ? 2 * transfers : transfers,
    lockedPs: locked ? 2 * queue.issuePs : 0,
  };
}

/** False where a row names no kernel. */
export function isBefore(kernel: string, [major, minor]: readonly [number, number]): boolean {
  const [first, second] = kernel.split(/[.-]/).map(Number);
  if (first === undefined || second === undefined || Number.isNaN(first + second)) return false;
  return first < major || (first === major && second < minor);
}

function archOf(system: RowQuestion["system"]): HostSystem["arch"] {
  const arch = rowText(system, "arch", "");
  if (arch === "arm64" || arch === "arm" || arch === "riscv64") return arch;
  return arch === "" && rowText(system, "iommu_kind", "") === "smmuv3" ? "arm64" : "x86_64";
}

function iommuKindOf({ system, workload }: Pick<RowQuestion, "system" | "workload">): HostIommuKind {
  const kind = rowText(system, "iommu_kind", "");
  if (kind === "smmuv3" || kind === "vtd" || kind === "amdvi" || kind === "virtio" || kind === "none") return kind;
  if (rowText(workload, "path", "direct") !== "iommu") return "none";
  return archOf(system) === "x86_64" ? "vtd" : "smmuv3";
}
