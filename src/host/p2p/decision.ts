/**
 * How a client may reach the memory behind another device's BAR (drivers/pci/p2pdma.c, calc_map_type_and_dist).
 *
 * ```
 * one device                                                     bus address
 * common bridge ─ no ACS redirect on either path                 bus address
 *               └ a redirect ─┐
 * no common bridge ───────────┴ host allows ─ yes                through the host bridge
 *                                           └ no                 not supported
 * ```
 * The kernel does not look at ACS Direct Translated P2P. The hardware does: requests of a client with ATS carry
 * translated addresses and pass a redirecting port that has the bit set (PCIe Base Specification, ACS Direct Translated
 * P2P), so their bytes stay below the switch although the mapping is one of the IOMMU.
 */
import { meet, type PortNode, type Topology } from "../../pcie/topology.ts";
import { PEER_ROUTE } from "../context.ts";
import { type HostAllowance, type HostCpu, hostAllows } from "./host_bridges.ts";

/** The device whose BAR is to be reached. */
export interface PeerProvider {
  /** Port that it sits below. */
  readonly port: string;
  readonly device: number;
}

/** The device that wants to reach a peer's memory; `device` is its index in the machine. */
export interface PeerClient {
  readonly device: number;
  /** Port the client sits below; null = not a PCI device. */
  readonly port: string | null;
  /** ATS is on behind a translating IOMMU: its requests carry translated addresses. Absent: false. */
  readonly sendsTranslated?: boolean;
  /** Its driver programs bus addresses of peers whatever the kernel says. Absent: false. */
  readonly forces?: boolean;
}

/** What decided. */
export type PeerReason = "own-bar" | "below-bridge" | "redirect" | "no-common-bridge" | "not-pci";

/** One decision with everything it rests on. */
export interface PeerDecision {
  /** PEER_ROUTE. */
  readonly route: number;
  /** pci_p2pdma_distance: hops, 0 for the device itself, -1 when not supported. */
  readonly distance: number;
  /** Hops, supported or not; -1 when the client is not a PCI device. */
  readonly hops: number;
  readonly reason: PeerReason;
  /** First common bridge, null when there is none. */
  readonly common: string | null;
  /** Bridges on the way that redirect peer requests. */
  readonly redirecting: readonly PortNode[];
  /** Who allows the way through the host, asked or not. */
  readonly allowance: HostAllowance;
  /** Root complexes of provider and client; one or none when they do not count. */
  readonly roots: readonly PortNode[];
  /** The hardware routes the requests below the common bridge although the kernel maps through the host bridge. */
  readonly passesRedirect: boolean;
  /** Refused, and done all the same: the requests go to a root complex that does not forward them. */
  readonly forced: boolean;
}

/** Decides for one client and one provider. */
export function decidePeer(topology: Topology, cpu: HostCpu, provider: PeerProvider, client: PeerClient): PeerDecision {
  if (client.port === null) return { ...NOWHERE, reason: "not-pci" };
  if (client.device === provider.device) return { ...NOWHERE, ...OWN, roots: [topology.rootOf(provider.port)] };
  const meeting = meet(topology, provider.port, client.port);
  const { common, redirecting, distance: hops } = meeting;
  const roots = [topology.rootOf(provider.port), topology.rootOf(client.port)] as const;
  const allowance = hostAllows(cpu, ...roots);
  const base = { hops, common, redirecting, allowance, roots };
  if (common !== null && redirecting.length === 0) {
    return { ...base, route: PEER_ROUTE.busAddr, distance: hops, reason: "below-bridge", ...PLAIN };
  }
  const allowed = allowance !== null;
  const reason = common === null ? "no-common-bridge" : "redirect";
  if (!allowed && client.forces === true) {
    return { ...base, route: PEER_ROUTE.busAddr, distance: -1, reason, passesRedirect: false, forced: true };
  }
  return {
    ...base,
    route: allowed ? PEER_ROUTE.throughHostBridge : PEER_ROUTE.notSupported,
    distance: allowed ? hops : -1,
    reason,
    forced: false,
    passesRedirect:
      allowed &&
      common !== null &&
      client.sendsTranslated === true &&
      redirecting.every((port) => port.acsDirectTranslated === true),
  };
}

const PLAIN = { passesRedirect: false, forced: false } as const;
const NOWHERE: PeerDecision = {
  route: PEER_ROUTE.notSupported,
  distance: -1,
  hops: -1,
  reason: "not-pci",
  common: null,
  redirecting: [],
  allowance: null,
  roots: [],
  ...PLAIN,
};
const OWN = { route: PEER_ROUTE.busAddr, distance: 0, hops: 0, reason: "own-bar" } as const;
