/**
 * The machine that a measurement row describes, built from the row's parts: link, root complex, memory, IOMMU.
 */
import type { LinkShape } from "../../pcie/link.ts";
import type { Machine } from "../machine/description.ts";
import { resolveDocument } from "../machine/resolve.ts";
import { machineSchema } from "../machine/schema.ts";
import { type RowKeys, rowFlag, rowNumber, rowText } from "./row.ts";

const MIB = 1024 ** 2;
const DEFAULT_MPS_BYTES = 256;
const DEFAULT_MRRS_BYTES = 512;
/** Channels and rate of a server socket where the row states none. */
const DEFAULT_CHANNELS = 6;
const DEFAULT_MTS = 2666;
const DEFAULT_LLC_MIB = 32;

/** Link of the row's device; null when the row gives neither generation and width nor a rate. */
export function linkOf(system: RowKeys): LinkShape | null {
  const gen = rowNumber(system, "pcie_gen", 0);
  const lanes = rowNumber(system, "lanes", rowNumber(system, "slot_lanes", 0));
  if (gen === 0 || lanes === 0) return null;
  return {
    gen,
    lanes,
    mpsBytes: rowNumber(system, "mps_bytes", DEFAULT_MPS_BYTES),
    mrrsBytes: rowNumber(system, "mrrs_bytes", DEFAULT_MRRS_BYTES),
    addrBits: rowNumber(system, "addr_bits", 64),
    ecrc: rowFlag(system, "ecrc", false),
  };
}

/** Extended tags as stated; null = not stated. */
export function extTagsOf(system: RowKeys): boolean | null {
  return system.ext_tags === undefined ? null : rowFlag(system, "ext_tags", true);
}

/** Channels and rate of the memory of one socket. */
export function dramOf(system: RowKeys): { readonly channels: number; readonly mts: number } {
  return {
    channels: rowNumber(system, "dram_channels", DEFAULT_CHANNELS),
    mts: rowNumber(system, "dram_mts", DEFAULT_MTS),
  };
}

/** Last-level cache of one socket, bytes. */
export function llcBytesOf(system: RowKeys): number {
  return rowNumber(system, "llc_mib", DEFAULT_LLC_MIB) * MIB;
}

/** Core family as stated, else what the IOMMU and platform imply. */
export function uarchOf(system: RowKeys): string {
  return rowText(system, "uarch", rowText(system, "arch", "x86_64") === "arm64" ? "neoverse-n1" : "skylake-sp");
}

const KINDS: Readonly<Record<string, string>> = {
  vtd: "intel-vtd",
  amdvi: "amd-vi",
  smmuv3: "smmuv3",
  virtio: "virtio-iommu",
};

/** A machine with one device behind one IOMMU unit, as the row describes it. */
export function translatedMachine(system: RowKeys, entries: number, walkers: number, pageBytes: number): Machine {
  const kind = KINDS[rowText(system, "iommu_kind", "vtd")] ?? "intel-vtd";
  const sizes = [4096, 2 * MIB, 1024 * MIB].filter((size) => size <= pageBytes);
  const document = machineSchema.parse({
    name: "row",
    title: "machine of a measurement row",
    arch: rowText(system, "arch", "x86_64") === "arm64" ? "arm64" : "x86-64",
    cpus: { cores_per_socket: 4 },
    memory: [
      { name: "ram0", start: "0x100000", size: "1GiB" },
      { name: "ram1", start: "0x100000000", size: "64GiB" },
    ],
    iommu: {
      kind,
      mode: "strict",
      page_sizes: sizes,
      units: [{ name: "unit0", iotlb_entries: entries, iotlb_ways: entries, walkers }],
    },
    pcie: [
      { name: "rc0", kind: "root-complex", iommu_unit: "unit0" },
      { name: "rp0", kind: "root-port", parent: "rc0", link: { gen: 3, lanes: 8 } },
    ],
    devices: [{ name: "bench0", class: "gpu", parent: "rp0", dma_mask_bits: 64, queues: 1 }],
  });
  return resolveDocument(document, "measurement row");
}
