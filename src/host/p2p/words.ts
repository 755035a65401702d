/** A peer decision in words: why, what helps, and what the kernel logs for the administrator. */
import type { PortNode } from "../../pcie/topology.ts";
import { PEER_ROUTE } from "../context.ts";
import type { PeerDecision } from "./decision.ts";
import { hostBridgeRule } from "./host_bridges.ts";

/** Names of PEER_ROUTE as reports print them, at the index that PEER_ROUTE gives. */
export const PEER_ROUTE_NAMES = ["not supported", "bus address", "through the host bridge"] as const;

/** Why the route is what it is, in one clause. */
export function peerReasonText(decision: PeerDecision): string {
  const { reason, common, redirecting, allowance, route } = decision;
  if (reason === "not-pci") return "the client is no PCI device";
  if (reason === "own-bar") return "its own BAR";
  if (reason === "below-bridge") return `below ${common}, no ACS redirect on the way`;
  const apart = common === null ? "no common bridge" : `ACS redirects at ${names(redirecting)} below ${common}`;
  const passed = decision.passesRedirect ? "; translated requests (ATS) pass it, ACS Direct Translated is on" : "";
  if (route === PEER_ROUTE.notSupported) return `${apart}, and ${bridgesText(decision)}`;
  if (decision.forced) {
    return `${apart}, and ${bridgesText(decision)}; its driver does not ask: nobody answers (reads are 0xFF, writes are lost)`;
  }
  if (allowance === "cpu") return `${apart}; the CPU's root ports forward between peers${passed}`;
  return `${apart}; ${bridgesText(decision)}${passed}`;
}

/** What makes a slow or refused way direct; null where nothing has to be done. */
export function peerRemedyText(decision: PeerDecision): string | null {
  const { reason, redirecting, route, common } = decision;
  if (reason === "not-pci") return "only PCI devices have peers: move the data through memory";
  if (common !== null && redirecting.length > 0 && !decision.passesRedirect) {
    return `clear the redirect: pci=disable_acs_redir=${redirecting.map((port) => port.name).join(";")} (devices below then share an IOMMU group)`;
  }
  if (route !== PEER_ROUTE.notSupported && !decision.forced) return null;
  return "put both devices below one switch, or use a host whose bridge is on the list, or stage through memory";
}

/** What the kernel logs when it was asked for a peer and has to refuse or to say why (pci_p2pdma_distance_many, verbose). */
export function peerKernelLines(decision: PeerDecision, providerAddress: string): readonly string[] {
  const { reason, redirecting, route, forced } = decision;
  const lines: string[] = [];
  if (reason === "redirect") {
    const list = redirecting.map((port) => port.name).join(";");
    lines.push(`ACS redirect is set between the client and provider (${providerAddress})`);
    lines.push(`to disable ACS redirect for this path, add the kernel parameter: pci=disable_acs_redir=${list}`);
  }
  if ((route === PEER_ROUTE.notSupported || forced) && reason !== "not-pci") {
    lines.push(
      `cannot be used for peer-to-peer DMA as the client and provider (${providerAddress}) do not share an upstream bridge or whitelisted host bridge`,
    );
  }
  return lines;
}

function bridgesText({ roots }: PeerDecision): string {
  const unique = roots.filter((root, index) => roots.findIndex((other) => other.name === root.name) === index);
  return unique
    .map((root) => `host bridge ${root.name} (${root.id ?? "no id"}) is ${hostBridgeRule(root.id)}`)
    .join(", ");
}

function names(ports: readonly PortNode[]): string {
  return ports.map((port) => port.name).join(", ");
}
