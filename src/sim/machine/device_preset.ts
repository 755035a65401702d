/** Measured devices: which names a machine may give as `preset`, and which measurements stand behind a device's DMA block. */
import { Constants } from "../../timing/calibration/constant.ts";
import { FABRIC_CONSTANTS } from "../../timing/calibration/fabric.ts";
import { deviceFamily, functionShape } from "../../timing/fabric/presets.ts";
import type { Device } from "./description.ts";

const DEVICE_CONSTANT = /^device\.([^.]+)\./;
/** What every device falls back to. */
const GENERAL = "default";

/** Device families that have constants of their own, by name. */
export function presetFamilies(): readonly string[] {
  const families = Object.keys(FABRIC_CONSTANTS).flatMap((name) => DEVICE_CONSTANT.exec(name)?.[1] ?? []);
  return [...new Set(families)].filter((family) => family !== GENERAL).sort();
}

/** The name, or its family's, has constants. */
export function isPreset(name: string): boolean {
  return presetFamilies().includes(deviceFamily(name));
}

/** Topics whose rows calibrated the DMA block of a device; empty = its engine is taken to keep up with its link. */
export function engineTopics(device: Device): readonly string[] {
  if (device.preset === null || device.link === null) return [];
  const family = deviceFamily(device.preset);
  const constants = new Constants(FABRIC_CONSTANTS);
  functionShape(constants, family, device.link, device.link.extTags);
  const own = [...constants.used].filter((name) => name.startsWith(`device.${family}.`));
  return [...new Set(own.flatMap((name) => FABRIC_CONSTANTS[name]?.topics ?? []))].sort();
}
