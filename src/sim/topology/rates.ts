/** Predicted bandwidth between two PCI devices: one way from the fabric model, both ways from link arithmetic. */
import { defined } from "../../base/assert.ts";
import { type LinkShape, payloadBytesPerS, tlpBytesPerS } from "../../pcie/link.ts";
import type { Target } from "../../timing/fabric/function.ts";
import type { Bridge, Device } from "../machine/description.ts";
import { stagingRates } from "../staging.ts";
import type { System } from "../system.ts";
import { Fabric } from "../virtual/fabric.ts";
import type { PathClass } from "./view.ts";

const PS_PER_S = 1e12;
/** Bytes of the measured stream; the first half fills queues and credits. */
const STREAM_BYTES = 2 ** 20;
/** An integrated device has no link of its own. */
const INTEGRATED: LinkShape = { gen: 6, lanes: 16, mpsBytes: 256, mrrsBytes: 512 };

/** A rate and what decides it. */
export interface PredictedRate {
  readonly bytesPerS: number;
  readonly limit: string;
}

/** Rate of writes of device `client` to `phys`, in steady state, the IOTLB warm. */
export function writeRate(system: System, client: number, phys: number): PredictedRate {
  const fabric = new Fabric(system, STREAM_BYTES);
  const fn = fabric.functionOf(client);
  const target: Target = { translatePs: 0, memoryPs: 0, peer: null, viaRoot: false, ownLinks: 0, peerLinks: 0 };
  const quantum = fn.way.link.mrrsBytes;
  let nowPs = 0;
  let halfPs = 0;
  let endPs = 0;
  for (let offset = 0; offset < STREAM_BYTES; offset += quantum) {
    fabric.aim(client, phys + offset, quantum, true, nowPs, target);
    endPs = Math.max(endPs, fn.write(nowPs, phys + offset, quantum, offset === 0, target));
    nowPs = fn.writeFreePs;
    if (offset + quantum === STREAM_BYTES / 2) halfPs = endPs;
  }
  const busiest = fabric.servers().reduce((a, b) => (b.busyPs / b.width > a.busyPs / a.width ? b : a));
  return { bytesPerS: (STREAM_BYTES / 2 / (endPs - halfPs)) * PS_PER_S, limit: busiest.name };
}

/** Rate through memory: DMA into RAM of the client's node, then stores of one core into the BAR, overlapping. */
export function stagedRate(system: System, client: number, provider: number): PredictedRate {
  const { memory, devices } = system.machine;
  const of = defined(devices[client], "the client exists");
  const big = memory.filter(({ kind, bytes }) => kind === "ram" && bytes > 4 * STREAM_BYTES);
  const ram = big.find(({ node }) => node === of.node) ?? big[0];
  const written = writeRate(system, client, defined(ram, "the machine has RAM").start);
  const storeBytesPerS = stagingRates(system.machine, defined(devices[provider], "the provider exists")).store * 1e9;
  return storeBytesPerS < written.bytesPerS ? { bytesPerS: storeBytesPerS, limit: "one core's stores" } : written;
}

/**
 * Ceiling of the links when both devices write to each other at once, bytes a second and direction: every directed link
 * carries what crosses it, and a way through the root complex or memory crosses uplinks up and down.
 */
export function exchangeCeiling(system: System, a: number, b: number, path: PathClass, common: string | null): number {
  const loads = new Map<string, { link: LinkShape; flows: number }>();
  const add = (name: string, link: LinkShape | null) => {
    const known = loads.get(name);
    if (known !== undefined) known.flows += 1;
    else loads.set(name, { link: link ?? INTEGRATED, flows: 1 });
  };
  const turn = path === "switch" || path === "switch-ats" ? common : null;
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    for (const [name, link] of linksUp(system, from, turn)) add(`${name} up`, link);
    for (const [name, link] of linksUp(system, to, turn)) add(`${name} down`, link);
  }
  const shares = [...loads.values()].map(
    ({ link, flows }) => payloadBytesPerS("write", link.mpsBytes, link, tlpBytesPerS(link)) / flows,
  );
  return Math.min(...shares);
}

/** Links from a device up to the bridge `turn`, or to the root complex. */
function linksUp({ machine }: System, device: number, turn: string | null): [string, LinkShape | null][] {
  const own = defined(machine.devices[device], "the device exists") as Device;
  const links: [string, LinkShape | null][] = [[own.name, own.link]];
  let at = machine.bridges.find(({ name }) => name === own.parent);
  while (at !== undefined && at.name !== turn) {
    if (at.kind === "switch-upstream") links.push([at.name, at.link]);
    const parent: string | null = at.parent;
    at = machine.bridges.find(({ name }: Bridge) => name === parent);
  }
  return links;
}
