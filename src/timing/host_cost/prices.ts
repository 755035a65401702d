/**
 * Prices of host work on one system: what each unit of a cost record takes.
 *
 * Built from the constants by what the system is made of, so that a machine nobody measured takes its relatives' prices.
 * Picoseconds throughout.
 */
import type { Constants } from "../calibration/constant.ts";

/** Kinds of IOMMU with an invalidation path of their own. */
export type HostIommuKind = "none" | "smmuv3" | "vtd" | "amdvi" | "virtio";

/** What decides the prices. */
export interface HostSystem {
  readonly arch: "x86_64" | "arm64" | "arm" | "riscv64";
  /** Core family, "" = unknown. */
  readonly uarch: string;
  readonly iommuKind: HostIommuKind;
  /** A guest whose invalidations are carried out by the hypervisor. */
  readonly nested: boolean;
  /** Real I/O goes on: tables are cold in the caches and synchronisation waits for transactions in flight. */
  readonly live: boolean;
  /** Cores that share a die; 0 = by uarch. */
  readonly coresPerNode: number;
}

/** How CPUs enter the invalidation queue. */
export interface QueuePrices {
  /** One more command of a batch. */
  readonly commandPs: number;
  /** Publishing a batch. */
  readonly issuePs: number;
  /** Synchronisation that nothing is in front of; also what each one in front adds. */
  readonly syncPs: number;
  /** Added to a synchronisation by transactions in flight. */
  readonly trafficPs: number;
  /** Trap to the hypervisor for each synchronisation. */
  readonly trapPs: number;
  /** Line transfers that each entering CPU needs. */
  readonly entryTransfers: number;
  /** Issue work that is serialised because it happens under a lock (before the lock-free queue). */
  readonly lockedPs: number;
  /** Queues that CPUs are dealt out to. */
  readonly queues: number;
  /** True when each page takes a command of its own: no range commands. */
  readonly commandPerPage: boolean;
}

/** Prices of one system. */
export interface HostPrices {
  readonly submitPs: number;
  readonly completePs: number;
  readonly callPs: number;
  readonly sgEntryPs: number;
  /** Descent from the root to a leaf table. */
  readonly walkPs: number;
  readonly ptePs: number;
  readonly tablePs: number;
  /** Added to each call that changes tables, under real I/O. */
  readonly coldPs: number;
  readonly requestPs: number;
  /** A guest's map call that the hypervisor must see (caching mode). */
  readonly mapTrapPs: number;
  readonly magazinePs: number;
  readonly depotPs: number;
  readonly treePs: number;
  readonly treeStepPs: number;
  /** Shared lines that an insertion or erasure touches, and most of a search that others wrote since the last one. */
  readonly treeLines: number;
  readonly treeSearchLinesMax: number;
  readonly linePs: number;
  readonly nodeHopPs: number;
  readonly contendedPs: number;
  readonly coresPerNode: number;
  readonly slotProbePs: number;
  readonly slotMapPs: number;
  readonly copyBytePs: number;
  readonly daxBytePs: number;
  /** One line of 64 bytes written back to persistent memory, and the fence behind the last. */
  readonly persistLinePs: number;
  readonly persistFencePs: number;
  /** Stores into, and loads from, a peer's BAR by one core. */
  readonly stagedStoreBytePs: number;
  readonly stagedLoadBytePs: number;
  readonly cacheLinePs: number;
  readonly barrierPs: number;
  /** Moving windows: one remap with its pin call, one revoke, one read-back, work under the lock, a byte to or from RAM. */
  readonly windowRemapPs: number;
  readonly windowRevokePs: number;
  readonly windowReadBackPs: number;
  readonly windowLockPs: number;
  /** One invalidation of a device's own TLB, waited for. */
  readonly deviceTlbFlushPs: number;
  readonly migrateBytePs: number;
  readonly queue: QueuePrices;
  /** Page tables are walked from the root for every page, as before the range calls of 5.15. */
  readonly walkPerPage: boolean;
  /** Every page is invalidated and waited for on its own. */
  readonly syncPerPage: boolean;
}

const LITTLE_CORES: readonly string[] = ["cortex-a55", "cortex-a7"];
/** SMMUs without range commands (SMMUv3.2's RIL). */
const NO_RANGE_COMMANDS: readonly string[] = ["kunpeng"];

/** Prices of `system`, with what software of our time does: range calls, one synchronisation a range. */
export function hostPrices(system: HostSystem, constants: Constants): HostPrices {
  const ps = (name: string) => Math.round(constants.get(name) * 1000);
  const byte = (name: string) => 1000 / constants.get(name);
  const little = LITTLE_CORES.includes(system.uarch);
  return {
    submitPs: ps("host.submitNs"),
    completePs: ps("host.completeNs"),
    callPs: ps("host.callNs"),
    sgEntryPs: ps("host.sgEntryNs"),
    walkPs: ps("host.walkNs"),
    ptePs: ps("host.pteNs"),
    tablePs: ps("host.tableNs"),
    coldPs: system.live ? ps("host.coldNs") : 0,
    requestPs: ps("virt.requestNs"),
    mapTrapPs: system.nested ? ps("virt.requestNs") : 0,
    magazinePs: ps("host.magazineNs"),
    depotPs: ps("host.depotNs"),
    treePs: ps("host.treeNs"),
    treeStepPs: ps("host.treeStepNs"),
    treeLines: constants.get("lock.treeLines"),
    treeSearchLinesMax: constants.get("lock.treeSearchLinesMax"),
    linePs: ps("lock.lineNs"),
    nodeHopPs: ps("lock.nodeHopNs"),
    contendedPs: ps("lock.contendedNs"),
    coresPerNode: coresPerNode(system, constants),
    slotProbePs: ps("host.slotProbeNs"),
    slotMapPs: ps("host.slotMapNs"),
    copyBytePs: byte("copy.bytesPerNs"),
    daxBytePs: byte("copy.daxBytesPerNs"),
    persistLinePs: ps("persist.lineNs"),
    persistFencePs: ps("persist.fenceNs"),
    // A described machine sets them: they depend on the BAR's link.
    stagedStoreBytePs: 0,
    stagedLoadBytePs: 0,
    cacheLinePs: ps(little ? "cache.little.lineNs" : "cache.big.lineNs"),
    barrierPs: ps("cache.barrierNs"),
    windowRemapPs: ps("pin.fixedNs") + ps("window.registerNs") + ps("window.tlbFlushNs"),
    windowRevokePs: ps("window.notifyNs") + ps("window.tlbFlushNs"),
    windowReadBackPs: ps("window.readBackNs"),
    windowLockPs: ps("window.lockNs"),
    deviceTlbFlushPs: ps("ats.invalidateNs"),
    migrateBytePs: byte("window.migrateBytesPerNs"),
    queue: queuePrices(system, constants),
    walkPerPage: false,
    syncPerPage: false,
  };
}

function coresPerNode(system: HostSystem, constants: Constants): number {
  if (system.coresPerNode > 0) return system.coresPerNode;
  return constants.first(`lock.${system.uarch}.coresPerNode`, "lock.coresPerNode");
}

/** A hypervisor's IOMMU is told by the unmap request itself. */
const NO_QUEUE: QueuePrices = {
  commandPs: 0,
  issuePs: 0,
  syncPs: 0,
  trafficPs: 0,
  trapPs: 0,
  entryTransfers: 0,
  lockedPs: 0,
  queues: 1,
  commandPerPage: false,
};

/** AMD's queue takes VT-d's prices, its nearest relative; without an IOMMU the queue is never asked. */
function queuePrices(system: HostSystem, constants: Constants): QueuePrices {
  if (system.iommuKind === "virtio") return NO_QUEUE;
  const kind = system.iommuKind === "smmuv3" ? "smmuv3" : "vtd";
  const ps = (name: string) => Math.round(constants.get(`${kind}.${name}`) * 1000);
  return {
    commandPs: ps("commandNs"),
    issuePs: ps("issueNs"),
    syncPs: ps("syncNs"),
    trafficPs: system.live ? ps("trafficNs") : 0,
    trapPs: system.nested ? Math.round(constants.get("virt.requestNs") * 1000) : 0,
    entryTransfers: constants.get(`${kind}.entryTransfers`),
    lockedPs: 0,
    queues: 1,
    commandPerPage: kind === "smmuv3" && NO_RANGE_COMMANDS.includes(system.uarch),
  };
}

/**
 * Share of hand-overs that cross dies when `cpus` CPUs, placed die by die, take turns at random: 1 - sum of the squared
 * shares of the dies.
 */
export function crossNodeShare(cpus: number, perNode: number): number {
  let share = 0;
  for (let left = cpus; left > 0; left -= perNode) share += (Math.min(left, perNode) / cpus) ** 2;
  return cpus > 0 ? 1 - share : 0;
}
