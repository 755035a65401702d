/**
 * Where a clone's I/O buffers lie in the physical address space, and how each is cut into scatterlist entries.
 *
 * ```
 * slot:  | entry cell | entry cell | ... | guard page |      scattered: cells in falling order with a gap page
 * ```
 * Every command of every slot has its own cells, so that concurrent I/Os never share a page. The
 * gap and guard pages catch over-copies.
 */
import { alignUp, alignUpWide, PAGE_BYTES, type Phys } from "../../base/addr.ts";
import { DmasimError } from "../../base/errors.ts";
import type { WindowSet } from "../../host/p2p/window_set.ts";
import type { PhysMap, PhysRegion } from "../../memory/physmap.ts";
import type { JobSpec } from "../profile/job.ts";
import { planRoam, type RoamPlan, roamEntries } from "./roam.ts";

const HUGE_PAGE_BYTES = 2 ** 21;
/** Private memory over which a job's buffers roam when it does not say. */
const WORKING_SET_BYTES = 2 ** 30;
const NOTHING_RESERVED: readonly [Phys, Phys] = [0, 0];

/** Placement of all buffers of one clone. */
export interface BufferPlan {
  readonly base: Phys;
  /** Base of the page-less entries of mixed lists. */
  readonly pagelessBase: Phys;
  readonly commandBytes: number;
  /** Bytes from one command's buffer to the next. */
  readonly stride: number;
  readonly cellBytes: number;
  readonly entryBytes: number;
  readonly firstOffset: number;
  readonly entriesMax: number;
  readonly scatter: boolean;
  readonly pagelessShare: number;
  /** The target region's pages have struct pages. */
  readonly hasPages: boolean;
  /** Set for private device memory: the buffers move from I/O to I/O. */
  readonly roam: RoamPlan | null;
  /** Buffers of the ring that commands take in turn; absent = each command has its own. */
  readonly places?: number;
}

/** Hands out buffer memory region by region, from a deterministic start. */
export class BufferAllocator {
  readonly #map: PhysMap;
  readonly #windows: readonly WindowSet[];
  readonly #next = new Map<string, number>();

  constructor(map: PhysMap, windows: readonly WindowSet[] = []) {
    this.#map = map;
    this.#windows = windows;
  }

  plan(job: JobSpec, commandBytes: number, commands: number, reserved: readonly [Phys, Phys]): BufferPlan {
    const region = this.region(job, job.target);
    const set = this.#windows.find(({ memoryStart }) => memoryStart === region.start);
    if (set !== undefined) return this.#roaming(job, region, set, commandBytes, commands);
    const shape = job.sg;
    const entryBytes = Math.max(1, Math.min(shape.entryBytes, commandBytes + shape.offsetBytes));
    const firstOffset =
      entryBytes < PAGE_BYTES ? Math.min(shape.offsetBytes, PAGE_BYTES - entryBytes) : shape.offsetBytes;
    const firstBytes = entryBytes >= PAGE_BYTES ? Math.max(1, entryBytes - firstOffset) : entryBytes;
    const entriesMax = 1 + Math.ceil(Math.max(0, commandBytes - firstBytes) / entryBytes);
    const cellBytes = shape.scatter
      ? alignUp(entryBytes + (entryBytes < PAGE_BYTES ? firstOffset : 0), PAGE_BYTES) + PAGE_BYTES
      : entryBytes;
    const stride = alignUp(cellBytes * entriesMax + firstOffset, PAGE_BYTES) + PAGE_BYTES;
    const places = job.ringBytes === undefined ? commands : Math.max(2 * commands, Math.floor(job.ringBytes / stride));
    const base = this.#take(job, region, stride * places, reserved);
    const pageless = shape.pagelessShare > 0 ? this.#pagelessRegion(job) : null;
    return {
      base,
      pagelessBase: pageless === null ? 0 : this.#take(job, pageless, stride * places, reserved),
      commandBytes,
      stride,
      cellBytes,
      entryBytes,
      firstOffset,
      entriesMax,
      scatter: shape.scatter,
      pagelessShare: shape.pagelessShare,
      hasPages: region.memmap !== "none",
      ...(places === commands ? {} : { places }),
      roam: null,
    };
  }

  /** Every clone of the job has its share of the working set. */
  #roaming(job: JobSpec, region: PhysRegion, set: WindowSet, commandBytes: number, commands: number): BufferPlan {
    const wanted = job.workingSetBytes ?? Math.min(WORKING_SET_BYTES, region.bytes - 2 ** 25);
    const cells = alignUp(commandBytes, PAGE_BYTES) * commands;
    const bytes = Math.max(cells, Math.floor(wanted / job.numjobs));
    const { pageBytes } = set;
    const base = alignUpWide(this.#take(job, region, bytes + pageBytes, NOTHING_RESERVED), pageBytes);
    const at = { set: set.index, base, pageBytes, random: job.rw.startsWith("rand") };
    const roam = planRoam(at, commandBytes, commands, bytes);
    return {
      base,
      pagelessBase: 0,
      commandBytes,
      stride: roam.cellBytes * roam.turns,
      cellBytes: roam.cellBytes,
      entryBytes: roam.cellBytes,
      firstOffset: 0,
      entriesMax: roamEntries(roam),
      scatter: true,
      pagelessShare: 0,
      hasPages: true,
      roam,
    };
  }

  /**
   * Where the buffers lie while hot-added RAM is online: the page allocator takes the highest, for jobs that name no other
   * memory. A job whose buffers are a file goes to RAM while that is truncated. Null = nothing is added, or the job keeps its
   * buffers.
   */
  hotPlan(job: JobSpec, commandBytes: number, commands: number, reserved: readonly [Phys, Phys]): BufferPlan | null {
    if (job.file === "fsdax" && job.pin === undefined)
      return this.plan({ ...job, target: "ram" }, commandBytes, commands, reserved);
    const region = this.#map.regions.findLast(({ hot }) => hot === true);
    if (region === undefined || job.target !== "ram" || job.map === "persistent") return null;
    return this.plan({ ...job, target: region.name }, commandBytes, commands, reserved);
  }

  /** Keeps buffers out of persistent memory that a job works on through a DAX mapping. */
  skip({ region, start, bytes }: { readonly region: string; readonly start: Phys; readonly bytes: number }): void {
    const end = alignUp(start + bytes, PAGE_BYTES) + PAGE_BYTES;
    this.#next.set(region, Math.max(end, this.#next.get(region) ?? 0));
  }

  /** Contiguous memory for a `copy` job's source or destination. */
  area(job: JobSpec, target: string, bytes: number, reserved: readonly [Phys, Phys]): Phys {
    // Large areas come from huge pages, as DMA engine tests allocate them.
    const align = bytes >= HUGE_PAGE_BYTES ? HUGE_PAGE_BYTES : PAGE_BYTES;
    return alignUp(this.#take(job, this.region(job, target), bytes + align - PAGE_BYTES, reserved), align);
  }

  /** Region that a target word names. `ram` is the highest RAM region: where a busy machine's free pages are. */
  region(job: JobSpec, target: string): PhysRegion {
    const regions = this.#map.regions;
    const named =
      target === "ram"
        ? regions.findLast((r) => r.memmap === "ram" && r.hot !== true)
        : regions.find((r) => r.name === target);
    if (named !== undefined) return named;
    throw new DmasimError({
      code: "DMASIM_UNKNOWN_TARGET",
      what: `job ${job.name} names memory that the machine does not have`,
      value: target,
      limit: `targets: ram, ${regions
        .filter((r) => r.memmap !== "ram" && r.kind !== "reserved")
        .map((r) => r.name)
        .join(", ")}`,
      remedy: "name one of them",
      at: job.at,
    });
  }

  #pagelessRegion(job: JobSpec): PhysRegion {
    const name = job.pagelessTarget ?? this.#map.regions.find((r) => r.memmap === "none")?.name;
    if (name !== undefined) return this.region(job, name);
    throw new DmasimError({
      code: "DMASIM_NO_PAGELESS_MEMORY",
      what: `job ${job.name} asks for page-less entries on a machine without page-less memory`,
      value: job.sg.pagelessShare,
      remedy: "give a pmem region `memmap: none`, or set sg.pageless_share to 0",
      at: job.at,
    });
  }

  #take(job: JobSpec, region: PhysRegion, bytes: number, reserved: readonly [Phys, Phys]): Phys {
    // The first pages of a region belong to its owner (firmware, superblocks, a BAR's registers).
    const first = region.bytes > 2 ** 26 ? region.start + 2 ** 24 : region.start;
    let at = this.#next.get(region.name) ?? first;
    if (at < reserved[1] && at + bytes > reserved[0]) at = reserved[1];
    if (at + bytes > region.start + region.bytes) {
      throw new DmasimError({
        code: "DMASIM_TARGET_TOO_SMALL",
        what: `the buffers of job ${job.name} do not fit ${region.name}`,
        value: `${bytes} bytes`,
        limit: `${region.start + region.bytes - at} bytes left`,
        remedy: "lower iodepth, numjobs or bs",
        at: job.at,
      });
    }
    this.#next.set(region.name, alignUp(at + bytes, PAGE_BYTES) + PAGE_BYTES);
    return at;
  }
}

/** Number of entries of a command of `bytes` bytes. */
export function entryCount(plan: BufferPlan, bytes: number): number {
  const first = firstEntryBytes(plan);
  return bytes <= first ? 1 : 1 + Math.ceil((bytes - first) / plan.entryBytes);
}

/** Length of the first entry when the command is longer than it. */
export function firstEntryBytes(plan: BufferPlan): number {
  return plan.entryBytes >= PAGE_BYTES ? Math.max(1, plan.entryBytes - plan.firstOffset) : plan.entryBytes;
}

/** True when entry `i` of a list is page-less: the share is spread evenly over the list. */
export function isPageless(plan: BufferPlan, i: number): boolean {
  const share = plan.pagelessShare;
  return !plan.hasPages || (share > 0 && Math.floor((i + 1) * share) > Math.floor(i * share));
}

/** Physical address of the first byte of entry `i` of command `command`. */
export function entryPhys(plan: BufferPlan, command: number, i: number): Phys {
  const inPageless = plan.hasPages && isPageless(plan, i);
  const base = (inPageless ? plan.pagelessBase : plan.base) + command * plan.stride;
  if (!plan.scatter) {
    return base + plan.firstOffset + (i === 0 ? 0 : firstEntryBytes(plan) + (i - 1) * plan.entryBytes);
  }
  const cell = base + (plan.entriesMax - 1 - i) * plan.cellBytes;
  return cell + (i === 0 || plan.entryBytes < PAGE_BYTES ? plan.firstOffset : 0);
}
