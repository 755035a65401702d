/**
 * One step of a DMA engine: walks a descriptor's mapped scatterlist, resolves every address at the
 * instant of the call, and hands physical runs to a sink.
 *
 * Under `wall` the sink copies; under `virtual` it queues the copy for a worker and adds up time.
 * Neighbouring pages that are contiguous in physical space become one run. Entries of a moving window hold their slot
 * until the last byte has moved.
 */
import type { Arena } from "../shm/arena.ts";
import { DMA_STATUS } from "../shm/dma_status.ts";
import { SG } from "../shm/layout.ts";
import { sgNext } from "../shm/sg_entry.ts";
import type { DeviceAccess } from "./access.ts";
import { enterWindow, leaveWindows, windowDelta } from "./window_access.ts";

/** What a step reports to, run after run, in stream order; its methods must not allocate. */
export interface RunSink {
  /** A resolved run: `streamOff` is its offset in the transfer, `dmaAddr` the address the device used. */
  run(phys: number, bytes: number, streamOff: number, dmaAddr: number): void;
  /** A translation missed the IOTLB and read `levels` table levels. */
  walked(levels: number): void;
}

/** Where the walk stopped when {@link transfer} does not return ok. */
export interface FaultPoint {
  dmaAddr: number;
  streamOff: number;
}

/**
 * Moves `bytes` bytes through the first `nents` DMA segments of the list at `sg`.
 * Returns DMA_STATUS; on a fault the runs before it have been handed over, as on hardware.
 */
export function transfer(
  arena: Arena,
  access: DeviceAccess,
  sg: number,
  nents: number,
  bytes: number,
  write: boolean,
  sink: RunSink,
  fault: FaultPoint,
): number {
  let streamOff = 0;
  let runPhys = 0;
  let runBytes = 0;
  let runDma = 0;
  let entry = sg;
  let entered = 0;
  for (let i = 0; i < nents && streamOff < bytes; i += 1) {
    let dmaAddr = arena.f64[(entry + SG.dmaAddress) >>> 1] as number;
    let left = Math.min(arena.u32[entry + SG.dmaLength] as number, bytes - streamOff);
    const shown = enterWindow(arena, entry, write);
    if (shown === DMA_STATUS.ok) entered += 1;
    const delta = shown === DMA_STATUS.ok ? windowDelta(arena, entry) : 0;
    while (left > 0) {
      const status = shown === DMA_STATUS.ok ? access.resolve(dmaAddr, left, write) : shown;
      if (shown === DMA_STATUS.ok && access.walkLevels > 0) sink.walked(access.walkLevels);
      if (status !== DMA_STATUS.ok) {
        if (runBytes > 0) sink.run(runPhys, runBytes, streamOff - runBytes, runDma);
        leaveWindows(arena, sg, entered);
        fault.dmaAddr = dmaAddr;
        fault.streamOff = streamOff;
        return status;
      }
      const piece = access.bytes;
      const phys = access.phys + delta;
      if (runBytes > 0 && phys === runPhys + runBytes) {
        runBytes += piece;
      } else {
        if (runBytes > 0) sink.run(runPhys, runBytes, streamOff - runBytes, runDma);
        runPhys = phys;
        runBytes = piece;
        runDma = dmaAddr;
      }
      dmaAddr += piece;
      streamOff += piece;
      left -= piece;
    }
    if (streamOff < bytes) entry = sgNext(arena, entry);
  }
  if (runBytes > 0) sink.run(runPhys, runBytes, streamOff - runBytes, runDma);
  leaveWindows(arena, sg, entered);
  return DMA_STATUS.ok;
}
