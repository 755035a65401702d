/**
 * The DMA API calls of a driver, each with dma-debug around it when the run asked for that: where the kernel's inline
 * wrappers stand (include/linux/dma-mapping.h).
 */
import type { Phys } from "../base/addr.ts";
import type { HostContext } from "../host/context.ts";
import { debugMapPhys, debugMappingError, debugMapSg, debugUnmapPhys, debugUnmapSg } from "../host/dma/debug/shadow.ts";
import { debugSyncSg } from "../host/dma/debug/sync.ts";
import type { DmaDevice } from "../host/dma/device.ts";
import { mapPhys, mapSg, needsSync, syncSgForCpu, syncSgForDevice, unmapPhys, unmapSg } from "../host/dma/map.ts";
import { SG } from "../shm/layout.ts";
import type { CheckedTransfer } from "./mismatch.ts";
import type { RunDebug } from "./run_debug.ts";

/** Calls for one device; `what` names job and I/O of the call in reports and is read at the call. */
export class DriverDma {
  readonly #ctx: HostContext;
  readonly device: DmaDevice;
  readonly #debug: RunDebug | null;
  readonly #what: CheckedTransfer;

  constructor(ctx: HostContext, device: DmaDevice, debug: RunDebug | null, what: CheckedTransfer) {
    this.#ctx = ctx;
    this.device = device;
    this.#debug = debug;
    this.#what = what;
  }

  /** dma_map_sg: DMA entries, or -(failure code). */
  mapSg(sg: number, origNents: number, dir: number): number {
    const nents = mapSg(this.#ctx, this.device, sg, origNents, dir, 0);
    const debug = this.#debug;
    if (debug !== null && nents > 0) {
      debug.enter(this.#what, 1);
      debugMapSg(debug, this.device, sg, origNents, nents, dir, 0);
    }
    return nents;
  }

  unmapSg(sg: number, origNents: number, dir: number): void {
    this.#checkUnmap(sg, origNents, dir);
    unmapSg(this.#ctx, this.device, sg, origNents, dir, 0);
  }

  /** Test hook: the driver has changed the first entry's length; only the checker sees it. */
  unmapWrongSize(sg: number, origNents: number, dir: number): void {
    const words = this.#ctx.arena.u32;
    const length = words[sg + SG.dmaLength] as number;
    words[sg + SG.dmaLength] = length >>> 1;
    this.#checkUnmap(sg, origNents, dir);
    words[sg + SG.dmaLength] = length;
    unmapSg(this.#ctx, this.device, sg, origNents, dir, 0);
  }

  /** dma_map_phys and the driver's dma_mapping_error: DMA address, or -(failure code). */
  mapPhys(phys: Phys, bytes: number, dir: number): number {
    const dmaAddr = mapPhys(this.#ctx, this.device, phys, bytes, dir, 0);
    const debug = this.#debug;
    if (debug !== null && dmaAddr >= 0) {
      debug.enter(this.#what, 1);
      debugMapPhys(debug, this.device, { dmaAddr, phys, bytes, dir });
      debugMappingError(debug, this.device, dmaAddr);
    }
    return dmaAddr;
  }

  unmapPhys(dmaAddr: number, bytes: number, dir: number): void {
    const debug = this.#debug;
    if (debug !== null) {
      debug.enter(this.#what, 0);
      debugUnmapPhys(debug, this.device, { dmaAddr, bytes, dir });
    }
    unmapPhys(this.#ctx, this.device, dmaAddr, bytes, dir, 0);
  }

  /** False when syncs of the mapped list do nothing, as long as it is mapped; dma-debug hears of them all. */
  needsSync(sg: number, origNents: number): boolean {
    return this.#debug !== null || needsSync(this.#ctx, this.device, sg, origNents);
  }

  /** `dir` is the transfer's direction; the list may be mapped for both. */
  syncSgForCpu(sg: number, origNents: number, dir: number): void {
    syncSgForCpu(this.#ctx, this.device, sg, origNents, dir);
    this.#checkSync(sg, origNents, dir, true);
  }

  syncSgForDevice(sg: number, origNents: number, dir: number): void {
    syncSgForDevice(this.#ctx, this.device, sg, origNents, dir);
    this.#checkSync(sg, origNents, dir, false);
  }

  #checkUnmap(sg: number, origNents: number, dir: number): void {
    const debug = this.#debug;
    if (debug === null) return;
    debug.enter(this.#what, 0);
    debugUnmapSg(debug, this.device, sg, origNents, dir);
  }

  #checkSync(sg: number, origNents: number, dir: number, forCpu: boolean): void {
    const debug = this.#debug;
    if (debug === null) return;
    debug.enter(this.#what, 0);
    debugSyncSg(debug, this.device, sg, origNents, dir, forCpu);
  }
}
