/** Host prices of a described machine: which relatives its parts have among the calibrated systems. */
import { Constants } from "../timing/calibration/constant.ts";
import { HOST_COST_CONSTANTS } from "../timing/calibration/host_cost.ts";
import { type HostIommuKind, type HostPrices, type HostSystem, hostPrices } from "../timing/host_cost/prices.ts";
import type { IommuDescription, Machine } from "./machine/description.ts";
import { stagingRates } from "./staging.ts";

const PS_PER_NS = 1000;
const IOMMU_KINDS: Readonly<Record<IommuDescription["kind"], HostIommuKind>> = {
  none: "none",
  "intel-vtd": "vtd",
  "amd-vi": "amdvi",
  smmuv3: "smmuv3",
  "virtio-iommu": "virtio",
};

/**
 * Prices of a machine, staging at the BAR of its first device with P2PDMA pages; `live` = while I/O runs, else those of one call on an idle machine. `constants` has those of
 * `HOST_COST_CONSTANTS`, and remembers which were asked for.
 */
export function machinePrices(
  machine: Machine,
  live: boolean,
  constants = new Constants(HOST_COST_CONSTANTS),
): HostPrices {
  const prices = hostPrices(hostSystemOf(machine, live), constants);
  const provider = machine.devices.find(({ bars }) => bars.some(({ memmap }) => memmap === "p2pdma"));
  if (provider === undefined) return prices;
  const { store, load } = stagingRates(machine, provider);
  return { ...prices, stagedStoreBytePs: PS_PER_NS / store, stagedLoadBytePs: PS_PER_NS / load };
}

function hostSystemOf(machine: Machine, live: boolean): HostSystem {
  return {
    arch: machine.arch === "x86-64" ? "x86_64" : machine.arch,
    uarch: machine.cpus.uarch,
    iommuKind: IOMMU_KINDS[machine.iommu.kind],
    nested: false,
    live,
    coresPerNode: 0,
  };
}
