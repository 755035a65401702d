/** Cases of the area `p2pdma`: how one device reaches the memory behind another's BAR. */
import { PAGE_BYTES } from "../../base/addr.ts";
import { PEER_ROUTE } from "../../host/context.ts";
import { DIR } from "../../host/dma/device.ts";
import { mapSg } from "../../host/dma/map.ts";
import { decidePeer } from "../../host/p2p/decision.ts";
import type { HostCpu } from "../../host/p2p/host_bridges.ts";
import { type PeerRegion, PeerTable } from "../../host/p2p/route.ts";
import { Topology } from "../../pcie/topology.ts";
import { AnyOf } from "./compare.ts";
import { errnoOf, listOf } from "./entries.ts";
import { type Fields, Given, UnreadableCase } from "./given.ts";
import { peerTree, variantOf } from "./p2p_topology.ts";
import type { OpTable } from "./runner.ts";
import type { CaseState } from "./state.ts";

/** Adapters of the area. */
export const P2P_OPS: OpTable = { p2p_map_type: mapType };

const MAP_NAMES: Readonly<Record<number, string>> = {
  [PEER_ROUTE.notSupported]: "NOT_SUPPORTED",
  [PEER_ROUTE.throughHostBridge]: "THRU_HOST_BRIDGE",
  [PEER_ROUTE.busAddr]: "BUS_ADDR",
};
const BAR = 0x383000000000;
const AMD_FAMILY = 0x17;
const REFERENCES_MAX = 8;

function mapType(given: Given, state: CaseState): Fields {
  const asked = resolve(given, state, 0);
  const tree = peerTree(asked.text, rootIds(asked.given));
  const topology = new Topology(tree.ports);
  const region: PeerRegion = {
    bar: 0,
    start: BAR,
    bytes: 2 ** 20,
    port: tree.providerPort,
    device: 0,
    busOffset: given.number("bus_offset", 0),
  };
  const client = { device: tree.isSelf ? 0 : 1, port: tree.clientPort };
  const cpu = cpuOf(asked.given.text("cpu", ""));
  const { route, hops } = decidePeer(topology, cpu, region, client);
  const clients = tree.isSelf ? [client] : [{ device: 0, port: tree.providerPort }, client];
  const peers = new PeerTable(topology, cpu, [region], clients);
  return {
    distance: distanceOf(hops, route),
    map: MAP_NAMES[route],
    dma_map_sgtable: mapOnePage(state, peers, client.device),
  };
}

/** Hops; pci_p2pdma_distance says -1 for what is not supported, its inner function still counts. */
function distanceOf(hops: number, route: number): unknown {
  return route === PEER_ROUTE.notSupported && hops >= 0 ? new AnyOf([hops, -1]) : hops;
}

/** Errno of mapping one page of the BAR for the client; 0 when it is mapped. */
function mapOnePage(state: CaseState, peers: PeerTable, client: number): number {
  const ctx = state.context(0, peers);
  const sg = listOf(state.arena, [{ pfn: BAR / PAGE_BYTES, offset: 0, length: PAGE_BYTES, hasPage: true }]);
  return errnoOf(mapSg(ctx, state.device({ index: client }), sg, 1, DIR.bidirectional, 0));
}

interface Asked {
  readonly text: string;
  readonly given: Given;
}

/** Follows "same as ID but ...": fields that the case leaves out are those of the other one. */
function resolve(given: Given, state: CaseState, depth: number): Asked {
  const text = given.text("topology");
  const id = /same as\s+([\w-]+\d)/i.exec(text)?.[1];
  if (id === undefined) return { text, given };
  const other = state.find(id);
  if (other === undefined || depth === REFERENCES_MAX) throw new UnreadableCase(`no case ${id} to start from`);
  const base = resolve(new Given(other.given), state, depth + 1);
  return { text: variantOf(base.text, text), given: new Given({ ...base.given.fields, ...given.fields }) };
}

/** `root_device` of both host bridges, or one each in a list or in fields of their own. */
function rootIds(given: Given): [string | null, string | null] {
  const field = given.has("root_devices") ? "root_devices" : "root_device";
  const listed = given.list(field, []).map(String);
  const own = (name: string, index: number) =>
    given.has(name) ? given.text(name) : ((listed[index] ?? listed[0] ?? null)?.toLowerCase() ?? null);
  return [own("provider_root_device", 0), own("client_root_device", 1)];
}

/** `Intel`, `AMD family 0x17`, `AMD family 17h`. */
function cpuOf(words: string): HostCpu {
  const text = words.toLowerCase();
  const family = /family\s*(0x[0-9a-f]+|[0-9a-f]+h|\d+)/.exec(text)?.[1];
  const number = family?.endsWith("h") ? Number.parseInt(family, 16) : Number(family ?? AMD_FAMILY);
  const vendor = text.includes("amd") ? "amd" : text.includes("intel") ? "intel" : text;
  return { vendor, family: number };
}
