/** Cross-checks of the flush queues of lazy domains: what the kernel era has, and how long a queue may be. */
import { isPow2 } from "../../base/addr.ts";
import { FQ_DEPTH } from "../../shm/capacities.ts";
import type { Machine } from "./description.ts";
import type { MachineFault } from "./fault.ts";
import type { MachineDocument } from "./schema.ts";

/** First fault of the flush queue's keys; undefined when they are sound. */
export function checkFlushQueue(machine: Machine, document: MachineDocument): MachineFault | undefined {
  return unknownToEra(machine, document) ?? unsoundSize(machine);
}

function unknownToEra({ era }: Machine, { iommu }: MachineDocument): MachineFault | undefined {
  const fault = (key: string, value: unknown, limit: string): MachineFault => ({
    code: "DMASIM_MACHINE_FLUSH_QUEUE_ERA",
    path: ["iommu", key],
    what: `kernel era ${era} has no such flush queue`,
    value,
    limit,
    remedy: "remove this key, or set kernel.era to 6.12 or later",
  });
  if (iommu.shadow_on_flush && (era === "4.1" || era === "6.1")) {
    return fault("shadow_on_flush", true, "the shared queue came with Linux 6.7");
  }
  if (era !== "4.1") return undefined;
  const limit = "one list of 250 entries, 10 ms";
  if (iommu.fq_size !== undefined) return fault("fq_size", iommu.fq_size, limit);
  return iommu.fq_timeout === undefined ? undefined : fault("fq_timeout", `${iommu.fq_timeout} ns`, limit);
}

function unsoundSize({ iommu }: Machine): MachineFault | undefined {
  const { entries, shared } = iommu.flushQueue;
  if (isPow2(entries) && (shared || entries <= FQ_DEPTH)) return undefined;
  return {
    code: "DMASIM_MACHINE_FLUSH_QUEUE_SIZE",
    path: ["iommu", "fq_size"],
    what: "a flush queue has no such size",
    value: entries,
    limit: shared ? "a power of two" : `a power of two, at most ${FQ_DEPTH} for each CPU`,
    remedy: shared ? "use 32768" : "use 256, or set iommu.shadow_on_flush for one large queue",
  };
}
