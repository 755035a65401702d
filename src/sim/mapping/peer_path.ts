/** The way between two PCI devices in words: where they meet, and what keeps them apart. */
import type { DmaDevice } from "../../host/dma/device.ts";
import { meet } from "../../pcie/topology.ts";
import type { System } from "../system.ts";
import type { MapEntry } from "./entry.ts";

/** Why the device cannot reach the peer memory that the entry lies in. */
export function comparePeers(system: System, device: DmaDevice, entry: MapEntry): string {
  const index = system.peers.regionAt(entry.phys);
  const region = system.peerRegions[index];
  const name = system.machine.devices[device.index]?.name ?? device.name;
  const port = system.machine.devices[device.index]?.parent ?? null;
  if (region === undefined || port === null) return `${name} is no PCI device, so ${entry.region} is no peer of it`;
  const { common, distance, acsRedirected } = meet(system.topology, region.port, port);
  const roots = [region.port, port].map((each) => system.topology.rootOf(each));
  const bridges = `host bridges ${roots.map((root) => `${root.name} (${root.id ?? "no id"})`).join(" and ")}`;
  if (common === null) return `distance ${distance}: no common switch, and ${bridges} may not forward between peers`;
  const redirect = acsRedirected ? "ACS redirects on the way" : "no way below it";
  return `distance ${distance}: ${redirect} through ${common}, and ${bridges} may not forward between peers`;
}

/** Way to the peer memory at an entry: `its own BAR`, `below sw0`, `through the host bridge`; null for other memory. */
export function peerWay(system: System, device: DmaDevice, entry: MapEntry): string | null {
  const region = system.peerRegions[system.peers.regionAt(entry.phys)];
  const port = system.machine.devices[device.index]?.parent ?? null;
  if (region === undefined || port === null) return null;
  if (region.device === device.index) return "its own BAR";
  const { common, acsRedirected } = meet(system.topology, region.port, port);
  return common === null || acsRedirected ? "through the host bridge" : `below ${common}`;
}
