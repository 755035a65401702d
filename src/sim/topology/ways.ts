/**
 * The three ways to map a peer's BAR, tried side by side on one pair: a bare resource, P2PDMA pages in a list, and the
 * page-less provider of newer kernels. Each on a fresh machine; nothing stays mapped.
 */
import { PAGE_BYTES } from "../../base/addr.ts";
import { defined } from "../../base/assert.ts";
import { peerResourceOp } from "../../host/arch/peer_resource.ts";
import { ARCHITECTURES } from "../../host/arch/table.ts";
import { DIR, type DmaDevice } from "../../host/dma/device.ts";
import { sgDmaAddress, sgIsBusAddress } from "../../host/dma/scatterlist.ts";
import { peerMappings } from "../../host/p2p/peer_life.ts";
import { PeerResources } from "../../host/p2p/peer_resource.ts";
import { mapPhysVec, unmapPhysVec } from "../../host/p2p/phys_vec.ts";
import { peerReasonText } from "../../host/p2p/words.ts";
import { failureOf } from "../../host/status.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import type { Bar, Machine } from "../machine/description.ts";
import type { MapEntry } from "../mapping/entry.ts";
import { errnoName } from "../mapping/errno.ts";
import { MappingLab } from "../mapping/lab.ts";
import type { System } from "../system.ts";
import { decisionOf } from "./pairs.ts";

/** One way on one pair. */
export interface WayView {
  readonly way: "peer resource" | "P2PDMA pages" | "page-less provider";
  /** The calls, in the kernel's words, and since when they exist. */
  readonly call: string;
  readonly since: string;
  /** What the client puts on the bus for the first byte; null = refused. */
  readonly dmaAddr: number | null;
  /** What that number is. */
  readonly space: "bus address" | "IOVA" | "CPU address" | null;
  readonly refusal: { readonly name: string; readonly errnoName: string; readonly why: string } | null;
  /** Live holds on the provider while mapped, and after unmap. */
  readonly held: number;
  readonly heldAfter: number;
}

/** All ways of one pair. */
export interface WaysView {
  readonly client: string;
  readonly provider: string;
  readonly bar: number;
  readonly phys: number;
  readonly busOffset: number;
  readonly bytes: number;
  readonly ways: readonly WayView[];
  /** Ops tables of kernel 4.1 without the operation of the first way, with and without the series of 2015. */
  readonly opsTables: {
    readonly rows: number;
    readonly refuseMainline: number;
    readonly takeWithSeries: readonly string[];
  };
}

/** Maps `bytes` at `offset` of the provider's BAR for the client, three times. Both are device indexes. */
export function compareWays(
  system: System,
  client: number,
  provider: number,
  bar: Bar,
  offset = 0,
  bytes = PAGE_BYTES,
): WaysView {
  const { devices } = system.machine;
  const index = system.bars.regionOf(provider, bar.index);
  const pair: Pair = { system, client: defined(system.devices[client], "client"), provider, bar, offset, bytes };
  return {
    client: defined(devices[client], "client").name,
    provider: defined(devices[provider], "provider").name,
    bar: bar.index,
    phys: bar.start + offset,
    busOffset: system.bars.busOffset(index),
    bytes,
    ways: [asResource(pair), asPages(pair), asPhysVec(pair)],
    opsTables: opsTables(),
  };
}

interface Pair {
  readonly system: System;
  readonly client: DmaDevice;
  readonly provider: number;
  readonly bar: Bar;
  readonly offset: number;
  readonly bytes: number;
}

const CALLS = {
  "peer resource": ["dma_map_resource, map_peer_resource", "4.9; 2015 series"],
  "P2PDMA pages": ["pci_p2pdma_add_resource, dma_map_sgtable", "4.20"],
  "page-less provider": ["pcim_p2pdma_provider, dma_buf_phys_vec_to_sgt", "6.19"],
} as const;

function asResource(pair: Pair): WayView {
  const { system, client, provider, bar, offset, bytes } = pair;
  const lab = labOf(pair, []);
  const resources = new PeerResources(system.bars, system.memmap, hasPeerOp(system.machine));
  const resource = { provider, bar: bar.index, offset, bytes };
  const ret = resources.map(lab.ctx, resource, client, DIR.bidirectional, 0);
  if (ret < 0) return refused(pair, "peer resource", -ret);
  const held = peerMappings(lab.arena, provider);
  resources.unmap(lab.ctx, resource, client, ret, DIR.bidirectional, 0);
  return mapped(pair, "peer resource", ret, held, peerMappings(lab.arena, provider));
}

/** A page of RAM in front of the BAR's pages: lists may mix both in the DMA layer. */
function asPages(pair: Pair): WayView {
  const { system, bar, offset, bytes } = pair;
  if (system.machine.era === "4.1") return refused(pair, "P2PDMA pages", null, "Linux 4.1 has no P2PDMA pages");
  if (bar.memmap !== "p2pdma") {
    return refused(
      pair,
      "P2PDMA pages",
      null,
      `BAR ${bar.index} has no struct pages: its driver did not call pci_p2pdma_add_resource`,
    );
  }
  const ram = defined(
    system.machine.memory.find(({ kind, bytes: size }) => kind === "ram" && size >= 2 * PAGE_BYTES),
    "RAM",
  );
  const lab = labOf(pair, [
    { text: "ram", kind: "ram", region: ram.name, phys: ram.start, bytes: PAGE_BYTES, hasPage: true },
    { text: "bar", kind: "bar", region: "bar", phys: bar.start + offset, bytes, hasPage: true },
  ]);
  const ret = lab.map(2, DIR.bidirectional, 0);
  if (ret < 0) return refused(pair, "P2PDMA pages", -ret);
  const second = sgNext(lab.arena, lab.sg);
  // Both entries joined into one IOVA segment when the BAR is mapped like memory.
  const dmaAddr = ret === 1 ? sgDmaAddress(lab.arena, lab.sg) + PAGE_BYTES : sgDmaAddress(lab.arena, second);
  const isBus = ret === 2 && sgIsBusAddress(lab.arena, second);
  lab.unmap(2, DIR.bidirectional, 0);
  return { ...mapped(pair, "P2PDMA pages", dmaAddr, 0, 0), ...(isBus ? { space: "bus address" as const } : {}) };
}

function asPhysVec(pair: Pair): WayView {
  const { system, client, provider, bar, offset, bytes } = pair;
  const lab = labOf(pair, []);
  const ranges = [{ phys: bar.start + offset, bytes }];
  const ret = mapPhysVec(lab.ctx, system.bars, provider, bar.index, ranges, client, DIR.bidirectional);
  if (typeof ret === "number") {
    const why =
      system.machine.era === "7.x"
        ? null
        : `Linux ${system.machine.era} has no provider without pages: it came with 6.19`;
    return refused(pair, "page-less provider", -ret, why);
  }
  const held = peerMappings(lab.arena, provider);
  const first = defined(ret.segments[0], "a mapped vector has a segment").dmaAddr;
  unmapPhysVec(lab.ctx, ret, client, DIR.bidirectional);
  return mapped(pair, "page-less provider", first, held, peerMappings(lab.arena, provider));
}

function labOf({ system, client }: Pair, entries: readonly MapEntry[]): MappingLab {
  const { memory } = system.machine;
  const ram = defined(
    memory.find(({ kind }) => kind === "ram"),
    "RAM",
  );
  const filler: MapEntry = {
    text: "ram",
    kind: "ram",
    region: ram.name,
    phys: ram.start,
    bytes: PAGE_BYTES,
    hasPage: true,
  };
  return new MappingLab(system, client, entries.length > 0 ? entries : [filler]);
}

function mapped(pair: Pair, way: WayView["way"], dmaAddr: number, held: number, heldAfter: number): WayView {
  const [call, since] = CALLS[way];
  return { way, call, since, dmaAddr, space: spaceOf(pair), refusal: null, held, heldAfter };
}

function spaceOf({ system, client, provider }: Pair): WayView["space"] {
  const { reason } = decisionOf(system, client.index, provider);
  if (reason === "own-bar" || reason === "below-bridge") return "bus address";
  return client.domain === null ? "CPU address" : "IOVA";
}

function refused(pair: Pair, way: WayView["way"], code: number | null, why: string | null = null): WayView {
  const { system, client, provider } = pair;
  const [call, since] = CALLS[way];
  const failure = code === null ? undefined : failureOf(code);
  const because =
    why ??
    (failure?.name.startsWith("peer-to-peer")
      ? peerReasonText(decisionOf(system, client.index, provider))
      : (failure?.remedy ?? ""));
  // dma_buf_phys_vec_to_sgt has one error for a route that does not exist.
  const errno = way === "page-less provider" && system.machine.era === "7.x" ? -22 : (failure?.errno ?? 0);
  const refusal = { name: failure?.name ?? "not available", errnoName: errnoName(errno), why: because };
  return { way, call, since, dmaAddr: null, space: null, refusal, held: 0, heldAfter: 0 };
}

/** 4.1: the operation of the proposed series, which x86 tables got; later kernels have dma_map_resource everywhere. */
function hasPeerOp({ era, arch }: Machine): boolean {
  return era !== "4.1" || arch === "x86-64";
}

function opsTables(): WaysView["opsTables"] {
  const takes = (withSeries: boolean) =>
    ARCHITECTURES.filter((row) => peerResourceOp(row, withSeries).addressRule !== null).map(({ name }) => name);
  return {
    rows: ARCHITECTURES.length,
    refuseMainline: ARCHITECTURES.length - takes(false).length,
    takeWithSeries: takes(true),
  };
}
