/** Cross-checks of devices, of their BARs' place in the tree, and of the limits of a simulation. */
import { hex, roundUpPow2 } from "../../base/addr.ts";
import { formatBytes } from "../../base/units.ts";
import { CPUS_MAX, ENGINES_MAX } from "../../shm/capacities.ts";
import { REGIONS } from "../../shm/layout.ts";
import { unsoundDmaRanges } from "./check_dma_ranges.ts";
import { barNotForwarded, strayPortWindow } from "./check_port_windows.ts";
import { unsoundWindows } from "./check_windows.ts";
import type { Device, Machine } from "./description.ts";
import { isPreset, presetFamilies } from "./device_preset.ts";
import { firstFault, type MachineFault, nameList } from "./fault.ts";

/** First fault of devices and limits; undefined when all are sound. */
export function checkDevices(machine: Machine): MachineFault | undefined {
  return (
    beyondLimits(machine) ??
    firstFault(machine.devices, (device, index) => bdfClash(machine, device, index)) ??
    firstFault(machine.devices, (device, index) => unsoundMasks(device, index)) ??
    firstFault(machine.devices, unsoundDmaRanges) ??
    firstFault(machine.devices, unknownPreset) ??
    firstFault(machine.devices, (device, index) => unknownIrqCpu(machine, device, index)) ??
    firstFault(machine.devices, unsoundMedium) ??
    firstFault(machine.devices, unsoundMemory) ??
    strayPortWindow(machine) ??
    unsoundWindows(machine) ??
    firstFault(machine.devices, duplicateBar) ??
    firstFault(machine.devices, (device, index) => barNotForwarded(machine, device, index)) ??
    unsoundDefault(machine)
  );
}

/** Tables of the arena have fixed sizes. */
function beyondLimits(machine: Machine): MachineFault | undefined {
  const queues = machine.devices.reduce((sum, device) => sum + device.queues, 0);
  const devicesMax = REGIONS.devices.count;
  const over = (path: "cpus" | "devices", what: string, value: number, max: number): MachineFault => ({
    code: "DMASIM_MACHINE_TOO_LARGE",
    path: [path],
    what: `this machine has too many ${what}`,
    value,
    limit: `at most ${max}`,
    remedy: `describe a part of it with fewer ${what}`,
  });
  if (machine.cpus.count > CPUS_MAX) return over("cpus", "CPUs", machine.cpus.count, CPUS_MAX);
  if (machine.devices.length > devicesMax) return over("devices", "devices", machine.devices.length, devicesMax);
  if (queues > ENGINES_MAX) return over("devices", "queues over all devices", queues, ENGINES_MAX);
  return undefined;
}

function bdfClash(machine: Machine, device: Device, index: number): MachineFault | undefined {
  const earlier = machine.devices.slice(0, index).find((other) => other.bdf === device.bdf);
  if (earlier === undefined) return undefined;
  return {
    code: "DMASIM_MACHINE_BDF_CLASH",
    path: ["devices", index, "bdf"],
    what: `${device.name} has the PCI address of ${earlier.name}`,
    value: device.bdf,
    limit: "one device function, one domain:bus:device.function",
    remedy: "change one of them, or remove bdf to get a free one",
  };
}

function unsoundMasks(device: Device, index: number): MachineFault | undefined {
  const masks = { min_align_mask: device.minAlignMask, segment_boundary_mask: device.segBoundaryMask };
  for (const [key, mask] of Object.entries(masks)) {
    if (roundUpPow2(mask + 1) === mask + 1) continue;
    return {
      code: "DMASIM_MACHINE_MASK",
      path: ["devices", index, key],
      what: "a mask is all ones below its highest bit",
      value: hex(mask),
      limit: "2^n - 1, e.g. 0xfff",
      remedy: `use ${hex(roundUpPow2(mask + 1) - 1)}`,
    };
  }
  return undefined;
}

function unknownPreset({ preset }: Device, index: number): MachineFault | undefined {
  if (preset === null || isPreset(preset)) return undefined;
  return {
    code: "DMASIM_MACHINE_PRESET",
    path: ["devices", index, "preset"],
    what: "this device was not measured",
    value: preset,
    limit: `measured devices: ${presetFamilies().join(", ")}, and their relatives`,
    remedy: "name one of them, or remove the key: the class's figures apply",
  };
}

function unknownIrqCpu(machine: Machine, device: Device, index: number): MachineFault | undefined {
  return firstFault(device.irqCpus ?? [], (cpu, at) => {
    if (cpu < machine.cpus.count) return undefined;
    return {
      code: "DMASIM_MACHINE_IRQ_CPU",
      path: ["devices", index, "irq_cpus", at],
      what: "this machine has no such CPU",
      value: cpu,
      limit: `CPUs are 0 to ${machine.cpus.count - 1}`,
      remedy: "name one of these",
    };
  });
}

function unsoundMedium(device: Device, index: number): MachineFault | undefined {
  if (device.medium === null || device.medium.kind === "wire") return undefined;
  const { bytes, sectorBytes } = device.medium;
  if (bytes > 0 && Math.floor(bytes / sectorBytes) * sectorBytes === bytes) return undefined;
  return {
    code: "DMASIM_MACHINE_MEDIUM_SIZE",
    path: ["devices", index, "medium", "size"],
    what: "a block medium consists of whole sectors",
    value: bytes,
    limit: `a multiple of ${sectorBytes}, more than 0`,
    remedy: "give it a size, e.g. 3.84TB",
  };
}

function unsoundMemory(device: Device, index: number): MachineFault | undefined {
  const memory = device.memory;
  const indexes = [...device.bars, ...device.unassigned].map((bar) => bar.index);
  if (memory === null || memory.bar === null || indexes.includes(memory.bar)) return undefined;
  return {
    code: "DMASIM_MACHINE_UNKNOWN_BAR",
    path: ["devices", index, "memory", "bar"],
    what: `${device.name} has no such BAR`,
    value: memory.bar,
    limit: `its BARs: ${device.bars.map((bar) => bar.index).join(", ") || "none"}`,
    remedy: "add it under bars, or use null when the bus does not reach this memory",
  };
}

function duplicateBar(device: Device, index: number): MachineFault | undefined {
  return firstFault(device.bars, (bar, at) => {
    if (device.bars.findIndex((other) => other.index === bar.index) === at) return undefined;
    return {
      code: "DMASIM_MACHINE_DUPLICATE_BAR",
      path: ["devices", index, "bars", at, "index"],
      what: `${device.name} has this BAR already`,
      value: bar.index,
      limit: "each of 0 to 5 once",
      remedy: "renumber one of them",
    };
  });
}

function unsoundDefault(machine: Machine): MachineFault | undefined {
  const wanted = machine.defaultBlockDevice;
  const device = machine.devices.find((other) => other.name === wanted);
  if (wanted === null || device?.medium?.kind === "block") return undefined;
  const block = machine.devices.filter((other) => other.medium?.kind === "block");
  return {
    code: "DMASIM_MACHINE_DEFAULT_DEVICE",
    path: ["default_block_device"],
    what: device === undefined ? "no device has this name" : "this device has no block medium",
    value: device?.medium ? `${wanted} (${formatMedium(device.medium)})` : wanted,
    limit: `devices with a block medium: ${nameList(block)}`,
    remedy: "name one of them, or remove the key",
  };
}

function formatMedium(medium: NonNullable<Device["medium"]>): string {
  return medium.kind === "wire" ? "wire" : formatBytes(medium.bytes);
}
