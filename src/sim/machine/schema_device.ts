/** Machine YAML: devices, their BARs, media and service. */
import { z } from "zod";
import { CPUS_MAX, ENGINES_MAX, QPAIR_DEPTH } from "../../shm/capacities.ts";
import { address, bdf, count, durationNs, name, rate, size, whole } from "./scalars.ts";
import { NODE_MAX } from "./schema_memory.ts";
import { linkSchema } from "./schema_pcie.ts";

const SEGMENT_BYTES_MAX = 2 ** 32 - 1;

const barSchema = z.strictObject({
  index: whole(0, 5).describe("BAR number"),
  start: address()
    .optional()
    .describe(
      "CPU physical address, aligned to the size. Default: the firmware finds room in the host bridge's windows, or none",
    ),
  size: size(16).describe("Size, a power of two"),
  memmap: z
    .enum(["none", "p2pdma"])
    .default("none")
    .describe("Struct pages of the BAR: none, or p2pdma (pci_p2pdma_add_resource), which peers may use as DMA target"),
  bits: z.literal([32, 64]).default(64).describe("Width of the BAR register: 32 cannot place anything above 4 GiB"),
  prefetchable: z.boolean().default(false).describe("Prefetchable memory BAR"),
});

const deviceMemorySchema = z.strictObject({
  size: size(4096).describe("Size of the device's own memory"),
  memmap: z
    .enum(["none", "private", "p2pdma"])
    .default("none")
    .describe("Struct pages: none, private (DEVICE_PRIVATE, unreachable by CPU), p2pdma (the part inside the BAR)"),
  bar: whole(0, 5)
    .nullable()
    .default(null)
    .describe("BAR through which the bus reaches it; a smaller BAR is a window that moves. null = unreachable"),
  window: size(4096).optional().describe("Bytes of the BAR that show private memory to peers. Default: the whole BAR"),
  window_page: size(4096).default(65_536).describe("Bytes that one window slot shows, a power of two: 64 KiB, 2 MiB"),
  exposable: size(0)
    .optional()
    .describe("Bytes from the start that peers may see; the device keeps the rest. Default: all"),
  migrate: z
    .boolean()
    .default(false)
    .describe("What no window can show migrates to RAM (HMM) instead of being refused"),
  revoke_every: whole(0, 1e9)
    .default(0)
    .describe("The device takes a page back (move_notify) after this many mappings of a job clone; 0 = never"),
  moves: z
    .boolean()
    .default(true)
    .describe(
      "The BAR's slots move over the memory; false = slot n shows page n, and what lies behind the BAR is never shown",
    ),
  importer: z
    .enum(["resolve", "refuse", "unchecked"])
    .default("resolve")
    .describe(
      "How peers' drivers map private pages: resolve = by window; refuse = by their fictitious address, which the DMA " +
        "layer refuses; unchecked = by it, and nothing refuses",
    ),
});

const mediumSchema = z.strictObject({
  kind: z.enum(["block", "wire"]).describe("Flash or disk, or a wire without end"),
  size: size(0).default(0).describe("Capacity of a block medium; a wire has none"),
  sector: z.literal([512, 4096]).default(512).describe("Logical block size, bytes"),
});

const serviceSchema = z.strictObject({
  read_latency: durationNs().optional().describe("Time from command fetch to first data of a read"),
  write_latency: durationNs().optional().describe("Time from last data to completion of a write"),
  parallelism: whole(1, 65536).optional().describe("Commands that the device serves at the same time"),
  read_rate: rate().optional().describe("Largest rate out of the medium"),
  write_rate: rate().optional().describe("Largest rate into the medium"),
  iops: count(1e10).optional().describe("Largest rate of commands per second"),
});

/** Keys that say where the device is. */
const place = {
  name: name().describe("Name of the device; jobs name it"),
  class: z
    .enum(["nvme", "ahci", "nic", "virtio-blk", "virtio-net", "gpu", "dma-engine", "capture", "soc"])
    .describe("Device class: gives every other key its default"),
  preset: name()
    .nullable()
    .default(null)
    .describe("Device of the measurement vocabulary whose timing constants apply, e.g. nfp-6000; null = the class's"),
  parent: name()
    .nullable()
    .default(null)
    .describe(
      "Root port or downstream port above it, or the root complex it is integrated in; null = on-chip, no PCIe",
    ),
  bdf: bdf()
    .optional()
    .describe(
      "PCI address, e.g. 0000:03:00.0. Default: the next free bus, or the next device of bus 0 when integrated",
    ),
  node: whole(0, NODE_MAX).optional().describe("NUMA node. Default: the parent's"),
  link: linkSchema.optional().describe("PCIe link of the device. Default: its port's, or the class's"),
  irq_cpus: z
    .array(whole(0, CPUS_MAX - 1))
    .min(1)
    .nullable()
    .default(null)
    .describe("CPUs that take its interrupts, queue by queue; null = the CPU that submitted"),
};

const dmaRangeSchema = z.strictObject({
  cpu: address().describe("First CPU physical address"),
  bus: address().describe("Address of it on the bus"),
  size: size(4096).describe("Bytes"),
});

/** Keys that a driver would set. */
const dma = {
  queues: whole(1, ENGINES_MAX)
    .optional()
    .describe("Queues (simulated engines). Default: one per CPU up to the class's most"),
  queue_depth: whole(1, QPAIR_DEPTH).optional().describe("Commands outstanding in each queue"),
  dma_mask_bits: whole(24, 64).optional().describe("Address bits the device can drive (dma_set_mask)"),
  bus_dma_limit: address()
    .default(0)
    .describe(
      "Last bus address, inclusive, that the bus above the device lets through; 0 = no limit, or the end of dma_ranges",
    ),
  dma_ranges: z
    .array(dmaRangeSchema)
    .min(1)
    .nullable()
    .default(null)
    .describe("Where the bus shows memory (dma-ranges): memory outside is out of reach; null = at its CPU address"),
  max_segment: size(512, SEGMENT_BYTES_MAX).optional().describe("Longest DMA segment (dma_set_max_seg_size)"),
  segment_boundary_mask: address()
    .optional()
    .describe("A segment may not cross a multiple of this mask + 1 (dma_set_seg_boundary), e.g. 0xffffffff"),
  min_align_mask: whole(0, 65535)
    .optional()
    .describe("Address bits that bouncing must keep (dma_set_min_align_mask), e.g. 0xfff; 2^n - 1"),
  max_segments: whole(1, 65535).optional().describe("Longest scatterlist of one command, entries"),
  max_transfer: size(512, SEGMENT_BYTES_MAX).optional().describe("Largest transfer of one command"),
  coherent: z.boolean().default(true).describe("DMA snoops the CPU caches; false = maps maintain caches"),
  untrusted: z.boolean().default(false).describe("External-facing port: strict domain, partial pages bounce"),
  ats: z
    .boolean()
    .default(false)
    .describe("Address Translation Services: translated requests pass ACS redirects of ports with direct-translated"),
  forces_peers: z
    .boolean()
    .default(false)
    .describe("Its driver programs peers' BARs by bus address without asking pci_p2pdma_distance"),
  ignores_aborts: z
    .boolean()
    .default(false)
    .describe(
      "The device does not look at the status of completions: reads that nobody answers are 0xFF, lost writes go unnoticed. " +
        "Default: such a command fails with a bus error",
    ),
  iommu_mode: z
    .enum(["passthrough", "lazy", "strict"])
    .nullable()
    .default(null)
    .describe("Domain type of this device; null = the machine's. Has no effect while iommu.mode is off"),
  iommu_unit: name()
    .nullable()
    .optional()
    .describe("IOMMU unit, for on-chip devices; default: the root complex's, or the machine's only unit"),
};

/** One device as written; keys that a class can fill are optional. */
export const deviceSchema = z.strictObject({
  ...place,
  ...dma,
  bars: z.array(barSchema).max(6).default([]).describe("Memory BARs that matter as DMA targets"),
  memory: deviceMemorySchema.nullable().default(null).describe("Memory of the device itself, as on a GPU"),
  medium: mediumSchema.nullable().optional().describe("What is behind the device; null = nothing. Default by class"),
  service: serviceSchema
    .nullable()
    .prefault({})
    .describe(
      "Service figures; each defaults to the class's data-sheet figure. null = no model of what is behind the DMA block: " +
        "links and memory set the pace (fabric ceiling)",
    ),
});

/** The machine's `devices` key. */
export const devicesSchema = z.array(deviceSchema).describe("Devices that do DMA");

/** One device after the schema, before its class fills what it leaves out. */
export type DeviceDocument = z.output<typeof deviceSchema>;
