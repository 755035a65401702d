/** The way between two PCI devices in words: where they meet, and what keeps them apart. */
import { PEER_ROUTE } from "../../host/context.ts";
import type { DmaDevice } from "../../host/dma/device.ts";
import type { PeerDecision } from "../../host/p2p/decision.ts";
import { peerReasonText } from "../../host/p2p/words.ts";
import type { System } from "../system.ts";
import type { MapEntry } from "./entry.ts";

/** Why the device cannot reach the peer memory that the entry lies in. */
export function comparePeers(system: System, device: DmaDevice, entry: MapEntry): string {
  const name = system.machine.devices[device.index]?.name ?? device.name;
  const decision = decisionOn(system, device, entry);
  if (decision === null || decision.reason === "not-pci") {
    return `${name} is no PCI device, so ${entry.region} is no peer of it`;
  }
  return `distance -1 (${decision.hops} hops): ${peerReasonText(decision)}`;
}

/** Way to the peer memory at an entry: `its own BAR`, `below sw0`, `through the host bridge`; null for other memory. */
export function peerWay(system: System, device: DmaDevice, entry: MapEntry): string | null {
  const decision = decisionOn(system, device, entry);
  if (decision === null || decision.reason === "not-pci") return null;
  if (decision.reason === "own-bar") return "its own BAR";
  return decision.route === PEER_ROUTE.busAddr ? `below ${decision.common}` : "through the host bridge";
}

function decisionOn(system: System, device: DmaDevice, entry: MapEntry): PeerDecision | null {
  const region = system.peers.regionAt(entry.phys);
  return region < 0 ? null : system.peers.decision(region, device.index);
}
