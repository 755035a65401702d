/**
 * The constants of the timing model that a machine uses: its fabric and its host prices are built, and say what they asked for.
 */
import { defined } from "../base/assert.ts";
import { allConstants } from "../timing/calibration/all.ts";
import { type ConstantStatus, Constants } from "../timing/calibration/constant.ts";
import { machinePrices } from "./host_system.ts";
import type { Device, DeviceService, Machine } from "./machine/description.ts";
import { System } from "./system.ts";
import { Fabric } from "./virtual/fabric.ts";

/** Parts of a machine, in the order of a report. */
export const CONSTANT_GROUPS = ["root complex", "IOMMU", "memory", "devices", "CPU"] as const;
/** Part of a machine that a constant is of. */
export type ConstantGroup = (typeof CONSTANT_GROUPS)[number];

/** One constant as the machine uses it. */
export interface MachineConstant {
  readonly group: ConstantGroup;
  /** Name in the table of constants; `class.<device class>.*` for a class's service figures. */
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly status: ConstantStatus;
  readonly source: string;
}

/** Group by the first word of a name; all others are the CPU's. */
const GROUPS: Readonly<Record<string, ConstantGroup>> = {
  rc: "root complex",
  switch: "root complex",
  iommu: "IOMMU",
  vtd: "IOMMU",
  smmuv3: "IOMMU",
  virt: "IOMMU",
  memory: "memory",
  device: "devices",
  tags: "devices",
};
/** What commands of every device take, whichever part asks for it first. */
const COMMANDS = ["host.doorbellNs", "host.interruptNs"];
const SERVICE_UNITS: Readonly<Record<keyof DeviceService, string>> = {
  readLatencyNs: "ns",
  writeLatencyNs: "ns",
  parallelism: "commands",
  readBytesPerS: "B/s",
  writeBytesPerS: "B/s",
  iopsMax: "1/s",
};

/** Constants by group, then by name. */
export function machineConstants(machine: Machine): MachineConstant[] {
  const table = allConstants();
  const constants = new Constants(table);
  const fabric = new Fabric(new System(machine), 1, constants);
  machine.devices.forEach((_, index) => {
    fabric.functionOf(index);
  });
  machinePrices(machine, true, constants);
  for (const name of COMMANDS) constants.get(name);
  const used = [...constants.used]
    .filter((name) => applies(machine, name))
    .sort()
    .map((name): MachineConstant => {
      const { value, unit, status, source } = defined(table[name], "a constant that was asked for exists");
      return { group: groupOf(name), name, value, unit, status, source };
    });
  const all = [...used, ...classFigures(machine.devices)];
  return CONSTANT_GROUPS.flatMap((group) => all.filter((constant) => constant.group === group));
}

function groupOf(name: string): ConstantGroup {
  return GROUPS[name.slice(0, name.indexOf("."))] ?? "CPU";
}

/** Prices are built whole; what this machine can never be charged for is left out. */
function applies(machine: Machine, name: string): boolean {
  if (groupOf(name) === "IOMMU" && machine.iommu.kind === "none") return false;
  if (name.startsWith("ats.")) return machine.devices.some(({ ats }) => ats);
  if (name.startsWith("virt.")) return machine.iommu.kind === "virtio-iommu";
  if (name.startsWith("cache.")) return machine.devices.some((device) => !device.coherent);
  if (name.startsWith("device.default.memory")) return machine.devices.some(({ bars }) => bars.length > 0);
  return name !== "copy.daxBytesPerNs" || machine.memory.some(({ kind }) => kind === "pmem");
}

/** Service figures that classes gave to devices, once a class. */
function classFigures(devices: readonly Device[]): MachineConstant[] {
  const byClass = new Map(devices.filter((device) => device.serviceFrom === "class").map((one) => [one.class, one]));
  return [...byClass.values()].flatMap((device) =>
    Object.entries(SERVICE_UNITS).map(([key, unit]): MachineConstant => {
      const value = device.service[key as keyof DeviceService];
      const name = `class.${device.class}.${key}`;
      return { group: "devices", name, value, unit, status: "assumed", source: "public data sheets of the class" };
    }),
  );
}
