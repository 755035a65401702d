/** How well a device of a run is known: its DMA block by measurements, what is behind it by the machine or its class. */
import type { Device, Machine } from "./machine/description.ts";
import { engineTopics } from "./machine/device_preset.ts";
import type { ConfidencePart } from "./result.ts";
import { bandOf, type ValidationSummary } from "./validation_summary.ts";

/** The device of that name; undefined for memory regions, which DAX jobs name. */
export function machineDevice(machine: Machine, name: string): Device | undefined {
  return machine.devices.find((device) => device.name === name);
}

/** What is known of one device. */
export function partOfDevice(device: Device, summary: ValidationSummary): ConfidencePart {
  const topics = engineTopics(device);
  if (device.serviceFrom === "class") return part(device.class, "extrapolated", "data-sheet figures");
  if (device.serviceFrom === "machine") return part(device.name, "extrapolated", "figures of the machine file");
  if (topics.length === 0) return part(device.class, "fabric ceiling", "no service model");
  const known = { level: "calibrated", band: bandOf(summary, topics), topics, why: "" } as const;
  return { part: device.preset ?? device.class, ...known };
}

function part(name: string, level: ConfidencePart["level"], why: string): ConfidencePart {
  return { part: name, level, band: null, topics: [], why };
}
