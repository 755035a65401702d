/**
 * The driver's calls of one mapping, list or range, with the shadow checker around each; the device's view of both is a list.
 */
import type { HostContext } from "../../host/context.ts";
import {
  debugDump,
  debugMapPhys,
  debugMappingError,
  debugMapSg,
  debugUnmapPhys,
  debugUnmapSg,
} from "../../host/dma/debug/shadow.ts";
import { debugSyncSg, debugSyncSingle } from "../../host/dma/debug/sync.ts";
import type { DmaDevice } from "../../host/dma/device.ts";
import {
  mapPhys,
  mapSg,
  syncSgForCpu,
  syncSgForDevice,
  syncSingleForCpu,
  syncSingleForDevice,
  unmapPhys,
  unmapSg,
} from "../../host/dma/map.ts";
import { sgDmaAddress, sgSetDma, sgSetPhys } from "../../host/dma/scatterlist.ts";
import { allocSg, freeSg } from "../../host/dma/sg_table.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { type Area, cellOf } from "./areas.ts";
import { destroyRange, linkPieces } from "./iova_call.ts";
import type { Live } from "./live.ts";
import { isBig, opBytes, type StressOp } from "./operation.ts";
import type { StressDebug } from "./session.ts";

/** Calls on behalf of one worker. */
export class StressDriver {
  readonly #ctx: HostContext;
  readonly #debug: StressDebug;
  readonly #areas: readonly Area[];
  readonly #worker: number;
  readonly #devices: readonly DmaDevice[];

  constructor(
    ctx: HostContext,
    debug: StressDebug,
    devices: readonly DmaDevice[],
    areas: readonly Area[],
    worker: number,
  ) {
    this.#ctx = ctx;
    this.#debug = debug;
    this.#devices = devices;
    this.#areas = areas;
    this.#worker = worker;
  }

  /** Describes the memory of an operation; null when no list is left. */
  describe(op: StressOp): Live | null {
    const { arena, lockOwner } = this.#ctx;
    const sg = allocSg(arena, lockOwner, op.pieces.length);
    if (sg <= 0) return null;
    const starts = new Float64Array(op.pieces.length);
    const big = isBig(op);
    let at = sg;
    for (let i = 0; i < op.pieces.length; i += 1) {
      const piece = op.pieces[i] as StressOp["pieces"][number];
      const area = this.#areas[piece.area] as Area;
      starts[i] = cellOf(area, this.#worker, op.id, big) + piece.offset;
      sgSetPhys(arena, at, starts[i] as number, piece.bytes, area.hasPages);
      at = sgNext(arena, at);
    }
    return {
      op,
      device: this.#devices[op.device] as DmaDevice,
      starts,
      bytes: opBytes(op),
      sg,
      nents: 0,
      path: op.path,
      iova: null,
    };
  }

  /** DMA entries, or -(failure code). `checkError` false: the driver forgets dma_mapping_error. */
  map(live: Live, checkError = true): number {
    const { op, device, sg } = live;
    const ctx = this.#ctx;
    this.#debug.io = op.id;
    ctx.cost.reset();
    if (op.call === "sg") {
      const nents = mapSg(ctx, device, sg, op.pieces.length, op.dir, op.attrs);
      if (nents > 0) debugMapSg(this.#debug, device, sg, op.pieces.length, nents, op.dir, op.attrs);
      live.nents = Math.max(0, nents);
      live.path = ctx.cost.path;
      return nents;
    }
    if (op.call === "iova") {
      const linked = linkPieces(ctx, live);
      live.path = ctx.cost.path;
      live.nents = Math.max(0, linked);
      return linked;
    }
    const phys = live.starts[0] as number;
    const dmaAddr = mapPhys(ctx, device, phys, live.bytes, op.dir, op.attrs);
    live.path = ctx.cost.path;
    if (dmaAddr < 0) return dmaAddr;
    sgSetDma(ctx.arena, sg, dmaAddr, live.bytes);
    live.nents = 1;
    debugMapPhys(this.#debug, device, { dmaAddr, phys, bytes: live.bytes, dir: op.dir, attrs: op.attrs });
    if (checkError) debugMappingError(this.#debug, device, dmaAddr);
    return 1;
  }

  /** The shadow checker's side of an unmap, as if the driver passed `bytes` and `dir`. */
  checkUnmap(live: Live, bytes = live.bytes, dir = live.op.dir): void {
    const { op, device, sg } = live;
    this.#debug.io = op.id;
    // The two-step API has no hooks of dma-debug.
    if (op.call === "iova") return;
    if (op.call === "sg") debugUnmapSg(this.#debug, device, sg, op.pieces.length, dir);
    else debugUnmapPhys(this.#debug, device, { dmaAddr: this.dmaAddr(live), bytes, dir });
  }

  /** The mapping's side of an unmap. */
  endMapping(live: Live): void {
    const { op, device, sg } = live;
    const ctx = this.#ctx;
    ctx.cost.reset();
    if (op.call === "sg") unmapSg(ctx, device, sg, op.pieces.length, op.dir, op.attrs);
    else if (op.call === "iova") destroyRange(ctx, live);
    else unmapPhys(ctx, device, this.dmaAddr(live), live.bytes, op.dir, op.attrs);
    live.nents = 0;
  }

  unmap(live: Live): void {
    this.checkUnmap(live);
    this.endMapping(live);
  }

  syncForCpu(live: Live): void {
    this.#sync(live, true);
  }

  syncForDevice(live: Live): void {
    this.#sync(live, false);
  }

  /** First DMA address. */
  dmaAddr(live: Live): number {
    return sgDmaAddress(this.#ctx.arena, live.sg);
  }

  /** The shadow checker still knows a mapping of the operation. */
  pending(id: number): boolean {
    const mark = `(job ${this.#worker}, I/O ${id})`;
    return debugDump(this.#debug, String).some((line) => line.endsWith(mark));
  }

  free(live: Live): void {
    freeSg(this.#ctx.arena, this.#ctx.lockOwner, live.sg);
  }

  #sync(live: Live, forCpu: boolean): void {
    const { op, device, sg } = live;
    const ctx = this.#ctx;
    this.#debug.io = op.id;
    if (op.call === "sg") {
      (forCpu ? syncSgForCpu : syncSgForDevice)(ctx, device, sg, op.pieces.length, op.dir);
      debugSyncSg(this.#debug, device, sg, op.pieces.length, op.dir, forCpu);
      return;
    }
    const dmaAddr = this.dmaAddr(live);
    (forCpu ? syncSingleForCpu : syncSingleForDevice)(ctx, device, dmaAddr, live.bytes, op.dir);
    debugSyncSingle(this.#debug, device, { dmaAddr, bytes: live.bytes, dir: op.dir }, forCpu);
  }
}
