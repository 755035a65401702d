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
import { DEVICE, DOMAIN, REGIONS, WORKER } from "../shm/layout.ts";
import type { ServerStats } from "../timing/server.ts";
import { bottleneckOf, type IoTotals } from "./bottleneck.ts";
import { confidenceOf } from "./confidence.ts";
import type { CloneSpec } from "./load/clones.ts";
import { isPaced } from "./load/pace.ts";
import { forcedNote, stagedNote } from "./load/staged.ts";
import { mismatchCount, readMismatches } from "./mismatch.ts";
import type { JobSpec } from "./profile/job.ts";
import type {
  Bottleneck,
  Confidence,
  HostResult,
  JobResult,
  Leak,
  MemoryEventResult,
  PowerCutResult,
  ResourceResult,
  RunResult,
} from "./result.ts";
import { RESULT_SCHEMA } from "./result.ts";
import { debugResult, type RunDebugPlain } from "./run_debug.ts";
import type { RunSetup } from "./run_setup.ts";
import type { JobStats } from "./stats.ts";
import { loadValidation } from "./validation_summary.ts";
import { windowCounters } from "./window_counters.ts";

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
  readonly powerCut?: PowerCutResult;
  readonly memoryEvents?: readonly MemoryEventResult[];
}

/** Figures of this computer need no model. */
const HOST_CONFIDENCE: Confidence = { level: "host", band: null, parts: [], not_modelled: [] };
const RESOURCES_MAX = 24;

/** The result; `host` holds seconds of elapsed and of CPU time on this computer. */
export function assembleResult(setup: RunSetup, outcome: RunOutcome, host: { wallS: number; cpuS: number }): RunResult {
  const { options, clones } = setup;
  const { machine, profile } = options;
  const virtual = options.clock === "virtual";
  const resources = resourcesOf(outcome);
  const bottleneck = virtual ? bottleneckOf(resources, outcome.servers, totalsOf(setup, outcome.stats)) : null;
  const jobs = profile.jobs.map((_, index) => jobResult(setup, index, outcome.stats[index] as JobStats));
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
    jobs,
    resources: shownOf(resources, bottleneck),
    bottleneck,
    confidence: virtual ? confidenceOf(machine, profile, jobs, resources, loadValidation()) : HOST_CONFIDENCE,
    counters: countersOf(setup, outcome),
    integrity: { leaks: outcome.leaks },
    ...(options.dmaDebug ? { dma_debug: debugResult(setup.arena, outcome.debug) } : {}),
    virtual: virtual ? { duration_ns: outcome.durationNs, events: outcome.events } : null,
    ...((outcome.memoryEvents ?? []).length === 0 ? {} : { memory_events: outcome.memoryEvents ?? [] }),
    ...(outcome.powerCut === undefined ? {} : { power_cut: outcome.powerCut }),
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
    notes: jobNotes(setup, first, job),
    ...(job.latencyTarget === null ? {} : { latency_target: { depth: stats.foundDepth, met: stats.depthMet } }),
  };
}

function jobNotes({ system }: RunSetup, { device, staged, dax }: CloneSpec, job: JobSpec): string[] {
  const forced = dax === null ? forcedNote(system, device, [job.target, job.source]) : null;
  const notes = [...job.ignored];
  if (staged !== null) notes.push(stagedNote(staged));
  if (forced !== null) notes.push(forced);
  return notes;
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
    .sort((a, b) => b.utilization - a.utilization || (a.name < b.name ? -1 : 1));
}

/** The busiest ones, and those that the verdict names. */
function shownOf(all: readonly ResourceResult[], bottleneck: Bottleneck | null): ResourceResult[] {
  const named = new Set([bottleneck?.resource, ...(bottleneck?.next ?? []).map(({ resource }) => resource)]);
  const others = RESOURCES_MAX - named.size;
  let kept = 0;
  return all.filter(({ name }) => named.has(name) || kept++ < others);
}

/** I/Os of all jobs, and their mean latency. */
function totalsOf({ options }: RunSetup, stats: readonly JobStats[]): IoTotals {
  const results = stats.flatMap(({ read, write }) => [read.result(), write.result()]);
  const ios = results.reduce((sum, { total_ios }) => sum + total_ios, 0);
  const ns = results.reduce((sum, { total_ios, clat_ns }) => sum + total_ios * clat_ns.mean, 0);
  return { ios, meanNs: ios === 0 ? 0 : ns / ios, paced: options.profile.jobs.some(isPaced) };
}

/** Whole-domain invalidations of lazy domains, the one that empties their queues at the end included. */
function domainFlushes(arena: Arena, devices: readonly DmaDevice[]): number {
  return devices.reduce((sum, { domain }) => {
    return domain === null ? sum : sum + (arena.u32[domainWord(domain.index) + DOMAIN.flushFinish] as number);
  }, 0);
}

/** Invalidations of devices' own TLBs; nothing on a machine without ATS. */
function deviceTlbFlushes(arena: Arena, devices: readonly DmaDevice[]): Record<string, number> {
  const caching = devices.filter(({ domain }) => domain?.ats === true);
  if (caching.length === 0) return {};
  const flushesOf = ({ index }: DmaDevice) =>
    arena.u32[REGIONS.devices.word + index * DEVICE.WORDS + DEVICE.tlbFlushes] as number;
  return { device_tlb_flushes: caching.reduce((sum, device) => sum + flushesOf(device), 0) };
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
      ...deviceTlbFlushes(arena, system.devices),
    },
    iotlb: { lookups: outcome.iotlbLookups, misses: outcome.iotlbMisses },
    ...(pool === null ? {} : { swiotlb: swiotlbCounters(arena, pool) }),
    ...windowCounters(arena, system, outcome.stats),
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
