/**
 * Shapes of the fabric's parts from the constants: by name of the device, by core family of the host, by kind of IOMMU.
 *
 * A part that is not calibrated takes its family's constants, then the default ones.
 */
import type { LinkShape } from "../../pcie/link.ts";
import type { Constants } from "../calibration/constant.ts";
import type { FunctionShape, IssueShape, MemoryShape, RootComplexShape, WayShape } from "./shape.ts";
import type { TranslationShape } from "./translation_unit.ts";

const PS_PER_NS = 1000;
const DDR_BYTES = 8;
const LINE_BYTES = 64;
/** Generation of the stack whose buffers are published. */
const PUBLISHED_GEN = 3;

/** Core and uncore families that share a root complex design. */
const FAMILIES: Readonly<Record<string, string>> = {
  "ivy-bridge-ep": "intel-server",
  "haswell-ep": "intel-server",
  "broadwell-ep": "intel-server",
  "skylake-sp": "intel-server",
  "cascade-lake": "intel-server",
  "ice-lake-sp": "intel-server",
  "sapphire-rapids": "intel-server",
  "haswell-client": "intel-client",
  "comet-lake": "intel-client",
  zen2: "amd",
  zen3: "amd",
  zen4: "amd",
  zen5: "amd",
  kunpeng: "arm-server",
  "neoverse-n1": "arm-server",
  "neoverse-v1": "arm-server",
  "neoverse-v2": "arm-server",
  "cortex-a55": "soc",
  "cortex-a7": "soc",
};

/** Devices of the vocabulary that are built alike. */
const DEVICE_FAMILIES: Readonly<Record<string, string>> = {
  "gpu-a100": "gpu-nvidia",
  "gpu-h100": "gpu-nvidia",
  "gpu-l40s": "gpu-nvidia",
  "gpu-v100": "gpu-nvidia",
  "gpu-rtx4090": "gpu-nvidia",
  "gpu-titan-rtx": "gpu-nvidia",
  "gpu-nvlink-gen4": "gpu-nvidia",
  "gpu-b300-or-rtx-pro-6000": "gpu-nvidia",
  "ssd-nvme-gen4": "ssd-nvme",
  "ssd-nvme-gen5": "ssd-nvme",
  "ssd-intel-p4600": "ssd-nvme",
  "ssd-samsung-mztl63t8hflt": "ssd-nvme",
};

/** Name under which the constants of a device stand. */
export function deviceFamily(device: string): string {
  return DEVICE_FAMILIES[device] ?? device;
}

/** Family of a core name of the vocabulary; `default` when unknown. */
export function familyOf(uarch: string): string {
  return FAMILIES[uarch] ?? "default";
}

/** A constant of the named part, else of its family, else the default. */
function of(constants: Constants, area: string, name: string, quantity: string): number {
  return constants.first(
    `${area}.${name}.${quantity}`,
    `${area}.${familyOf(name)}.${quantity}`,
    `${area}.default.${quantity}`,
  );
}

function ps(ns: number): number {
  return Math.round(ns * PS_PER_NS);
}

/**
 * Root complex of hosts with cores of `uarch`, before a link of generation `gen`. The published write buffer is that of a Gen 3 stack;
 * it is taken to grow with the rate that it has to carry.
 */
export function rootComplexShape(constants: Constants, uarch: string, gen: number): RootComplexShape {
  return {
    readPs: ps(of(constants, "rc", uarch, "readNs")),
    writePs: ps(of(constants, "rc", uarch, "writeNs")),
    peerPs: ps(of(constants, "rc", uarch, "peerNs")),
    writeLines: of(constants, "rc", uarch, "writeLines") * 2 ** Math.max(0, gen - PUBLISHED_GEN),
    readLines: of(constants, "rc", uarch, "readLines"),
    combineBytes: of(constants, "rc", uarch, "combineBytes"),
  };
}

/** Way from a device with this link to its root complex over `hops` switches. */
export function wayShape(constants: Constants, uarch: string, link: LinkShape, hops: number): WayShape {
  return {
    link,
    postedHeaders: of(constants, "rc", uarch, "postedHeaders"),
    hops,
    hopPs: ps(constants.get("switch.hopNs")),
  };
}

/** DMA block of a device of the vocabulary; `extTags` null = what its generation usually has. */
export function functionShape(
  constants: Constants,
  device: string,
  link: LinkShape,
  extTags: boolean | null,
): FunctionShape {
  return {
    tags: tagCount(constants, device, link, extTags),
    read: issueShape(constants, device, "read"),
    write: issueShape(constants, device, "write"),
    sharedBytePs: optional(constants, `device.${device}.busByteNs`) * PS_PER_NS,
    startPs: ps(of(constants, "device", device, "startNs")),
    turnPs: ps(optional(constants, `device.${device}.turnNs`)),
    bytePs: of(constants, "device", device, "byteNs") * PS_PER_NS,
  };
}

function tagCount(constants: Constants, device: string, link: LinkShape, extTags: boolean | null): number {
  const own = `device.${device}.tags`;
  if (constants.has(own)) return constants.get(own);
  if (extTags === false) return constants.get("tags.standard");
  return constants.get(extTags === null && link.gen >= 4 ? "tags.tenBit" : "tags.extended");
}

/** A DMA block works on lines of 64 B, in chunks of its own size, over a bus that both directions use. */
function issueShape(constants: Constants, device: string, way: "read" | "write"): IssueShape {
  const name = `device.${device}`;
  const chunkBytes = optional(constants, `${name}.${way}ChunkBytes`);
  return {
    commandPs: optional(constants, `${name}.${way}CommandNs`) * PS_PER_NS,
    chunkBytes,
    chunkPs: optional(constants, `${name}.lineNs`) * PS_PER_NS * (chunkBytes / LINE_BYTES),
    bytePs: way === "write" ? optional(constants, `${name}.busByteNs`) * PS_PER_NS : 0,
  };
}

/** A figure that only devices with a calibrated engine have; 0 = it does not limit. */
function optional(constants: Constants, name: string): number {
  return constants.has(name) ? constants.get(name) : 0;
}

/** Commands that a device keeps going at a time. */
export function commandSlots(constants: Constants, device: string): number {
  return of(constants, "device", device, "slots");
}

/** IOMMU unit of a kind (vtd, amdvi, smmuv3, virtio) with `entries` IOTLB entries. */
export function translationShape(
  constants: Constants,
  kind: string,
  entries: number,
  walkers: number,
): TranslationShape {
  const figure = (quantity: string) =>
    constants.first(`iommu.${kind}.${quantity}`, `iommu.default.${quantity}`, `iommu.vtd.${quantity}`);
  return {
    walkers,
    entries,
    readWalkPs: ps(figure("readWalkNs")),
    writeWalkPs: ps(figure("writeWalkNs")),
    levelPs: ps(figure("levelNs")),
    walkCacheEntries: constants.get("iommu.walkCacheEntries"),
  };
}

/** DRAM of one node. */
export function memoryShape(constants: Constants, channels: number, mts: number): MemoryShape {
  const bytesPerS = channels * mts * 1e6 * DDR_BYTES * constants.get("memory.dmaShare");
  return {
    missPs: ps(constants.get("memory.dramNs")),
    conflictPs: ps(constants.get("memory.bankCycleNs")),
    conflictShare: constants.get("memory.conflictShare"),
    remotePs: ps(constants.get("memory.remoteNs")),
    readBytesPerS: bytesPerS,
    writeBytesPerS: bytesPerS,
    shared: true,
  };
}

/** Optane persistent memory of one node, interleaved over `modules`; extrapolated from CPU accesses. */
export function pmemShape(constants: Constants, modules: number): MemoryShape {
  return {
    missPs: ps(constants.get("memory.dramNs") + constants.get("memory.pmemReadNs")),
    conflictPs: 0,
    conflictShare: 0,
    remotePs: ps(constants.get("memory.remoteNs")),
    readBytesPerS: modules * constants.get("memory.pmemReadBytesPerS"),
    writeBytesPerS: modules * constants.get("memory.pmemWriteBytesPerS"),
    shared: false,
  };
}
