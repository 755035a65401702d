/**
 * Memory hotplug under load: at its event, RAM comes online and the page allocator hands it out from then on; or it goes,
 * when nothing in it is pinned.
 *
 * ```
 * hot_add ─► blocks checked ─► buffers of later I/Os lie there ─► what the device cannot reach bounces
 * hot_remove ─► later I/Os lie elsewhere ─► pinned pages? ─ none ─► offline
 *                                              └ some: try again after 1 ms, -EBUSY when the wait is over
 * truncate ─► later I/Os of the job lie in RAM ─► the same question about the file's pages
 * ```
 */
import { PATH_NAMES, type PathName } from "../../base/cost.ts";
import { memoryBlockBytes, planHotAdd, tryOffline } from "../../memory/memory_block.ts";
import type { Arena } from "../../shm/arena.ts";
import type { Machine } from "../machine/description.ts";
import { reachOf } from "../machine/memory_view.ts";
import type { HotAddEvent, HotRemoveEvent, TruncateEvent } from "../profile/events.ts";
import type { DeviceReach, MemoryEventResult } from "../result.ts";
import type { JobStats } from "../stats.ts";
import type { Lane } from "./lane.ts";

/** Pause between two tries to take pinned memory offline (assumed: a loop that yields and migrates again). */
export const OFFLINE_RETRY_NS = 1e6;
const EBUSY = -16;

type MemoryEvent = HotAddEvent | HotRemoveEvent | TruncateEvent;

interface Pending {
  readonly event: MemoryEvent;
  outcome: MemoryEventResult["outcome"];
  ret: number;
  tries: number;
  waitedNs: number;
  pinnedPages: number;
  blocks: number;
  memmapBytes: number;
  usableBytes: number;
  devices: readonly DeviceReach[];
  before: readonly Float64Array[];
}

/** The hotplug events of one run. */
export class MemoryEvents {
  readonly #arena: Arena;
  readonly #machine: Machine;
  readonly #lanes: readonly Lane[];
  readonly #stats: readonly JobStats[];
  readonly #names: readonly string[];
  readonly #pending: readonly Pending[];

  constructor(
    arena: Arena,
    machine: Machine,
    events: readonly MemoryEvent[],
    lanes: readonly Lane[],
    stats: readonly JobStats[],
  ) {
    this.#arena = arena;
    this.#machine = machine;
    this.#lanes = lanes;
    this.#stats = stats;
    this.#names = lanes
      .map(({ spec }) => spec)
      .reduce<string[]>((names, { jobIndex, job }) => {
        names[jobIndex] = job.name;
        return names;
      }, []);
    this.#pending = events.map(pendingOf);
  }

  /** The event of this number is due at `nowNs`; returns when it must be tried again, or -1. */
  due(number: number, nowNs: number): number {
    const pending = this.#pending[number] as Pending;
    const { event } = pending;
    if (pending.tries === 0) pending.before = this.#stats.map(({ paths }) => Float64Array.from(paths));
    pending.tries += 1;
    if (event.kind === "hot_add") {
      this.#add(pending, event);
      return -1;
    }
    return event.kind === "truncate" ? this.#truncate(pending, event, nowNs) : this.#remove(pending, event, nowNs);
  }

  /** What became of every event. */
  results(): MemoryEventResult[] {
    return this.#pending.map((pending) => {
      const { event, before, devices } = pending;
      return {
        at_ns: event.atNs,
        event: event.kind,
        region: event.name,
        outcome: pending.outcome,
        ret: pending.ret,
        tries: pending.tries,
        waited_ns: pending.waitedNs,
        pinned_pages: pending.pinnedPages,
        blocks: pending.blocks,
        memmap_bytes: pending.memmapBytes,
        usable_bytes: pending.usableBytes,
        devices,
        paths: before.flatMap((paths, job) => this.#pathsOf(paths, job)),
      };
    });
  }

  #add(pending: Pending, event: HotAddEvent): void {
    const present = this.#ramEnd(false);
    const plan = planHotAdd(event.start, event.bytes, memoryBlockBytes(present), event.memmap);
    pending.ret = plan.ret;
    pending.outcome = plan.ret === 0 ? "online" : "refused";
    pending.blocks = plan.blocks;
    pending.memmapBytes = plan.memmapBytes;
    pending.usableBytes = plan.usableBytes;
    if (plan.ret !== 0) return;
    pending.devices = this.#reach(present, Math.max(present, event.start + event.bytes));
    for (const lane of this.#lanes) lane.io.held.useHotBuffers(true);
  }

  #remove(pending: Pending, event: HotRemoveEvent, nowNs: number): number {
    const region = this.#machine.memory.find(({ name }) => name === event.name);
    if (region === undefined) return -1;
    for (const lane of this.#lanes) lane.io.held.useHotBuffers(false);
    const { ret, pinnedPages } = tryOffline(this.#arena, region.start, region.bytes);
    pending.pinnedPages = Math.max(pending.pinnedPages, pinnedPages);
    pending.waitedNs = Math.round(nowNs - event.atNs);
    pending.ret = ret;
    pending.outcome = ret === 0 ? "offline" : "busy";
    if (ret !== 0) {
      if (pending.waitedNs < event.waitNs) return nowNs + OFFLINE_RETRY_NS;
      // Given up: the blocks stay online, and the allocator may use them again.
      for (const lane of this.#lanes) lane.io.held.useHotBuffers(true);
      return -1;
    }
    pending.devices = this.#reach(this.#ramEnd(true), this.#ramEnd(false));
    return -1;
  }

  /** Direct I/O keeps the pages of a DAX file pinned: the filesystem waits for it (xfs_break_layouts, ext4_break_layouts). */
  #truncate(pending: Pending, event: TruncateEvent, nowNs: number): number {
    const mine = this.#lanes.filter(({ spec }) => spec.job.name === event.name && spec.job.file !== undefined);
    for (const lane of mine) lane.io.held.useHotBuffers(true);
    const rets = mine.map((lane) => lane.io.held.truncate() ?? 0);
    pending.pinnedPages = Math.max(pending.pinnedPages, this.#pinnedOf(mine));
    pending.waitedNs = Math.round(nowNs - event.atNs);
    pending.ret = rets.find((ret) => ret !== 0) ?? 0;
    pending.outcome = pending.ret === 0 ? "truncated" : pending.ret === EBUSY ? "busy" : "refused";
    if (pending.ret === EBUSY && pending.waitedNs < event.waitNs) return nowNs + OFFLINE_RETRY_NS;
    if (pending.ret !== 0) for (const lane of mine) lane.io.held.useHotBuffers(false);
    return -1;
  }

  #pinnedOf(lanes: readonly Lane[]): number {
    return lanes.reduce((sum, { spec, io }) => {
      if (spec.buffers === null) return sum;
      const { base, stride, places = io.tags } = spec.buffers;
      return sum + tryOffline(this.#arena, base, stride * places).pinnedPages;
    }, 0);
  }

  #ramEnd(withHot: boolean): number {
    return this.#machine.memory
      .filter(({ memmap, hot }) => memmap === "ram" && (withHot || hot !== true))
      .reduce((end, { start, bytes }) => Math.max(end, start + bytes), 0);
  }

  /** Devices whose required mask or way changes between two ends of RAM. */
  #reach(before: number, after: number): DeviceReach[] {
    const was = reachOf(this.#machine, before);
    return reachOf(this.#machine, after).map(({ device, requiredMask, way }, index) => ({
      device,
      required_mask_before: was[index]?.requiredMask ?? 0,
      required_mask: requiredMask,
      way_before: was[index]?.way ?? way,
      way,
    }));
  }

  #pathsOf(before: Float64Array, job: number): MemoryEventResult["paths"] {
    const now = this.#stats[job]?.paths ?? before;
    const since = now.map((bytes, path) => bytes - (before[path] as number));
    return [{ job: this.#names[job] ?? "?", before: namedPaths(before), after: namedPaths(since) }];
  }
}

function pendingOf(event: MemoryEvent): Pending {
  return {
    event,
    outcome: "not reached",
    ret: 0,
    tries: 0,
    waitedNs: 0,
    pinnedPages: 0,
    blocks: 0,
    memmapBytes: 0,
    usableBytes: 0,
    devices: [],
    before: [],
  };
}

/** Bytes by path, without the paths that nothing took. */
function namedPaths(paths: Float64Array): Partial<Record<PathName, number>> {
  return Object.fromEntries(
    PATH_NAMES.map((name, index) => [name, paths[index] as number]).filter(([, bytes]) => bytes !== 0),
  );
}
