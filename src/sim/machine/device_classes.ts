/**
 * What a device of each class is unless the machine says otherwise.
 *
 * DMA parameters are what the Linux driver of the class sets; service figures are of the class named in each
 * comment, taken from public data sheets, not measured: a machine that stands for real hardware overrides them.
 */
import { maskOfBits, PAGE_BYTES } from "../../base/addr.ts";
import type { DeviceClass, DeviceService, Link, Medium } from "./description.ts";

/** Defaults of one class; masks are inclusive, sizes are bytes. */
export interface DeviceDefaults {
  /** Queues are one per CPU up to this many. */
  readonly queuesMax: number;
  readonly queueDepth: number;
  readonly dmaMaskBits: number;
  readonly maxSegBytes: number;
  /** Null = the era's platform default (4 GiB - 1 in 4.1, none since). */
  readonly segBoundaryMask: number | null;
  readonly minAlignMask: number;
  readonly maxSegments: number;
  readonly maxTransferBytes: number;
  /** Link when the device sits below a port that states none; null = on-chip. */
  readonly link: Link | null;
  readonly medium: Medium | null;
  readonly service: DeviceService;
  /** False where the figures only say "as fast as the link": nothing is known of the device itself. */
  readonly serviceModelled: boolean;
}

const SEG_4GIB = 2 ** 32 - 1;
/** pci_device_add: every PCI function starts with 64 KiB segments and a 4 GiB - 1 boundary. */
const PCI_SEG_BYTES = 65536;
const PCI_BOUNDARY = 2 ** 32 - 1;
/** blk_set_default_limits: largest request of the block layer when the driver has no smaller limit (max_sectors_kb=1280). */
const BLOCK_REQUEST_BYTES = 1280 * 1024;
/** Slots of a socket buffer: MAX_SKB_FRAGS + 1 for the linear part. */
const SKB_SEGMENTS = 18;
const BLOCK_SECTOR_BYTES = 512;

function link(gen: Link["gen"], lanes: Link["lanes"]): Link {
  return { gen, lanes, mpsBytes: 256, mrrsBytes: 512, rcbBytes: 64, extTags: null };
}

function block(bytes: number): Medium {
  return { kind: "block", bytes, sectorBytes: BLOCK_SECTOR_BYTES };
}

/** Pairs are read, write: latency in ns, bandwidth in bytes per second. */
function service(
  latencyNs: readonly [number, number],
  bytesPerS: readonly [number, number],
  iopsMax: number,
  parallelism: number,
): DeviceService {
  return {
    readLatencyNs: latencyNs[0],
    writeLatencyNs: latencyNs[1],
    parallelism,
    readBytesPerS: bytesPerS[0],
    writeBytesPerS: bytesPerS[1],
    iopsMax,
  };
}

/** Service that never limits: commands and bytes pass as they come. */
export const UNLIMITED_SERVICE: DeviceService = service([0, 0], [1e15, 1e15], 0, 65536);

const WIRE: Medium = { kind: "wire", bytes: 0, sectorBytes: 1 };

/** Defaults of every device class; the one place where they stand. */
export const DEVICE_CLASSES: Readonly<Record<DeviceClass, DeviceDefaults>> = {
  nvme: {
    queuesMax: 32,
    queueDepth: 1023, // nr_requests of a 1024-entry submission queue
    dmaMaskBits: 64,
    maxSegBytes: SEG_4GIB, // nvme-pci sets the largest segment; PRP lists have no segment limit
    segBoundaryMask: PCI_BOUNDARY,
    minAlignMask: PAGE_BYTES - 1, // NVME_CTRL_PAGE_SIZE - 1: PRPs keep the page offset
    maxSegments: 128, // max_segments of a 6.12 kernel
    maxTransferBytes: 512 * 1024, // MDTS 7 of the common 4 KiB minimum page
    link: link(4, 4),
    medium: block(3.84e12),
    // Enterprise TLC Gen 4 x4 data sheet class: 7.0 / 4.1 GB/s, 1.1 M / 200 k IOPS; writes end in a protected cache.
    service: service([80e3, 15e3], [7.0e9, 4.1e9], 1.1e6, 256),
    serviceModelled: true,
  },
  ahci: {
    queuesMax: 1,
    queueDepth: 32, // NCQ
    dmaMaskBits: 64,
    maxSegBytes: PCI_SEG_BYTES,
    segBoundaryMask: PCI_BOUNDARY,
    minAlignMask: 0,
    maxSegments: 168, // AHCI_MAX_SG
    maxTransferBytes: BLOCK_REQUEST_BYTES, // the command itself would take 65535 sectors
    link: link(3, 2),
    medium: block(960e9),
    // SATA 6 Gbit/s data-centre SSD data sheet class: 550 / 520 MB/s, 98 k IOPS.
    service: service([100e3, 40e3], [550e6, 520e6], 98e3, 32),
    serviceModelled: true,
  },
  nic: {
    queuesMax: 16,
    queueDepth: 1024,
    dmaMaskBits: 64,
    maxSegBytes: PCI_SEG_BYTES,
    segBoundaryMask: PCI_BOUNDARY,
    minAlignMask: 0,
    maxSegments: SKB_SEGMENTS,
    maxTransferBytes: 65536, // one TSO frame
    link: link(4, 16),
    medium: WIRE,
    // 100 Gbit/s adapter data sheet class: line rate both ways, 215 M packets/s; latency is the adapter's pipeline.
    service: service([600, 600], [12.5e9, 12.5e9], 215e6, 256),
    serviceModelled: true,
  },
  "virtio-blk": {
    queuesMax: 16,
    queueDepth: 256,
    dmaMaskBits: 64,
    maxSegBytes: SEG_4GIB,
    segBoundaryMask: PCI_BOUNDARY,
    minAlignMask: 0,
    maxSegments: 254, // queue size 256 less request header and status
    maxTransferBytes: BLOCK_REQUEST_BYTES,
    link: null,
    medium: block(107374182400),
    // Cloud block volume class figure: host back end over flash.
    service: service([120e3, 60e3], [2.0e9, 1.5e9], 160e3, 64),
    serviceModelled: true,
  },
  "virtio-net": {
    queuesMax: 16,
    queueDepth: 256,
    dmaMaskBits: 64,
    maxSegBytes: SEG_4GIB,
    segBoundaryMask: PCI_BOUNDARY,
    minAlignMask: 0,
    maxSegments: SKB_SEGMENTS + 1, // one more for the virtio header
    maxTransferBytes: 65536,
    link: null,
    medium: WIRE,
    // vhost back end, 25 Gbit/s class figure.
    service: service([5e3, 5e3], [3.125e9, 3.125e9], 5e6, 64),
    serviceModelled: true,
  },
  gpu: {
    queuesMax: 4, // copy engines that a driver gives to host transfers
    queueDepth: 64,
    dmaMaskBits: 47, // discrete accelerators reach 44 to 52 bits; 47 is the common mask
    maxSegBytes: SEG_4GIB,
    segBoundaryMask: PCI_BOUNDARY,
    minAlignMask: 0,
    maxSegments: 128,
    maxTransferBytes: 4 * 1024 * 1024,
    link: link(4, 16),
    medium: null,
    // Copy engine class figure: not slower than the link it sits on, 1 us to start.
    service: service([1e3, 1e3], [64e9, 64e9], 2e6, 64),
    serviceModelled: false,
  },
  "dma-engine": {
    queuesMax: 8, // channels of one on-chip copy engine
    queueDepth: 1024,
    dmaMaskBits: 64,
    maxSegBytes: 1024 * 1024, // xfercap of IOAT
    segBoundaryMask: PCI_BOUNDARY,
    minAlignMask: 0,
    maxSegments: 1,
    maxTransferBytes: 1024 * 1024,
    link: null,
    medium: null,
    // IOAT class: 11 GB/s pipelined (public Xeon 6248 measurement), about 0.5 us to start.
    service: service([500, 500], [11e9, 11e9], 10e6, 8),
    serviceModelled: true,
  },
  capture: {
    queuesMax: 1,
    queueDepth: 32,
    dmaMaskBits: 32,
    maxSegBytes: PCI_SEG_BYTES,
    segBoundaryMask: PCI_BOUNDARY,
    minAlignMask: 0,
    maxSegments: 64,
    maxTransferBytes: 256 * 1024,
    link: link(1, 1),
    medium: WIRE,
    // One HD stream without compression, class figure.
    service: service([2e3, 2e3], [180e6, 180e6], 20e3, 2),
    serviceModelled: true,
  },
  soc: {
    queuesMax: 1,
    queueDepth: 16,
    dmaMaskBits: 32,
    maxSegBytes: PCI_SEG_BYTES, // dma_get_max_seg_size without parameters
    segBoundaryMask: null,
    minAlignMask: 0,
    maxSegments: 64,
    maxTransferBytes: 1024 * 1024,
    link: null,
    medium: null,
    // Embedded DMA controller class: 1.3 to 1.8 GB/s by burst size.
    service: service([1e3, 1e3], [1.5e9, 1.5e9], 500e3, 2),
    serviceModelled: true,
  },
};

/** Segment boundary of a device that sets none (dma_get_seg_boundary): 4 GiB - 1 before 5.x, all ones since. */
export function platformBoundaryMask(era: string): number {
  return era === "4.1" ? PCI_BOUNDARY : maskOfBits(64);
}
