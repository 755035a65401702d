/**
 * Job clones: every job times `numjobs`, with the device queue, the buffers and the limits of each.
 *
 * Pure: the main thread and every worker compute the same list from the same machine, profile and options.
 */
import { PAGE_BYTES, type Phys } from "../../base/addr.ts";
import { DmasimError } from "../../base/errors.ts";
import type { DmaDevice } from "../../host/dma/device.ts";
import { type DmaClamp, maxRequestBytes, requestBytes } from "../../host/dma/request_split.ts";
import { UNIT_BYTES } from "../../memory/pattern.ts";
import { QPAIR_DEPTH, QPAIRS_MAX } from "../../shm/capacities.ts";
import type { Device, DeviceClass } from "../machine/description.ts";
import type { JobSpec, Profile } from "../profile/job.ts";
import type { System } from "../system.ts";
import { BufferAllocator, type BufferPlan } from "./buffers.ts";
import { tooManyClones, tooManyCommands } from "./clone_errors.ts";
import { type Extent, ExtentMap } from "./extents.ts";
import { type CopyAreas, planMemory } from "./memory.ts";
import type { StagedWay } from "./staged.ts";
import { largestBytes, type WorkloadLimits } from "./workload.ts";

/** The options of a run that change what the clones do. */
export interface LoadOptions {
  readonly seed: number;
  readonly assumeDirect: boolean;
  /** I/Os a job may do; null = no limit. */
  readonly limitIos: number | null;
}

/** A DAX mapping: the CPU copies between the clone's buffer and [start, start + bytes) of persistent memory. */
export interface DaxMapping {
  readonly start: number;
  readonly bytes: number;
  readonly region: string;
}

/** One clone, resolved; `cpu`, `device` and `engine` are indexes in the machine. */
export interface CloneSpec {
  readonly index: number;
  readonly jobIndex: number;
  /** Number of the clone inside its job. */
  readonly number: number;
  readonly job: JobSpec;
  readonly cpu: number;
  readonly device: number;
  /** Engine (device queue) that serves the clone. */
  readonly engine: number;
  /** Stonewall group; groups run one after the other. */
  readonly group: number;
  /** I/Os in flight at most, and why that is not `iodepth`. */
  readonly depth: number;
  readonly depthNote: string | null;
  /** Set for engines without DMA (dev-dax): no engine and no mapping are involved. */
  readonly dax: DaxMapping | null;
  /** Commands an I/O of the largest size is split into. */
  readonly commandsPerIo: number;
  readonly commandBytesMax: number;
  readonly extent: Extent;
  readonly isStream: boolean;
  readonly buffers: BufferPlan | null;
  /** Where buffers lie while hot-added RAM is online; null = where they are. */
  readonly hotBuffers: BufferPlan | null;
  /** Memory of the clone's submission and completion queue, a page each, when the device reaches it through an IOMMU; else 0. */
  readonly queuesPhys: Phys;
  readonly copy: CopyAreas | null;
  /** Set when the data of a target or source are staged through memory. */
  readonly staged: StagedWay | null;
  /** BAR area of staged buffers, laid out as they are; null = not staged. */
  readonly peerBase: number | null;
  readonly limits: WorkloadLimits;
  /** The job would do more than the limit lets it. */
  readonly scaled: boolean;
  readonly seed: number;
}

/** All clones of a profile on a machine. */
export function planClones(system: System, profile: Profile, options: LoadOptions): CloneSpec[] {
  const total = profile.jobs.reduce((sum, job) => sum + job.numjobs, 0);
  if (total > QPAIRS_MAX) throw tooManyClones(profile, total);
  const extents = new ExtentMap(system.machine);
  const allocator = new BufferAllocator(system.map);
  const clones: CloneSpec[] = [];
  const queueOf = new Map<number, number>();
  for (const job of profile.jobs) if (job.submission === "cpu") allocator.skip(daxMapping(system, job));
  let group = 0;
  for (const [jobIndex, job] of profile.jobs.entries()) {
    if (job.stonewall && jobIndex > 0) group += 1;
    for (let number = 0; number < job.numjobs; number += 1) {
      const dax = job.submission === "cpu" ? daxMapping(system, job) : null;
      const extent = dax === null ? extents.resolve(job, number) : { device: 0, start: 0, bytes: dax.bytes };
      const nextQueue = queueOf.get(extent.device) ?? 0;
      queueOf.set(extent.device, nextQueue + 1);
      clones.push(
        planClone(
          system,
          options,
          allocator,
          { profile, job, jobIndex, number, group, extent, dax, nextQueue },
          clones.length,
        ),
      );
    }
  }
  return clones;
}

interface Seat {
  readonly profile: Profile;
  readonly job: JobSpec;
  readonly jobIndex: number;
  readonly number: number;
  readonly group: number;
  readonly extent: Extent;
  readonly dax: DaxMapping | null;
  readonly nextQueue: number;
}

/** A page of submission entries (64 B each) and one of completion entries (16 B each). */
export const QUEUE_BYTES = 2 * PAGE_BYTES;

function planClone(
  system: System,
  options: LoadOptions,
  allocator: BufferAllocator,
  seat: Seat,
  index: number,
): CloneSpec {
  const { job, extent } = seat;
  const device = system.machine.devices[extent.device] as Device;
  const ioBytes = largestBytes(job);
  const isCopy = job.rw === "copy";
  const commandBytesMax =
    isCopy || seat.dax !== null ? ioBytes : Math.min(ioBytes, commandLimit(system, device, extent.device, job));
  const commandsPerIo = Math.ceil(ioBytes / commandBytesMax);
  const { depth, depthNote } = fitQueue(job, effectiveDepth(job, options.assumeDirect), commandsPerIo);
  const copyBytes = isCopy ? (job.copyTest?.bufBytes ?? Math.min(extent.bytes, job.sizeBytes ?? extent.bytes)) : 0;
  const commands = depth * commandsPerIo;
  const cut = limitsOf(job, extent, options, depth);
  return {
    index,
    jobIndex: seat.jobIndex,
    number: seat.number,
    job,
    cpu: index - Math.floor(index / system.machine.cpus.count) * system.machine.cpus.count,
    device: extent.device,
    engine: system.engineOf(extent.device, job.copyTest?.channel ?? seat.nextQueue),
    group: seat.group,
    depth,
    depthNote,
    dax: seat.dax,
    commandsPerIo,
    commandBytesMax,
    extent,
    isStream: seat.dax !== null || device.medium?.kind !== "block",
    ...planMemory(system, allocator, seat, { copyBytes: isCopy ? copyBytes : null, commandBytesMax, commands }),
    hotBuffers:
      isCopy || seat.dax !== null ? null : allocator.hotPlan(job, commandBytesMax, commands, system.bounceRange),
    queuesPhys:
      system.devices[extent.device]?.domain != null && device.link !== null
        ? allocator.area(job, "ram", QUEUE_BYTES, system.bounceRange)
        : 0,
    limits: cut.limits,
    scaled: cut.scaled,
    seed: cloneSeed(job, options.seed),
  };
}

/** Touched persistent memory needs backing, so a DAX job works on this much of its region at most. */
export const DAX_BYTES_MAX = 2 ** 30;

/** `/dev/daxN...` is the machine's N-th pmem region. */
function daxMapping(system: System, job: JobSpec): DaxMapping {
  const regions = system.machine.memory.filter((region) => region.kind === "pmem");
  const number = Number(/dax(\d+)/.exec(job.filenames[0] ?? "")?.[1] ?? 0);
  const region = regions.find((candidate) => candidate.name === job.target) ?? regions[number];
  if (region !== undefined) {
    return {
      start: region.start,
      bytes: Math.min(region.bytes, job.sizeBytes ?? region.bytes, DAX_BYTES_MAX),
      region: region.name,
    };
  }
  throw new DmasimError({
    code: "DMASIM_NO_PMEM",
    what: `job ${job.name} copies to persistent memory that machine ${system.machine.name} does not have`,
    value: job.filenames[0] ?? job.target,
    limit: `pmem regions: ${regions.map((candidate) => candidate.name).join(", ") || "none"}`,
    remedy: "choose a machine with a pmem region (dmasim list machines)",
    at: job.at,
  });
}

interface Depth {
  readonly depth: number;
  readonly depthNote: string | null;
}

/** fio: synchronous engines ignore iodepth; Linux AIO on buffered files blocks in submission. */
function effectiveDepth(job: JobSpec, assumeDirect: boolean): Depth {
  if (job.submission === "cpu") return { depth: 1, depthNote: `${job.ioengine} completes I/O in the submitting call` };
  if (job.submission === "depth1") {
    return { depth: 1, depthNote: job.iodepth > 1 ? `${job.ioengine} is synchronous` : null };
  }
  if (!job.direct && !assumeDirect && job.ioengine === "libaio") {
    const depthNote = "buffered libaio submits one I/O at a time (direct=0); --assume-direct runs it as direct I/O";
    return { depth: 1, depthNote };
  }
  const depthNote = !job.direct && assumeDirect ? "run as direct I/O (--assume-direct)" : null;
  return { depth: job.iodepth, depthNote };
}

/** Which limit of the DMA layer a class's driver asks for (dma_opt_mapping_size or dma_max_mapping_size). */
const CLAMPS: Readonly<Partial<Record<DeviceClass, DmaClamp>>> = {
  nvme: "optimal",
  ahci: "maximum",
  "virtio-blk": "maximum",
};

/** Largest command: what the block layer makes one request of (max_sectors, max_segments). */
function commandLimit(system: System, device: Device, index: number, job: JobSpec): number {
  const queue = {
    maxTransferBytes: device.maxTransferBytes,
    maxSegments: device.maxSegments,
    maxSegBytes: device.maxSegBytes,
    logicalBlockBytes: UNIT_BYTES,
    clamp: CLAMPS[device.class] ?? "none",
  };
  const { machine } = system;
  const ram = machine.memory.filter((region) => region.memmap === "ram" && region.hot !== true);
  const lastRamPage = Math.max(...ram.map((region) => region.start + region.bytes)) - PAGE_BYTES;
  const maxBytes = maxRequestBytes(machine.era, system.devices[index] as DmaDevice, queue, lastRamPage);
  return requestBytes(maxBytes, queue, job.sg.entryBytes);
}

/** A queue holds fewer than QPAIR_DEPTH commands: more wait in the block layer, as on hardware without free tags. */
function fitQueue(job: JobSpec, depth: Depth, commandsPerIo: number): Depth {
  if (depth.depth * commandsPerIo < QPAIR_DEPTH) return depth;
  const fitting = Math.floor((QPAIR_DEPTH - 1) / commandsPerIo);
  if (fitting === 0) throw tooManyCommands(job, commandsPerIo);
  const note = `the queue holds ${QPAIR_DEPTH - 1} commands, and an I/O is split into ${commandsPerIo}`;
  return { depth: fitting, depthNote: depth.depthNote === null ? note : `${depth.depthNote}; ${note}` };
}

function limitsOf(
  job: JobSpec,
  extent: Extent,
  options: LoadOptions,
  depth: number,
): { limits: WorkloadLimits; scaled: boolean } {
  const percent = job.ioSizePercent === null ? null : (extent.bytes * job.ioSizePercent) / 100;
  const passBytes = job.ioSizeBytes ?? percent ?? extent.bytes;
  const endless = job.timeBased && job.runtimeNs !== null;
  const smallest = largestBytes(job);
  const wanted = endless
    ? Number.POSITIVE_INFINITY
    : Math.min((passBytes * job.loops) / smallest, job.numberIos ?? Number.POSITIVE_INFINITY);
  // The verify pass reads every written block back: half of the limit is for it.
  const share = options.limitIos === null ? Number.POSITIVE_INFINITY : Math.ceil(options.limitIos / job.numjobs);
  const allowed = job.verifyPass && writes(job) ? Math.ceil(share / 2) : share;
  const iosMax = Math.max(depth === 0 ? 0 : 1, Math.min(allowed, job.numberIos ?? Number.POSITIVE_INFINITY));
  return {
    limits: { extentBytes: extent.bytes, passBytes, loops: job.loops, iosMax, endless },
    scaled: wanted > allowed,
  };
}

/** True when the job can issue writes; a `copy` job cannot. */
export function writes(job: JobSpec): boolean {
  return job.rw === "write" || job.rw === "randwrite" || job.rw === "rw" || job.rw === "randrw";
}

/** fio: randrepeat uses one fixed sequence, otherwise every clone of every run differs; both follow the run's seed here. */
function cloneSeed(job: JobSpec, seed: number): number {
  return job.randseed ?? seed;
}
