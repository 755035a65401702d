/** Every pair of a machine's PCI devices: what Linux decides, how the bytes travel, how fast. */
import { defined } from "../../base/assert.ts";
import { PEER_ROUTE } from "../../host/context.ts";
import { decidePeer, type PeerDecision } from "../../host/p2p/decision.ts";
import { hostAllows, hostBridgeRule } from "../../host/p2p/host_bridges.ts";
import { PEER_ROUTE_NAMES, peerKernelLines, peerReasonText, peerRemedyText } from "../../host/p2p/words.ts";
import type { Bar, Device, Machine } from "../machine/description.ts";
import { peerClientsOf, System } from "../system.ts";
import { exchangeCeiling, type PredictedRate, stagedRate, writeRate } from "./rates.ts";
import type { PairView, PathClass, TopologyView } from "./view.ts";

/** The whole view of a machine. */
export function surveyTopology(machine: Machine): TopologyView {
  const system = new System(machine);
  const pci = machine.devices.flatMap((device, index) => (device.parent === null ? [] : [{ device, index }]));
  const roots = machine.bridges.filter(({ kind }) => kind === "root-complex");
  const anyRoot = roots[0] === undefined ? null : system.topology.port(roots[0].name);
  return {
    machine: machine.name,
    title: machine.title,
    era: machine.era,
    cpuForwards: anyRoot !== null && hostAllows(machine.cpus, anyRoot, anyRoot) === "cpu",
    hostBridges: roots.map(({ name, id, node }) => ({ name, id, rule: hostBridgeRule(id), node })),
    devices: pci.map(({ device }) => ({
      name: device.name,
      bdf: device.bdf,
      class: device.class,
      node: device.node,
      bars: device.bars.length,
    })),
    pairs: pci.flatMap((client) => pci.map((provider) => pairView(system, client.index, provider.index))),
  };
}

/** One pair of devices by their indexes. */
export function pairView(system: System, client: number, provider: number): PairView {
  const { devices } = system.machine;
  const from = defined(devices[client], "the client exists");
  const to = defined(devices[provider], "the provider exists");
  const decision = decisionOf(system, client, provider);
  const path = pathClass(from, to, decision);
  const bar = peerBar(to);
  const rate =
    bar === null || path === "self" || path === "aborted" ? null : rateOf(system, client, provider, path, bar);
  return {
    client: from.name,
    provider: to.name,
    path,
    mapType: decision.forced ? "not supported, forced" : (PEER_ROUTE_NAMES[decision.route] ?? ""),
    distance: decision.distance,
    hops: decision.hops,
    reason: peerReasonText(decision),
    remedy: peerRemedyText(decision),
    kernelLines: peerKernelLines(decision, to.bdf),
    bar: bar === null ? null : { index: bar.index, bytes: bar.bytes, memmap: bar.memmap },
    bytesPerS: rate?.bytesPerS ?? null,
    limit: rate?.limit ?? null,
    exchangeBytesPerS: rate === null ? null : exchangeCeiling(system, client, provider, path, decision.common),
  };
}

/** The decision on two devices of a machine; both must be PCI devices. */
export function decisionOf(system: System, client: number, provider: number): PeerDecision {
  const port = defined(system.machine.devices[provider]?.parent ?? undefined, "the provider is a PCI device");
  const asking = defined(peerClientsOf(system.machine)[client], "the client exists");
  return decidePeer(system.topology, system.machine.cpus, { port, device: provider }, asking);
}

/** The BAR that peers would use: one with P2PDMA pages, else the largest. */
export function peerBar(device: Device): Bar | null {
  const bySize = [...device.bars].sort((a, b) => b.bytes - a.bytes);
  return bySize.find(({ memmap }) => memmap === "p2pdma") ?? bySize[0] ?? null;
}

function pathClass(client: Device, provider: Device, decision: PeerDecision): PathClass {
  if (decision.reason === "own-bar") return "self";
  if (decision.route === PEER_ROUTE.notSupported) return "staged";
  if (decision.forced) return "aborted";
  if (decision.route === PEER_ROUTE.busAddr) return "switch";
  if (decision.passesRedirect) return "switch-ats";
  if (client.node !== provider.node) return "sockets";
  return decision.roots[0]?.name === decision.roots[1]?.name ? "root" : "bridges";
}

function rateOf(system: System, client: number, provider: number, path: PathClass, bar: Bar): PredictedRate {
  return path === "staged" ? stagedRate(system, client, provider) : writeRate(system, client, bar.start);
}
