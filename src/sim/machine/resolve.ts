/** Turns a machine document (schema defaults applied, tree checked) into the `Machine` that everything else reads. */
import { FQ_PER_CPU, FQ_SHARED } from "../../host/iommu/flush_queue.ts";
import { amdPageShifts } from "../../pagetable/amd_v1.ts";
import { virtioPageShifts } from "../../pagetable/virtio.ts";
import type {
  CpuDescription,
  IommuDescription,
  IommuMode,
  Machine,
  MemoryRegion,
  SwiotlbDescription,
} from "./description.ts";
import { resolveDevices } from "./resolve_device.ts";
import { DEFAULT_UNIT, resolveBridges } from "./resolve_pcie.ts";
import { defaultSwiotlbAreas, defaultSwiotlbBytes, placeSwiotlb } from "./resolve_swiotlb.ts";
import type { MachineDocument } from "./schema.ts";

const KIB = 1024;
const AMD_LEVELS_MAX = 6;

/** Resolves `document`, which `checkTree` has passed; `file` is what results name as its origin. */
export function resolveDocument(document: MachineDocument, file: string): Machine {
  const cpus = resolveCpus(document);
  const memory = document.memory.map((region) => resolveRegion(document, region));
  const devices = resolveDevices(document, cpus.count);
  const firstBlock = devices.find((device) => device.medium?.kind === "block")?.name ?? null;
  return {
    name: document.name,
    title: document.title,
    file,
    arch: document.arch,
    era: document.kernel.era,
    defects: document.kernel.defects,
    cpus,
    dram: { channels: document.dram.channels, mts: document.dram.mts, pmemDimms: document.dram.pmem_dimms },
    memory,
    iommu: resolveIommu(document),
    swiotlb: resolveSwiotlb(document, memory, cpus.count),
    bridges: resolveBridges(document),
    devices,
    defaultBlockDevice: document.default_block_device === undefined ? firstBlock : document.default_block_device,
    confidential: document.confidential,
    ...(document.persistence === undefined ? {} : { persistence: document.persistence }),
  };
}

function resolveCpus(document: MachineDocument): CpuDescription {
  const { sockets, cores_per_socket: coresPerSocket, threads_per_core: threadsPerCore } = document.cpus;
  const vendor = document.cpus.vendor ?? (document.arch === "x86-64" ? "intel" : "arm");
  const family = document.cpus.family ?? { intel: 6, amd: 0x19, arm: 0 }[vendor];
  return {
    sockets,
    coresPerSocket,
    threadsPerCore,
    count: sockets * coresPerSocket * threadsPerCore,
    vendor,
    uarch: document.cpus.uarch ?? defaultUarch(document.arch, vendor),
    llcBytes: document.cpus.llc,
    family,
  };
}

/** The family that timing takes for a machine which names none. */
function defaultUarch(arch: MachineDocument["arch"], vendor: CpuDescription["vendor"]): string {
  if (arch === "arm") return "cortex-a7";
  if (arch === "arm64") return "neoverse-n1";
  return vendor === "amd" ? "zen3" : "skylake-sp";
}

function resolveRegion(document: MachineDocument, region: MachineDocument["memory"][number]): MemoryRegion {
  const byEra = document.kernel.era === "4.1" ? "none" : "zone-device"; // ZONE_DEVICE came with 4.3
  return {
    name: region.name,
    kind: region.kind,
    start: region.start,
    bytes: region.size,
    node: region.node,
    memmap: region.kind === "ram" ? (region.memmap === "none" ? "none" : "ram") : (region.memmap ?? byEra),
  };
}

/** CONFIG_IOMMU_DEFAULT_DMA_LAZY is the default on x86, _STRICT elsewhere. */
const DEFAULT_MODE: Readonly<Record<IommuDescription["kind"], IommuMode>> = {
  none: "off",
  "intel-vtd": "lazy",
  "amd-vi": "lazy",
  smmuv3: "strict",
  "virtio-iommu": "strict",
};
const IOTLB_DEFAULT = Object.freeze({ iotlbEntries: 64, iotlbWays: 8, walkers: 5 });

function resolveIommu(document: MachineDocument): IommuDescription {
  const { kind, mode, units, address_bits: bits, page_sizes: sizes, forcedac } = document.iommu;
  const queue = document.iommu.shadow_on_flush ? FQ_SHARED : FQ_PER_CPU;
  const listed = (units ?? []).map((unit) => ({
    name: unit.name,
    iotlbEntries: unit.iotlb_entries,
    iotlbWays: unit.iotlb_ways,
    walkers: unit.walkers,
  }));
  const addressBits = bits ?? 48;
  const implied = kind === "none" || units !== undefined ? [] : [{ name: DEFAULT_UNIT[kind], ...IOTLB_DEFAULT }];
  return {
    kind,
    mode: mode ?? DEFAULT_MODE[kind],
    units: [...listed, ...implied],
    addressBits,
    pageBytes: sizes ?? defaultPageBytes(kind, addressBits),
    forcedac,
    flushQueue: {
      shared: queue.shared,
      entries: document.iommu.fq_size ?? queue.entries,
      timeoutNs: document.iommu.fq_timeout ?? queue.timeoutNs,
    },
  };
}

/** What the IOMMU offers (pgsize_bitmap): three sizes, or every power of two that its tables and IOVAs can hold. */
function defaultPageBytes(kind: IommuDescription["kind"], addressBits: number): readonly number[] {
  if (kind === "virtio-iommu") return bytesBelow(virtioPageShifts(), addressBits);
  return kind === "amd-vi" ? bytesBelow(amdPageShifts(AMD_LEVELS_MAX), addressBits) : [4 * KIB, 2 * KIB ** 2, KIB ** 3];
}

function bytesBelow(shifts: readonly number[], addressBits: number): readonly number[] {
  return shifts.filter((shift) => shift < addressBits).map((shift) => 2 ** shift);
}

function resolveSwiotlb(
  document: MachineDocument,
  memory: readonly MemoryRegion[],
  cpuCount: number,
): SwiotlbDescription {
  const { size, areas, force, dynamic, start, any } = document.swiotlb;
  const bytes = size ?? defaultSwiotlbBytes(memory, document.confidential, document.kernel.era);
  return {
    bytes,
    areas: areas ?? defaultSwiotlbAreas(bytes, cpuCount, document.kernel.era),
    force: force || document.confidential,
    dynamic,
    start: start ?? placeSwiotlb(memory, bytes, any),
  };
}
