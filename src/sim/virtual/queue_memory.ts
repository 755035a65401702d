/**
 * A device's queues are memory too: behind an IOMMU, fetching a command and writing a completion entry are translated accesses,
 * and their pages hold IOTLB entries like any buffer.
 */
import { PAGE_BYTES } from "../../base/addr.ts";
import { DMA_STATUS } from "../../shm/dma_status.ts";
import type { Lane } from "./lane.ts";

/** Which queue: the submission queue's page comes first. */
export const QUEUE = Object.freeze({ submission: 0, completion: PAGE_BYTES });

/** Time from `nowPs` until the lane's access of `bytes` to a queue is translated; 0 without an IOMMU. */
export function queueTranslatePs(lane: Lane, queue: number, bytes: number, nowPs: number): number {
  const { unit } = lane.device;
  const { queueAddr } = lane.io;
  if (unit === null || queueAddr === 0) return 0;
  const write = queue === QUEUE.completion;
  const status = lane.access.resolve(queueAddr + queue, bytes, write);
  if (status !== DMA_STATUS.ok) return 0;
  return (
    unit.translated(
      nowPs,
      lane.domainIndex,
      queueAddr + queue,
      lane.access.slot,
      lane.access.walkLevels,
      write,
      false,
    ) - nowPs
  );
}
