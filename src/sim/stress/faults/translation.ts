/** Faults that the IOMMU is there for: the device uses what it may not use. */
import { defined } from "../../../base/assert.ts";
import { DMA_STATUS, DMA_STATUS_NAMES } from "../../../shm/dma_status.ts";
import type { Executor } from "../executor.ts";
import type { StressOp } from "../operation.ts";
import { REFUSED } from "./misuse.ts";

/** The device reads through an address whose mapping has ended. */
export function useAfterUnmap(executor: Executor, op: StressOp): string {
  const { driver, system } = executor.parts;
  const live = executor.prepare(op);
  const refused = driver.map(live) < 0;
  if (!refused) {
    executor.deviceTurn(live, 0);
    driver.unmap(live);
  }
  const status = refused ? DMA_STATUS.ok : executor.touch(live, false, 0);
  const same = executor.lastPhys === live.starts[0];
  executor.expectNoErrors(live, "unmap");
  executor.release(live);
  if (refused) return REFUSED;
  if (status !== DMA_STATUS.ok) return `IOMMU fault: ${DMA_STATUS_NAMES[status]}`;
  if (!same) return "the IOVA has another owner by now";
  const lazy = system.devices[op.device]?.domain?.mode === "lazy";
  return lazy ? "lazy window: read until the flush" : "strict: the device still reads the buffer";
}

/**
 * What a driver that forgets to invalidate would expose: the device uses its translation between the unmap of the page table
 * and the invalidation, while the IOVA still belongs to the mapping; then again behind the invalidation.
 */
export function forgetInvalidation(executor: Executor, op: StressOp): string {
  const { driver, invalidation } = executor.parts;
  const live = executor.prepare(op);
  if (driver.map(live) < 0) {
    executor.release(live);
    return REFUSED;
  }
  executor.deviceTurn(live, 0);
  live.nents = 1;
  const sg = live.sg;
  let stale = false;
  let behind: number = DMA_STATUS.notPresent;
  let looks = 0;
  defined(invalidation, "the worker's probe").watch(
    () => {
      stale = executor.touch(live, false, 0) === DMA_STATUS.ok && executor.lastPhys === live.starts[0];
    },
    () => {
      behind = executor.touch(live, false, 0);
      looks += 1;
    },
  );
  driver.unmap(live);
  invalidation.unwatch();
  executor.expectNoErrors(live, "unmap");
  executor.release(live);
  if (looks === 0 || sg === 0) return "no invalidation";
  if (behind === DMA_STATUS.ok) return "translated behind the invalidation";
  return stale ? "probe: stale translation used, gone once invalidated" : "evicted before the probe";
}

/** The mapping is for the device to read; it writes. */
export function writeReadOnly(executor: Executor, op: StressOp): string {
  const { driver } = executor.parts;
  const live = executor.prepare(op);
  if (driver.map(live) < 0) {
    executor.release(live);
    return REFUSED;
  }
  const status = executor.touch(live, true, 1);
  driver.unmap(live);
  executor.expectNoErrors(live, "unmap");
  executor.cpuLook(live, 0);
  executor.release(live);
  return status === DMA_STATUS.ok ? "written" : `IOMMU fault: ${DMA_STATUS_NAMES[status]}`;
}
