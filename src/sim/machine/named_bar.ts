/** BARs by the names that loads and lists give them: `bar:gpu0` is the first, `bar2:gpu0` another. */
import type { Machine, UnassignedBar } from "./description.ts";

/** The BAR of that name for which the firmware found no room; null = it has an address, or there is no such BAR. */
export function unassignedBar(machine: Machine, name: string): UnassignedBar | null {
  const found = /^bar([0-9]?):(.+)$/.exec(name);
  const device = machine.devices.find((each) => each.name === found?.[2]);
  if (found === null || device === undefined || device.unassigned.length === 0) return null;
  const index = found[1] ?? "";
  if (index === "") return device.bars.length === 0 ? (device.unassigned[0] ?? null) : null;
  return device.unassigned.find((bar) => bar.index === Number(index)) ?? null;
}
