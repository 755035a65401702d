/**
 * The resolved description of a machine: what a machine YAML becomes after validation.
 *
 * Immutable. Everything that changes during a run lives in the arena; units end the names.
 */

import type { Defects, Era } from "../../base/era.ts";
import type { FlushQueueOptions } from "../../host/dma/device.ts";
import type { DmaRange } from "../../host/dma/range_map.ts";

/** CPU architecture; x86-64 also keeps the interrupt range out of IOVA space. */
export type Arch = "x86-64" | "arm64" | "arm";
/** How pages of a region are described: page-less, ZONE_DEVICE, DEVICE_PRIVATE or P2PDMA struct pages. */
export type MemmapMode = "ram" | "none" | "zone-device" | "private" | "p2pdma";
/** Domain type: none, identity, translated with batched, or with immediate invalidation (iommu.strict). */
export type IommuMode = "off" | "passthrough" | "lazy" | "strict";
/** Class whose defaults a device takes (device_classes.ts). */
export type DeviceClass =
  | "nvme"
  | "ahci"
  | "nic"
  | "virtio-blk"
  | "virtio-net"
  | "gpu"
  | "dma-engine"
  | "capture"
  | "soc";

/** A machine after overrides, schema, defaults and cross-checks. */
export interface Machine {
  readonly name: string;
  readonly title: string;
  readonly file: string;
  readonly arch: Arch;
  readonly era: Era;
  readonly defects: Defects;
  readonly cpus: CpuDescription;
  readonly dram: DramDescription;
  readonly memory: readonly MemoryRegion[];
  readonly iommu: IommuDescription;
  readonly swiotlb: SwiotlbDescription;
  readonly bridges: readonly Bridge[];
  readonly devices: readonly Device[];
  /** Device that unnamed files lie on. */
  readonly defaultBlockDevice: string | null;
  /** Confidential guest: every DMA bounces through decrypted memory. */
  readonly confidential: boolean;
  /** Absent = DDIO on, no eADR. */
  readonly persistence?: PersistenceDescription;
}

/** CPUs of the machine, all of one kind. */
export interface CpuDescription {
  readonly sockets: number;
  readonly coresPerSocket: number;
  readonly threadsPerCore: number;
  /** sockets x coresPerSocket x threadsPerCore. */
  readonly count: number;
  readonly vendor: "intel" | "amd" | "arm";
  /** Core and uncore family of the measurement vocabulary; timing takes its constants by it. */
  readonly uarch: string;
  /** Last-level cache of one socket. */
  readonly llcBytes: number;
  /** x86 family number (AMD >= 0x17 is on the peer-to-peer allow list). */
  readonly family: number;
}

/** Memory of one socket. */
export interface DramDescription {
  readonly channels: number;
  /** Millions of transfers a second and channel, 8 bytes each. */
  readonly mts: number;
  /** Persistent memory modules of an interleaved region. */
  readonly pmemDimms: number;
}

/** One line of /proc/iomem: [start, start + bytes). */
export interface MemoryRegion {
  readonly name: string;
  readonly kind: "ram" | "pmem";
  readonly start: number;
  readonly bytes: number;
  readonly node: number;
  readonly memmap: MemmapMode;
  /** Comes online during a run, by an event of the load; nothing lies there before. */
  readonly hot?: boolean;
}

/** What a device write has reached when the power fails. */
export interface PersistenceDescription {
  /** Device writes allocate in the last-level cache (Data Direct I/O); false: they go to the memory controller. */
  readonly ddio: boolean;
  /** Caches are in the persistence domain (eADR); false: only the memory controllers' queues are (ADR). */
  readonly eadr: boolean;
}

/** The machine's IOMMU; all its units share one table format and one default mode. */
export interface IommuDescription {
  readonly kind: "none" | "intel-vtd" | "amd-vi" | "smmuv3" | "virtio-iommu";
  /** Default domain type of every device; a device may override it. */
  readonly mode: IommuMode;
  readonly units: readonly IommuUnit[];
  /** Width of an IOVA; 39, 48 or 57 for VT-d. */
  readonly addressBits: number;
  /** Page sizes of the format in bytes, rising; the first is the granule. */
  readonly pageBytes: readonly number[];
  /** iommu.forcedac: do not try below 4 GiB first. */
  readonly forcedac: boolean;
  /** Deferred invalidation of lazy domains. */
  readonly flushQueue: FlushQueueOptions;
}

/** One remapping unit, shared by all devices behind it. */
export interface IommuUnit {
  readonly name: string;
  readonly iotlbEntries: number;
  readonly iotlbWays: number;
  readonly walkers: number;
}

/** The bounce pool as booted; areas are a power of two. */
export interface SwiotlbDescription {
  /** 0 = no pool. */
  readonly bytes: number;
  readonly areas: number;
  /** swiotlb=force. */
  readonly force: boolean;
  /** SWIOTLB_DYNAMIC: a full pool grows, and a mapping without room gets a transient pool. */
  readonly dynamic: boolean;
  /** Physical address of the pool; inside RAM, below 4 GiB unless the machine says otherwise. */
  readonly start: number;
}

/** PCIe port types; a root complex is the root of a tree. */
export type BridgeKind = "root-complex" | "root-port" | "switch-upstream" | "switch-downstream";
/** Access Control Services of a port (PCIe Base Specification, ACS Control Register) that change peer routes. */
export type AcsBit = "request-redirect" | "completion-redirect" | "egress-control" | "direct-translated";

/** [start, start + bytes). */
export interface AddressRange {
  readonly start: number;
  readonly bytes: number;
}

/** A node of the PCIe tree that is not an endpoint. Root complexes have no parent. */
export interface Bridge {
  readonly name: string;
  readonly kind: BridgeKind;
  readonly parent: string | null;
  readonly node: number;
  readonly acs: readonly AcsBit[];
  /** vendor:device of the host bridge, for the peer-to-peer allow list. */
  readonly id: string | null;
  /** Bus address minus CPU address of windows below this root complex. */
  readonly busOffset: number;
  /** IOMMU unit that translates for this root complex; null = none. */
  readonly iommuUnit: string | null;
  /** CPU address ranges this root complex decodes for BARs ("PCI Bus 0000:00" of /proc/iomem); kept free in IOVA space. */
  readonly windows: readonly AddressRange[];
  /** Trained link of this port: towards its parent (switch-upstream) or its child (root port, switch-downstream). */
  readonly link: Link | null;
}

/** A trained link: Max_Payload_Size, Max_Read_Request_Size and read completion boundary in bytes. */
export interface Link {
  readonly gen: 1 | 2 | 3 | 4 | 5 | 6;
  readonly lanes: 1 | 2 | 4 | 8 | 16;
  readonly mpsBytes: number;
  readonly mrrsBytes: number;
  readonly rcbBytes: number;
  /** 8-bit tags or more; null = what the generation usually has. */
  readonly extTags: boolean | null;
}

/** A memory BAR; other devices may use it as DMA target. */
export interface Bar {
  readonly index: number;
  /** CPU physical address of the BAR. */
  readonly start: number;
  readonly bytes: number;
  readonly memmap: MemmapMode;
  readonly prefetchable: boolean;
  /** Width of the BAR register. */
  readonly bits: 32 | 64;
}

/** A BAR without an address. */
export interface UnassignedBar {
  readonly index: number;
  readonly bytes: number;
  /** What the kernel logs. */
  readonly kernelLine: string;
}

/** A device that does DMA, with its driver's DMA parameters and its service figures. */
export interface Device {
  readonly name: string;
  readonly class: DeviceClass;
  /** Device of the measurement vocabulary whose constants timing takes; null = the class's. */
  readonly preset: string | null;
  /** PCIe port the device sits below, or the root complex it is integrated in (no link); null = on-chip. */
  readonly parent: string | null;
  /** domain:bus:device.function; the name of an on-chip device, which has no PCI address. */
  readonly bdf: string;
  readonly node: number;
  readonly link: Link | null;
  /** Device queues: simulated engines. */
  readonly queues: number;
  readonly queueDepth: number;
  readonly dmaMaskBits: number;
  /** Bus DMA limit, inclusive last bus address; 0 = none. */
  readonly busDmaLimit: number;
  /** Where the bus shows memory; null = at its physical address. */
  readonly dmaRanges: readonly DmaRange[] | null;
  readonly maxSegBytes: number;
  /** Boundary mask (e.g. 0xffffffff): a segment may not cross a multiple of mask + 1; all ones (2^53 - 1) = none. */
  readonly segBoundaryMask: number;
  readonly minAlignMask: number;
  /** Largest scatterlist the device takes, entries. */
  readonly maxSegments: number;
  /** Largest transfer of one command, bytes. */
  readonly maxTransferBytes: number;
  readonly coherent: boolean;
  readonly untrusted: boolean;
  /** Address Translation Services: the device asks the IOMMU itself and sends translated requests. */
  readonly ats: boolean;
  /** The driver uses peers' bus addresses whatever the kernel decides. */
  readonly forcesPeers: boolean;
  /** Reads that nobody answers are all ones, and nothing fails. */
  readonly ignoresAborts: boolean;
  /** Domain type; null = the machine's. */
  readonly iommuMode: IommuMode | null;
  /** IOMMU unit on the device's way to memory; null = untranslated. */
  readonly iommuUnit: string | null;
  /** CPUs that take the interrupts, queue q on entry q modulo length; null = each queue interrupts its submitter. */
  readonly irqCpus: readonly number[] | null;
  readonly bars: readonly Bar[];
  /** BARs for which the firmware found no room: they have no address. */
  readonly unassigned: readonly UnassignedBar[];
  /** Memory of the device itself (GPU); null = none beside the BARs. */
  readonly memory: DeviceMemory | null;
  /** Medium behind the device: flash or disk (`block`), `wire`, or none. Not addressable memory. */
  readonly medium: Medium | null;
  readonly service: DeviceService;
  readonly serviceFrom: ServiceFrom;
}

/** Where service figures come from: the machine file, the device class, or none (only the fabric limits the device). */
export type ServiceFrom = "machine" | "class" | "none";

/** What is behind the device: sectors, or a wire that makes and takes endless data. */
export interface Medium {
  readonly kind: "block" | "wire";
  /** Capacity; 0 for a wire, which has no end. */
  readonly bytes: number;
  readonly sectorBytes: number;
}

/** Device-local memory; where it is larger than its BAR, the BAR is a window that moves over it. */
export interface DeviceMemory {
  readonly bytes: number;
  /** `private`: DEVICE_PRIVATE pages; `p2pdma`: the part inside the BAR has struct pages; `none`: no struct pages. */
  readonly memmap: MemmapMode;
  /** Index of the BAR through which the bus reaches it; null = unreachable. */
  readonly bar: number | null;
  /** Bytes of the BAR that show private memory, and of one slot. */
  readonly windowBytes: number;
  readonly windowPageBytes: number;
  /** Bytes from the start that peers may see. */
  readonly exposableBytes: number;
  /** Slots move over the memory; false = slot n shows page n. */
  readonly moves: boolean;
  /** Pages that no window can show migrate to RAM. */
  readonly migrates: boolean;
  /** Mappings of a clone after which the device takes one page back; 0 = never. */
  readonly revokeEvery: number;
  /** How drivers of peers map private pages. */
  readonly importer: "resolve" | "refuse" | "unchecked";
}

/** Service of the device itself; literature values until calibrated. */
export interface DeviceService {
  /** Time from command fetch to first data (read), or data to completion (write). */
  readonly readLatencyNs: number;
  readonly writeLatencyNs: number;
  /** Commands the device serves at the same time. */
  readonly parallelism: number;
  readonly readBytesPerS: number;
  readonly writeBytesPerS: number;
  readonly iopsMax: number;
}
