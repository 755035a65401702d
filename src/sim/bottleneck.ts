/**
 * What limits a run: the saturated resource, or, when there is none, the latency of one I/O.
 *
 * Servers do work; holders (tags, credits) and CPUs are also busy while they wait for somebody else's. So a saturated server
 * explains a saturated holder, and both explain a CPU that spins: they are looked at in that order.
 */
import { formatNs } from "../base/units.ts";
import type { ServerStats } from "../timing/server.ts";
import type { Bottleneck, NextLimit, ResourceResult } from "./result.ts";

/** Busier than this is saturated: queues in front of it grow faster than its throughput. */
export const SATURATED = 0.85;
const NEXT_SHOWN = 2;
/** One kind of service that takes this much of the mean latency makes a run latency bound. */
const LATENCY_BOUND_SHARE = 0.4;

interface KindText {
  /** What being saturated means. */
  readonly because: string;
  readonly moves: readonly string[];
}

const KINDS: Readonly<Record<string, KindText>> = {
  media: {
    because: "all its parallel places are taken",
    moves: ["more devices", "a device of lower latency or higher parallelism"],
  },
  device: {
    because: "the device takes no more commands or bytes a second",
    moves: ["more devices", "larger blocks when commands limit", "another device preset"],
  },
  link: {
    because: "the wire carries no more TLPs",
    moves: ["a faster or wider link", "larger MPS", "devices on other ports"],
  },
  iommu: {
    because: "all page walkers are busy with IOTLB misses",
    moves: [
      "larger pages (iommu.page_bytes)",
      "persistent mappings",
      "passthrough",
      "devices behind another IOMMU unit",
    ],
  },
  memory: {
    because: "the node's channels carry no more bytes",
    moves: ["buffers on both nodes", "more channels (dram.channels)", "a footprint that fits the last-level cache"],
  },
  invalidation: {
    because: "every unmap waits for its own invalidation, one after the other",
    moves: ["lazy mode", "persistent mappings (map: persistent)", "devices behind another IOMMU unit"],
  },
  lock: {
    because: "CPUs take turns to hold it",
    moves: ["persistent mappings (map: persistent)", "fewer CPUs on one device"],
  },
  "bounce pool": {
    because: "CPUs take turns to find slots",
    moves: ["more swiotlb areas (swiotlb.areas)", "a device that reaches all memory"],
  },
  tags: {
    because: "all read requests that the function may have outstanding are; each waits for its round trip",
    moves: ["more tags (link.ext_tags)", "larger MRRS", "a shorter way to memory", "writes instead of reads"],
  },
  credits: {
    because: "the receiver's buffer is full; each place waits for the memory behind it",
    moves: ["larger TLPs (MPS)", "a shorter way to memory: local node, IOTLB hits", "devices on other root ports"],
  },
  cpu: {
    because: "submitting, mapping, copying and unmapping take all its time",
    moves: ["more jobs on other CPUs", "persistent mappings (map: persistent)", "larger blocks"],
  },
};

/** Kinds for which a CPU waits actively. */
const SPUN_FOR: ReadonlySet<string> = new Set(["lock", "invalidation", "bounce pool"]);
const SPIN_SHARE_MIN = 0.2;
const HOLDERS: ReadonlySet<string> = new Set(["tags", "credits"]);
/** What moves a latency bound, by the kind of resource that takes most of one I/O. */
const LATENCY_MOVES: Readonly<Record<string, string>> = {
  media: "media of lower latency",
  cpu: "persistent mappings (map: persistent)",
  link: "a faster link",
  invalidation: "lazy mode",
};

/** What the run's I/O did, all jobs together. */
export interface IoTotals {
  readonly ios: number;
  readonly meanNs: number;
  /** A job has a rate or thinks between I/Os: it may not want more than it got. */
  readonly paced: boolean;
}

/** Null when there was nothing to limit. `resources` in falling order of utilization. */
export function bottleneckOf(
  resources: readonly ResourceResult[],
  servers: readonly ServerStats[],
  totals: IoTotals,
): Bottleneck | null {
  const [busiest] = resources;
  if (busiest === undefined || totals.ios === 0) return null;
  const top = saturatedOf(resources);
  if (top === undefined) return unsaturated(busiest, resources, servers, totals);
  const { because = "", moves = [] } = KINDS[top.kind] ?? {};
  const spins = top.kind === "cpu" ? spinText(servers) : "";
  const why = `${top.name} is ${percent(top.utilization)} busy${because === "" ? "" : `: ${because}${spins}`}`;
  return {
    bound: "resource",
    resource: top.name,
    share: top.utilization,
    why,
    moves,
    next: nextOf(resources, top),
  };
}

function saturatedOf(resources: readonly ResourceResult[]): ResourceResult | undefined {
  const saturated = resources.filter(({ utilization }) => utilization >= SATURATED);
  return (
    saturated.find(({ kind }) => kind !== "cpu" && !HOLDERS.has(kind)) ??
    saturated.find(({ kind }) => kind !== "cpu") ??
    saturated[0]
  );
}

/** What CPUs spend waiting for one another, where it is much of their time. */
function spinText(servers: readonly ServerStats[]): string {
  const spun = servers.filter(({ kind, waitPs }) => SPUN_FOR.has(kind) && waitPs > 0);
  const cpuPs = servers.reduce((sum, { kind, busyPs }) => (kind === "cpu" ? sum + busyPs : sum), 0);
  const spinPs = spun.reduce((sum, { waitPs }) => sum + waitPs, 0);
  if (spinPs === 0 || spinPs < cpuPs * SPIN_SHARE_MIN) return "";
  const worst = spun.reduce((most, server) => (server.waitPs > most.waitPs ? server : most));
  return `; ${percent(Math.min(1, spinPs / cpuPs))} of CPU time waits for other CPUs, most at ${worst.name}`;
}

/** The next ones of other kinds. Holders and CPUs that only wait for the bottleneck say nothing about themselves. */
function nextOf(resources: readonly ResourceResult[], top: ResourceResult | null): NextLimit[] {
  const waits = (kind: string) => top !== null && top.kind !== "cpu" && (kind === "cpu" || HOLDERS.has(kind));
  const kinds = new Set(top === null ? [] : [top.kind]);
  const next: NextLimit[] = [];
  for (const { name, kind, utilization } of resources) {
    if (kinds.has(kind) || (waits(kind) && utilization >= SATURATED) || utilization === 0) continue;
    kinds.add(kind);
    next.push({ resource: name, share: utilization, headroom: Math.round(100 / utilization) / 100 });
    if (next.length === NEXT_SHOWN) break;
  }
  return next;
}

/** Nothing is saturated: the load sets its own pace, or each I/O waits for the one before it. */
function unsaturated(
  busiest: ResourceResult,
  resources: readonly ResourceResult[],
  servers: readonly ServerStats[],
  totals: IoTotals,
): Bottleneck {
  const shared = { resource: busiest.name, share: busiest.utilization, next: nextOf(resources, busiest) };
  const idle = `nothing is saturated (${busiest.name} is ${percent(busiest.utilization)} busy)`;
  if (totals.paced) return { ...shared, bound: "pace", why: `the load sets the pace; ${idle}`, moves: [] };
  const [kind, ns] = longestPart(servers, totals.ios);
  const { moves = [] } = KINDS[busiest.kind] ?? {};
  // Jobs that take turns, or ramps: busy by turns, or waiting for something that has no server.
  if (ns < totals.meanNs * LATENCY_BOUND_SHARE) return { ...shared, bound: "mixed", why: idle, moves };
  const why = `latency bound: ${kind} ${formatNs(ns)} of ${formatNs(totals.meanNs)}; ${idle}`;
  const faster = LATENCY_MOVES[kind];
  const deeper = ["a higher iodepth", ...(faster === undefined ? [] : [faster])];
  return { ...shared, bound: "latency", why, moves: deeper };
}

/** Kind of resource that serves an I/O longest, and for how long. Places that are held while others work do not count. */
function longestPart(servers: readonly ServerStats[], ios: number): [string, number] {
  const busyPs = new Map<string, number>();
  for (const { kind, busyPs: ps } of servers) if (!HOLDERS.has(kind)) busyPs.set(kind, (busyPs.get(kind) ?? 0) + ps);
  const [kind, ps] = [...busyPs].reduce((best, next) => (next[1] > best[1] ? next : best), ["cpu", 0] as [
    string,
    number,
  ]);
  return [kind, ps / 1000 / ios];
}

function percent(share: number): string {
  return share < 1 && share >= 0.995 ? ">99 %" : `${Math.round(share * 100)} %`;
}
