/**
 * Where the buffers of a stress run lie, and which device reaches what over which path.
 */
import { alignUp, PAGE_BYTES, type Phys } from "../../base/addr.ts";
import { PATH } from "../../base/cost.ts";
import type { HostContext } from "../../host/context.ts";
import { DIR, type DmaDevice } from "../../host/dma/device.ts";
import { mapPhys, mapSg, unmapPhys, unmapSg } from "../../host/dma/map.ts";
import { sgSetPhys } from "../../host/dma/scatterlist.ts";
import { allocSg, freeSg } from "../../host/dma/sg_table.ts";
import type { PhysRegion } from "../../memory/physmap.ts";
import type { System } from "../system.ts";
import { BIG_CELL_BYTES, CELL_BYTES, CELLS } from "./operation.ts";

/** Buffers in one memory region, a share for each worker. */
export interface Area {
  readonly region: string;
  readonly start: Phys;
  /** Start of the workers' big cells; null = none here. */
  readonly bigStart: Phys | null;
  readonly hasPages: boolean;
  readonly kind: PhysRegion["kind"];
}

/** A device with the areas that it reaches over one path. */
export interface Target {
  readonly device: number;
  /** PATH. */
  readonly path: number;
  readonly areas: readonly number[];
}

/** Buffers below this in a large region stay free for what the machine itself keeps there. */
const SKIP_BYTES = 2 ** 30;
const LARGE_REGION_BYTES = 2 ** 33;
/** Areas with big cells: real memory is what limits them. */
const BIG_AREAS_MAX = 2;

/** One area in each region that has room for it; equal on every thread. */
export function planAreas(system: System, workers: number): Area[] {
  const areas: Area[] = [];
  const cellsBytes = workers * CELLS * CELL_BYTES;
  const bigBytes = workers * BIG_CELL_BYTES;
  for (const region of system.map.regions) {
    if (region.kind === "reserved" || region.memmap === "private") continue;
    if (region.kind === "device" && region.memmap !== "p2pdma") continue;
    const start = placeIn(system, region, cellsBytes);
    if (start === null) continue;
    const takesBig = region.kind !== "device" && areas.filter((area) => area.bigStart !== null).length < BIG_AREAS_MAX;
    const withBig = takesBig ? placeIn(system, region, cellsBytes + bigBytes) : null;
    const base = withBig ?? start;
    areas.push({
      region: region.name,
      start: base,
      bigStart: withBig === null ? null : withBig + cellsBytes,
      hasPages: region.memmap !== "none",
      kind: region.kind,
    });
  }
  return areas;
}

/** First byte of the memory of an operation. */
export function cellOf(area: Area, worker: number, id: number, big: boolean): Phys {
  if (big && area.bigStart !== null) return area.bigStart + worker * BIG_CELL_BYTES;
  return area.start + (worker * CELLS + (id & (CELLS - 1))) * CELL_BYTES;
}

/** Every (device, path) with its areas, found by mapping a page of each on an arena that nothing else uses yet. */
export function probeTargets(ctx: HostContext, system: System, areas: readonly Area[]): Target[] {
  const targets: Target[] = [];
  for (const device of system.devices) {
    const byPath = new Map<number, number[]>();
    for (const [index, area] of areas.entries()) {
      const path = probe(ctx, device, area);
      if (path !== null) byPath.set(path, [...(byPath.get(path) ?? []), index]);
    }
    for (const [path, reached] of byPath) targets.push({ device: device.index, path, areas: reached });
  }
  return targets;
}

/** PATH of a mapping of part of a page; null = refused. */
function probe(ctx: HostContext, device: DmaDevice, area: Area): number | null {
  const sg = allocSg(ctx.arena, ctx.lockOwner, 1);
  sgSetPhys(ctx.arena, sg, area.start, PAGE_BYTES / 2, area.hasPages);
  ctx.cost.reset();
  const mapped = mapSg(ctx, device, sg, 1, DIR.toDevice, 0);
  const path = ctx.cost.path;
  if (mapped > 0) unmapSg(ctx, device, sg, 1, DIR.toDevice, 0);
  freeSg(ctx.arena, ctx.lockOwner, sg);
  if (mapped <= 0) return null;
  return path === PATH.iommu && !mapsRanges(ctx, device, area) ? null : path;
}

function mapsRanges(ctx: HostContext, device: DmaDevice, area: Area): boolean {
  const dmaAddr = mapPhys(ctx, device, area.start, PAGE_BYTES, DIR.toDevice, 0);
  if (dmaAddr >= 0) unmapPhys(ctx, device, dmaAddr, PAGE_BYTES, DIR.toDevice, 0);
  return dmaAddr >= 0;
}

/** First address with `bytes` bytes of the region behind it, clear of the bounce pools; null = no room. */
function placeIn(system: System, region: PhysRegion, bytes: number): Phys | null {
  const end = region.start + region.bytes;
  const [poolStart, poolEnd] = system.bounceRange;
  const first = alignUp(region.start + (region.bytes >= LARGE_REGION_BYTES ? SKIP_BYTES : 0), CELL_BYTES);
  const hitsPool = first < poolEnd && first + bytes > poolStart;
  const start = hitsPool ? alignUp(poolEnd, CELL_BYTES) : first;
  return start + bytes <= end ? start : null;
}
