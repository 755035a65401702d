/** Puts together the result of a run from what the clock's driver measured. */
import { availableParallelism } from "node:os";
import type { PathName } from "../base/cost.ts";
import { formatBytes } from "../base/units.ts";
import { packageVersion } from "../base/version.ts";
import { faultCount } from "../device/fault.ts";
import type { WorkerReport } from "../host/coordinator.ts";
import type { BouncePool, DmaDevice } from "../host/dma/device.ts";
import { grownPools, slotsTotal } from "../host/swiotlb/grown.ts";
import { slotsUsedHiwater } from "../host/swiotlb/pool.ts";
import { transientSlots, transientsMade } from "../host/swiotlb/transient.ts";
import { chunksUsed } from "../memory/backing.ts";
import { memoryImage } from "../memory/image.ts";
import { framesUsed } from "../pagetable/frames.ts";
import type { Arena } from "../shm/arena.ts";
import { CHUNK_BYTES } from "../shm/capacities.ts";
import { domainWord } from "../shm/domain_record.ts";
import { DOMAIN, REGIONS, WORKER } from "../shm/layout.ts";
import type { ServerStats } from "../timing/server.ts";
import type { CloneSpec } from "./load/clones.ts";
import { mismatchCount, readMismatches } from "./mismatch.ts";
import type { Bottleneck, HostResult, JobResult, Leak, ResourceResult, RunResult } from "./result.ts";
import { RESULT_SCHEMA } from "./result.ts";
import { debugResult, type RunDebugPlain } from "./run_debug.ts";
import type { RunSetup } from "./run_setup.ts";
import type { JobStats } from "./stats.ts";

/** What a clock's driver hands over. */
export interface RunOutcome {
  readonly stats: readonly JobStats[];
  readonly servers: readonly ServerStats[];
  readonly durationNs: number;
  readonly events: number;
  readonly partial: boolean;
  readonly failure: WorkerReport | null;
  readonly leaks: readonly Leak[];
  /** Sessions of dma-debug, one a thread. */
  readonly debug: readonly RunDebugPlain[];
  readonly iotlbLookups: number;
  readonly iotlbMisses: number;
}

const NOT_MODELLED = ["FTL and thermal limits", "CPU caches and NUMA", "completion moderation"];
const RESOURCES_MAX = 24;

/** The result; `host` holds seconds of elapsed and of CPU time on this computer. */
export function assembleResult(setup: RunSetup, outcome: RunOutcome, host: { wallS: number; cpuS: number }): RunResult {
  const { options, clones } = setup;
  const { machine, profile } = options;
  const virtual = options.clock === "virtual";
  const resources = resourcesOf(outcome);
  const cut = profile.jobs.filter((_, index) => outcome.stats[index]?.cut === true).map((job) => job.name);
  return {
    schema: RESULT_SCHEMA,
    version: packageVersion(),
    seed: setup.load.seed,
    clock: options.clock,
    machine: {
      name: machine.name,
      title: machine.title,
      era: machine.era,
      defects: machine.defects,
      iommu: machine.iommu.kind === "none" ? "none" : machine.iommu.mode,
    },
    profile: { name: profile.name, jobs: profile.jobs.map(({ at: _at, ...job }) => job) },
    ...(cut.length > 0 ? { scaled: { limit: limitText(setup), full: fullText(setup, cut), jobs: cut } } : {}),
    ...(outcome.partial ? { partial: true as const } : {}),
    jobs: profile.jobs.map((_, index) => jobResult(setup, index, outcome.stats[index] as JobStats)),
    resources,
    bottleneck: virtual && hasIo(outcome) ? bottleneckOf(resources) : null,
    confidence: { level: virtual ? "uncalibrated" : "host", band: null, not_modelled: virtual ? NOT_MODELLED : [] },
    counters: countersOf(setup, outcome),
    integrity: { leaks: outcome.leaks },
    ...(options.dmaDebug ? { dma_debug: debugResult(setup.arena, outcome.debug) } : {}),
    virtual: virtual ? { duration_ns: outcome.durationNs, events: outcome.events } : null,
    notes: notesOf(clones),
    host: hostResult(setup, outcome, host),
  };
}

function jobResult(setup: RunSetup, index: number, stats: JobStats): JobResult {
  const job = setup.options.profile.jobs[index] as (typeof setup.options.profile.jobs)[number];
  const mine = setup.clones.filter((clone) => clone.jobIndex === index);
  const first = mine[0] as CloneSpec;
  const perCommand = (ns: number): number => (stats.commands === 0 ? 0 : Math.round((ns / stats.commands) * 10) / 10);
  return {
    jobname: job.name,
    groupid: first.group,
    clones: mine.length,
    device: first.dax === null ? (setup.options.machine.devices[first.device]?.name ?? "?") : first.dax.region,
    target: job.target,
    depth: first.depth,
    ...(first.depthNote === null ? {} : { depth_note: first.depthNote }),
    read: stats.read.result(),
    write: stats.write.result(),
    error: stats.errors,
    ...(stats.errorText === null ? {} : { error_text: stats.errorText }),
    path: stats.pathShares() as Record<PathName, number>,
    map_ns: perCommand(stats.mapNs),
    unmap_ns: perCommand(stats.unmapNs),
    faults: stats.faults,
    retries: stats.retries,
    verified_ios: stats.verifiedIos,
    notes: job.ignored,
    ...(job.latencyTarget === null ? {} : { latency_target: { depth: stats.foundDepth, met: stats.depthMet } }),
  };
}

/** A run without a finished I/O was limited by nothing. */
function hasIo(outcome: RunOutcome): boolean {
  return outcome.stats.some((stats) => stats.read.ios + stats.write.ios > 0);
}

function resourcesOf(outcome: RunOutcome): ResourceResult[] {
  const durationPs = Math.max(1, outcome.durationNs * 1000);
  return outcome.servers
    .filter((server) => server.busyPs > 0)
    .map((server) => ({
      name: server.name,
      kind: server.kind,
      // Work that ends after the last I/O is not part of the run's time.
      utilization: Math.min(1, Math.round((server.busyPs / (durationPs * server.width)) * 1e6) / 1e6),
      wait_ns: Math.round(server.waitPs / 1000),
    }))
    .sort((a, b) => b.utilization - a.utilization || (a.name < b.name ? -1 : 1))
    .slice(0, RESOURCES_MAX);
}

const MOVES: Readonly<Record<string, readonly string[]>> = {
  cpu: ["more jobs on other CPUs", "persistent mappings (map: persistent)", "larger blocks"],
  media: ["more devices", "higher iodepth if the media is not saturated", "another device preset"],
  device: ["more devices", "larger blocks"],
  link: ["a faster or wider link", "more devices"],
  iommu: ["larger pages", "persistent mappings", "passthrough"],
  invalidation: ["lazy mode", "persistent mappings", "devices behind another IOMMU unit"],
  "bounce pool": ["more swiotlb areas", "a device that reaches all memory"],
  lock: ["persistent mappings", "fewer CPUs on one device"],
};

const SATURATED = 0.85;

/** The busiest resource; but a CPU that waits for a saturated lock or queue is busy only because of that. */
function limitingResource(resources: readonly ResourceResult[]): ResourceResult | undefined {
  const [top] = resources;
  if (top?.kind !== "cpu") return top;
  return resources.find((resource) => resource.kind !== "cpu" && resource.utilization >= SATURATED) ?? top;
}

function bottleneckOf(resources: readonly ResourceResult[]): Bottleneck | null {
  const top = limitingResource(resources);
  if (top === undefined) return null;
  const busy = `${Math.round(top.utilization * 100)} % busy`;
  const why =
    top.utilization > 0.8
      ? `${top.name} is ${busy}`
      : `nothing is saturated; the busiest resource, ${top.name}, is ${busy}`;
  return { resource: top.name, share: top.utilization, why, moves: MOVES[top.kind] ?? [] };
}

/** Whole-domain invalidations of lazy domains, the one that empties their queues at the end included. */
function domainFlushes(arena: Arena, devices: readonly DmaDevice[]): number {
  return devices.reduce((sum, { domain }) => {
    return domain === null ? sum : sum + (arena.u32[domainWord(domain.index) + DOMAIN.flushFinish] as number);
  }, 0);
}

function swiotlbCounters(arena: Arena, pool: BouncePool): Record<string, number> {
  const booted = { slots: slotsTotal(arena, pool), used_hiwater: slotsUsedHiwater(arena, pool) };
  if (pool.growth === undefined) return booted;
  return {
    ...booted,
    grown_pools: grownPools(arena, pool),
    transient_pools: transientsMade(arena, pool),
    transient_nslabs: transientSlots(arena, pool),
  };
}

function countersOf(setup: RunSetup, outcome: RunOutcome): Record<string, Record<string, number>> {
  const { arena, system } = setup;
  const pool = system.pool;
  return {
    // A fault number, not host state: the same under every number of workers.
    iommu: {
      faults: faultCount(arena),
      table_frames: framesUsed(arena),
      domain_flushes: domainFlushes(arena, system.devices),
    },
    iotlb: { lookups: outcome.iotlbLookups, misses: outcome.iotlbMisses },
    ...(pool === null ? {} : { swiotlb: swiotlbCounters(arena, pool) }),
  };
}

function notesOf(clones: readonly CloneSpec[]): string[] {
  const notes = new Set<string>();
  for (const clone of clones) {
    if (clone.dax !== null && clone.job.sizeBytes === null) {
      notes.add(
        `job ${clone.job.name}: the DAX extent is cut to ${clone.dax.bytes} bytes, so that its bytes fit the arena`,
      );
    }
  }
  return [...notes];
}

const FULL_JOBS_SHOWN = 3;

/** What the cut jobs would do without the limit, e.g. "seq-write: 900 s". */
function fullText(setup: RunSetup, cut: readonly string[]): string {
  const texts = setup.options.profile.jobs
    .filter((job) => cut.includes(job.name))
    .map((job) => {
      if (job.timeBased && job.runtimeNs !== null) return `${job.name}: ${job.runtimeNs / 1e9} s`;
      const clone = setup.clones.find((candidate) => candidate.job === job);
      const bytes = (clone?.limits.passBytes ?? 0) * job.loops * job.numjobs;
      return `${job.name}: ${formatBytes(bytes)}`;
    });
  const more = texts.length > FULL_JOBS_SHOWN ? [`and ${texts.length - FULL_JOBS_SHOWN} more jobs`] : [];
  return [...texts.slice(0, FULL_JOBS_SHOWN), ...more].join(", ");
}

function limitText(setup: RunSetup): string {
  const { limitIos, limitSeconds } = setup.options;
  const parts = [];
  if (limitIos !== null) parts.push(`${limitIos} I/Os a job (--limit-ios)`);
  if (limitSeconds !== null) parts.push(`${limitSeconds} s (--limit-seconds)`);
  return parts.join(" or ");
}

function hostResult(setup: RunSetup, outcome: RunOutcome, host: { wallS: number; cpuS: number }): HostResult {
  const { arena, options } = setup;
  let verified = 0;
  let copied = 0;
  for (let worker = 0; worker < options.workers; worker += 1) {
    const base = REGIONS.workers.word + worker * REGIONS.workers.stride;
    verified += arena.f64[(base + WORKER.verified) >>> 1] as number;
    copied += arena.f64[(base + WORKER.copied) >>> 1] as number;
  }
  const ios = outcome.stats.reduce((sum, stats) => sum + stats.read.ios + stats.write.ios, 0);
  const names = options.profile.jobs.map((job) => job.name);
  const failure = outcome.failure;
  return {
    workers: options.workers,
    payload: options.payload,
    integrity: {
      bytes_verified: verified,
      mismatches: mismatchCount(arena),
      first: readMismatches(arena, names, setup.load.seed),
    },
    ...(options.image && options.payload ? { memory_image: memoryImage(arena) } : {}),
    wall_s: host.wallS,
    cpu_s: host.cpuS,
    bytes_per_s: copied / host.wallS,
    ios_per_s: ios / host.wallS,
    peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
    node: process.version,
    cpus: availableParallelism(),
    touched_bytes: chunksUsed(arena) * CHUNK_BYTES,
    ...(failure === null
      ? {}
      : {
          worker_failure: {
            worker: failure.worker,
            cause: failure.cause,
            locks: failure.locks,
            in_flight: failure.inFlight,
          },
        }),
  };
}
