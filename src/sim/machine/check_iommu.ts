/** Cross-checks of the IOMMU and of who is behind which unit. */
import { isPow2 } from "../../base/addr.ts";
import { formatBytes } from "../../base/units.ts";
import type { DocumentPath } from "../override.ts";
import { checkFlushQueue } from "./check_flush_queue.ts";
import type { IommuDescription, Machine } from "./description.ts";
import { firstFault, type MachineFault, nameList } from "./fault.ts";
import type { MachineDocument } from "./schema.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** IOVA widths: VT-d levels 3, 4, 5 (AGAW); AMD-Vi levels 3, 4, 5; SMMUv3 output sizes (OAS) up to 52 bits. */
const ADDRESS_BITS: Readonly<Record<Translating, readonly number[]>> = {
  "intel-vtd": [39, 48, 57],
  "amd-vi": [39, 48, 57],
  smmuv3: [32, 36, 40, 42, 44, 48, 52],
  "virtio-iommu": [32, 39, 48, 52, 57],
};
/** Block sizes by granule: VT-d second stage and SMMUv3 (VMSAv8). */
const VTD_PAGES = [4 * KIB, 2 * MIB, GIB];
const SMMU_PAGES: readonly (readonly number[])[] = [VTD_PAGES, [16 * KIB, 32 * MIB], [64 * KIB, 512 * MIB]];

type Translating = Exclude<IommuDescription["kind"], "none">;

/** First fault of the IOMMU; undefined when it is sound. */
export function checkIommu(machine: Machine, document: MachineDocument): MachineFault | undefined {
  const { kind } = machine.iommu;
  if (kind === "none") return keysWithoutIommu(document);
  return (
    unsoundBits(machine.iommu, kind) ??
    unsoundPages(machine.iommu, kind) ??
    firstFault(machine.iommu.units, unsoundWays) ??
    checkFlushQueue(machine, document) ??
    unknownUnits(machine) ??
    missingUnits(machine, document)
  );
}

function keysWithoutIommu(document: MachineDocument): MachineFault | undefined {
  const { mode, units, shadow_on_flush, fq_size, fq_timeout } = document.iommu;
  if (mode !== undefined && mode !== "off") return withoutIommu(["iommu", "mode"], mode);
  if (shadow_on_flush) return withoutIommu(["iommu", "shadow_on_flush"], shadow_on_flush);
  if (fq_size !== undefined) return withoutIommu(["iommu", "fq_size"], fq_size);
  if (fq_timeout !== undefined) return withoutIommu(["iommu", "fq_timeout"], `${fq_timeout} ns`);
  if (units !== undefined && units.length > 0) return withoutIommu(["iommu", "units"], nameList(units));
  return (
    firstFault(document.devices, (device, index) => {
      if (device.iommu_mode !== null) return withoutIommu(["devices", index, "iommu_mode"], device.iommu_mode);
      if (device.iommu_unit) return withoutIommu(["devices", index, "iommu_unit"], device.iommu_unit);
      return undefined;
    }) ??
    firstFault(document.pcie, (bridge, index) =>
      bridge.iommu_unit ? withoutIommu(["pcie", index, "iommu_unit"], bridge.iommu_unit) : undefined,
    )
  );
}

function withoutIommu(path: DocumentPath, value: unknown): MachineFault {
  return {
    code: "DMASIM_MACHINE_WITHOUT_IOMMU",
    path,
    what: "this machine has no IOMMU",
    value,
    limit: "iommu.kind is none",
    remedy: "remove this key, or set iommu.kind; to switch an IOMMU off, keep its kind and set iommu.mode to off",
  };
}

function unsoundBits(iommu: IommuDescription, kind: Translating): MachineFault | undefined {
  const allowed = ADDRESS_BITS[kind];
  if (allowed.includes(iommu.addressBits)) return undefined;
  return {
    code: "DMASIM_MACHINE_ADDRESS_BITS",
    path: ["iommu", "address_bits"],
    what: `${kind} has no IOVA of this width`,
    value: iommu.addressBits,
    limit: `allowed: ${allowed.join(", ")}`,
    remedy: "use 48, or 39 for a three-level table",
  };
}

function unsoundPages(iommu: IommuDescription, kind: Translating): MachineFault | undefined {
  const sizes = iommu.pageBytes;
  const rising = sizes.every((bytes, index) => index === 0 || bytes > (sizes[index - 1] ?? 0));
  if (rising && sizes.every((bytes) => bytes < 2 ** iommu.addressBits) && formatHas(kind, sizes)) return undefined;
  return {
    code: "DMASIM_MACHINE_PAGE_SIZES",
    path: ["iommu", "page_sizes"],
    what: `${kind} has no format with these page sizes`,
    value: sizes.map(formatBytes).join(", "),
    limit: PAGE_RULE[kind],
    remedy: "remove page_sizes: the default is what the IOMMU has",
  };
}

const PAGE_RULE: Readonly<Record<Translating, string>> = {
  "intel-vtd": "4 KiB first, then 2 MiB, 1 GiB",
  "amd-vi": "4 KiB first, then rising powers of two, but 512 GiB; below the address width",
  smmuv3: "4 KiB, 2 MiB, 1 GiB; or 16 KiB, 32 MiB; or 64 KiB, 512 MiB; granule first",
  "virtio-iommu": "rising powers of two from 4 KiB or more, below the address width",
};

function formatHas(kind: Translating, sizes: readonly number[]): boolean {
  if (kind === "intel-vtd") return isPrefix(sizes, VTD_PAGES);
  if (kind === "smmuv3") return SMMU_PAGES.some((format) => isPrefix(sizes, format));
  if (kind === "virtio-iommu") return sizes.every(isPow2);
  return sizes[0] === 4 * KIB && sizes.every((bytes) => isPow2(bytes) && bytes !== 512 * GIB);
}

function isPrefix(sizes: readonly number[], format: readonly number[]): boolean {
  return sizes.length <= format.length && sizes.every((bytes, index) => bytes === format[index]);
}

function unsoundWays(unit: IommuDescription["units"][number], index: number): MachineFault | undefined {
  const sets = unit.iotlbEntries / unit.iotlbWays;
  if (Number.isInteger(sets) && isPow2(sets)) return undefined;
  return {
    code: "DMASIM_MACHINE_IOTLB_WAYS",
    path: ["iommu", "units", index, "iotlb_ways"],
    what: "the IOTLB does not split into sets",
    value: `${unit.iotlbEntries} entries / ${unit.iotlbWays} ways`,
    limit: "entries / ways must be a power of two",
    remedy: "make iotlb_ways a divisor of iotlb_entries, or equal to it for a fully associative IOTLB",
  };
}

function unknownUnits(machine: Machine): MachineFault | undefined {
  return (
    firstFault(machine.bridges, (bridge, index) =>
      unknownUnit(machine, bridge.iommuUnit, ["pcie", index, "iommu_unit"]),
    ) ??
    firstFault(machine.devices, (device, index) =>
      unknownUnit(machine, device.iommuUnit, ["devices", index, "iommu_unit"]),
    )
  );
}

function unknownUnit(machine: Machine, unit: string | null, path: DocumentPath): MachineFault | undefined {
  if (unit === null || machine.iommu.units.some((known) => known.name === unit)) return undefined;
  return {
    code: "DMASIM_MACHINE_UNKNOWN_UNIT",
    path,
    what: "no IOMMU unit has this name",
    value: unit,
    limit: `known: ${nameList(machine.iommu.units)}`,
    remedy: "name one of them, add it to iommu.units, or use null for none",
  };
}

/** With several units nothing says which one is meant, so every root complex and on-chip device has to. */
function missingUnits(machine: Machine, document: MachineDocument): MachineFault | undefined {
  if (machine.iommu.units.length === 1) return undefined;
  const missing = (path: DocumentPath, who: string): MachineFault => ({
    code: "DMASIM_MACHINE_MISSING_UNIT",
    path,
    what: "this machine has several IOMMU units, and nothing says which one translates here",
    value: who,
    limit: `known: ${nameList(machine.iommu.units)}`,
    remedy: "add iommu_unit, null for none",
  });
  return (
    firstFault(document.pcie, (bridge, index) =>
      bridge.kind === "root-complex" && bridge.iommu_unit === undefined
        ? missing(["pcie", index], bridge.name)
        : undefined,
    ) ??
    firstFault(document.devices, (device, index) =>
      device.parent === null && device.iommu_unit === undefined ? missing(["devices", index], device.name) : undefined,
    )
  );
}
