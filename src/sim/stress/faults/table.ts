/**
 * The faults that a stress run injects, each with the outcomes that it may have; declared here, before anything is injected.
 *
 * `detected`: something reported it. `harmless`: nothing wrong came of it, or the exposure is one that the configuration
 * is documented to have. Any other outcome is unexplained, which is a finding.
 */
import { PATH } from "../../../base/cost.ts";
import { DIR, type DmaDevice } from "../../../host/dma/device.ts";

/** One fault. */
export interface Fault {
  /** What goes wrong. */
  readonly what: string;
  readonly detected: readonly string[];
  readonly harmless: readonly string[];
  /** Data at risk until it is detected. */
  readonly risk: string;
  /** PATHs on which it is injected; empty = it happens to a worker, not to a mapping. */
  readonly paths: readonly number[];
  readonly call: "sg" | "phys";
  readonly dir: number;
  readonly fits: (device: DmaDevice) => boolean;
}

const any = (): boolean => true;
const trusted = (device: DmaDevice): boolean => !device.untrusted;
const strict = (device: DmaDevice): boolean => !device.untrusted && device.domain?.mode === "strict";
/** Pools that are filled in bounded time and memory, in large pieces and slot by slot. */
const FILL_SLOTS_MAX = 32768;
const FRAGMENT_SLOTS_MAX = 8192;
/** An untrusted device bounces what fills no granule; the rest would fill page tables instead. */
const bouncesAll = ({ domain, pool }: DmaDevice, slotsMax: number): boolean =>
  domain === null && pool !== null && pool.nslabs <= slotsMax;
const middlePool = (device: DmaDevice): boolean => bouncesAll(device, FILL_SLOTS_MAX);
const smallPool = (device: DmaDevice): boolean => bouncesAll(device, FRAGMENT_SLOTS_MAX);

const driver = { call: "phys", dir: DIR.toDevice, fits: any } as const;
const everywhere = [PATH.direct, PATH.iommu, PATH.bounce];

/** All faults by name. */
export const FAULTS = Object.freeze({
  "iova-exhaustion": {
    ...driver,
    what: "every IOVA that the device can reach is taken",
    detected: ["map refused: IOVA space exhausted"],
    harmless: ["served"],
    risk: "none",
    paths: [PATH.iommu],
    fits: trusted,
  },
  "table-exhaustion": {
    ...driver,
    what: "no memory for page tables",
    detected: ["map refused: no memory for page tables"],
    harmless: ["served", "map refused: IOVA space exhausted"],
    risk: "none",
    paths: [PATH.iommu],
    fits: trusted,
  },
  "pool-full": {
    ...driver,
    what: "every slot of the bounce pool is taken",
    detected: ["map refused: swiotlb buffer is full"],
    harmless: ["served"],
    risk: "none",
    paths: [PATH.bounce],
    fits: middlePool,
  },
  "pool-fragmented": {
    ...driver,
    what: "every second slot of the bounce pool is taken",
    detected: ["map refused: swiotlb buffer is full"],
    harmless: ["served"],
    risk: "none",
    paths: [PATH.bounce],
    fits: smallPool,
  },
  "mapping-leak": {
    ...driver,
    what: "the driver forgets to unmap",
    detected: ["dma-debug: pending"],
    harmless: [],
    risk: "the buffer stays reachable",
    paths: everywhere,
  },
  "double-map": {
    ...driver,
    dir: DIR.fromDevice,
    what: "one buffer is mapped twice for the device to write",
    detected: ["dma-debug: overlap"],
    harmless: [],
    risk: "either mapping's data",
    paths: [PATH.iommu, PATH.bounce],
  },
  "double-unmap": {
    ...driver,
    what: "a mapping is unmapped twice",
    detected: ["dma-debug: free of unknown"],
    harmless: [],
    risk: "the next owner of the address",
    paths: everywhere,
  },
  "unmap-size": {
    ...driver,
    what: "unmapped with another size than mapped",
    detected: ["dma-debug: free size"],
    harmless: [],
    risk: "a leaked tail",
    paths: everywhere,
  },
  "unmap-direction": {
    ...driver,
    what: "unmapped with another direction than mapped",
    detected: ["dma-debug: free direction"],
    harmless: [],
    risk: "bounced data that are not copied out",
    paths: everywhere,
  },
  "missing-error-check": {
    ...driver,
    what: "the driver never asks dma_mapping_error",
    detected: ["dma-debug: unchecked"],
    harmless: [],
    risk: "DMA to the error address",
    paths: everywhere,
  },
  "cpu-touch": {
    ...driver,
    what: "the CPU writes a buffer that the device owns",
    detected: ["data check: the device read it"],
    harmless: ["the bounce slot kept the old data"],
    risk: "the byte",
    paths: everywhere,
  },
  "use-after-unmap": {
    ...driver,
    what: "the device reads a buffer after its unmap",
    detected: ["IOMMU fault: not present", "IOMMU fault: permission"],
    harmless: ["lazy window: read until the flush", "the IOVA has another owner by now"],
    risk: "lazy: the buffer's pages until the flush; strict: none",
    paths: [PATH.iommu],
    fits: trusted,
  },
  "iotlb-not-invalidated": {
    ...driver,
    what: "a broken driver leaves the IOTLB alone between unmap and reuse",
    detected: ["probe: stale translation used, gone once invalidated"],
    harmless: ["evicted before the probe"],
    risk: "the buffer's pages until the entry is evicted",
    paths: [PATH.iommu],
    fits: strict,
  },
  "pte-permission": {
    ...driver,
    what: "the device writes through a read-only page-table entry",
    detected: ["IOMMU fault: permission"],
    harmless: [],
    risk: "none",
    paths: [PATH.iommu],
    fits: trusted,
  },
  "worker-terminated": {
    ...driver,
    what: "a worker's thread is ended from outside",
    detected: ["coordinator: its thread was terminated"],
    harmless: [],
    risk: "the transfer under way",
    paths: [],
  },
  "worker-stuck": {
    ...driver,
    what: "a worker spins for ever with a lock held",
    detected: ["coordinator: heartbeat stood still, lock named"],
    harmless: [],
    risk: "the transfer under way",
    paths: [],
  },
} satisfies Record<string, Fault>) as Readonly<Record<FaultName, Fault>>;

/** Names of the faults. */
export type FaultName =
  | "iova-exhaustion"
  | "table-exhaustion"
  | "pool-full"
  | "pool-fragmented"
  | "mapping-leak"
  | "double-map"
  | "double-unmap"
  | "unmap-size"
  | "unmap-direction"
  | "missing-error-check"
  | "cpu-touch"
  | "use-after-unmap"
  | "iotlb-not-invalidated"
  | "pte-permission"
  | "worker-terminated"
  | "worker-stuck";

/** All names, in the order of the table. */
export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[];

/** How one kind of fault ended, over all its injections. */
export interface FaultCount {
  readonly name: FaultName;
  injected: number;
  detected: number;
  harmless: number;
  unexplained: number;
  /** Times that each outcome occurred. */
  outcomes: Record<string, number>;
  /** Longest time from injection to outcome on this computer. */
  latencyMaxHostNs: number;
}

/** What an outcome means for a fault. */
export function judge(name: FaultName, outcome: string): "detected" | "harmless" | "unexplained" {
  if (FAULTS[name].detected.includes(outcome)) return "detected";
  return FAULTS[name].harmless.includes(outcome) ? "harmless" : "unexplained";
}

/** Counts of one thread; they add up. */
export class FaultLog {
  readonly counts = new Map<FaultName, FaultCount>();

  /** Adds one injection; returns what its outcome means. */
  add(name: FaultName, outcome: string, latencyHostNs: number): "detected" | "harmless" | "unexplained" {
    const verdict = judge(name, outcome);
    const count = this.#of(name);
    count.injected += 1;
    count[verdict] += 1;
    count.outcomes[outcome] = (count.outcomes[outcome] ?? 0) + 1;
    count.latencyMaxHostNs = Math.max(count.latencyMaxHostNs, latencyHostNs);
    return verdict;
  }

  /** Adds what another thread counted. */
  merge(counts: readonly FaultCount[]): void {
    for (const other of counts) {
      const count = this.#of(other.name);
      count.injected += other.injected;
      count.detected += other.detected;
      count.harmless += other.harmless;
      count.unexplained += other.unexplained;
      for (const [outcome, times] of Object.entries(other.outcomes)) {
        count.outcomes[outcome] = (count.outcomes[outcome] ?? 0) + times;
      }
      count.latencyMaxHostNs = Math.max(count.latencyMaxHostNs, other.latencyMaxHostNs);
    }
  }

  #of(name: FaultName): FaultCount {
    const known = this.counts.get(name);
    if (known !== undefined) return known;
    const count = { name, injected: 0, detected: 0, harmless: 0, unexplained: 0, outcomes: {}, latencyMaxHostNs: 0 };
    this.counts.set(name, count);
    return count;
  }
}
