/**
 * Cache maintenance of devices that do not snoop (arch_sync_dma_for_device, arch_sync_dma_for_cpu): the bytes are
 * coherent in the simulation, what counts is the number of lines.
 */
import type { Phys } from "../../base/addr.ts";
import type { HostContext } from "../context.ts";
import { DIR, type DmaDevice } from "./device.ts";

const LINE_BYTES = 64;

/** Before the device works: lines are cleaned in every direction, so that no later write-back hits the device's data. */
export function syncLinesForDevice(ctx: HostContext, device: DmaDevice, phys: Phys, bytes: number): void {
  if (!device.coherent) ctx.cost.linesFlushed += linesSpanned(phys, bytes);
}

/** Before the CPU reads: lines are invalidated unless the device only read. */
export function syncLinesForCpu(ctx: HostContext, device: DmaDevice, phys: Phys, bytes: number, dir: number): void {
  if (!device.coherent && dir !== DIR.toDevice) ctx.cost.linesFlushed += linesSpanned(phys, bytes);
}

/** Cache lines of 64 bytes that [phys, phys + bytes) touches. */
export function linesSpanned(phys: Phys, bytes: number): number {
  return bytes === 0 ? 0 : Math.floor(((phys & (LINE_BYTES - 1)) + bytes - 1) / LINE_BYTES) + 1;
}
