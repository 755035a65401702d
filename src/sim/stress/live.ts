/** An operation while it is mapped. */
import type { DmaDevice } from "../../host/dma/device.ts";
import type { DmaIovaState } from "../../host/dma/iova_link_range.ts";
import type { StressOp } from "./operation.ts";

/** A mapping under way. */
export interface Live {
  readonly op: StressOp;
  readonly device: DmaDevice;
  /** First byte of the operation's memory in each piece's area, by piece. */
  readonly starts: Float64Array;
  readonly bytes: number;
  /** Its list; for a range one entry that holds the DMA address. */
  readonly sg: number;
  /** DMA entries that the device takes; 0 = not mapped. */
  nents: number;
  /** PATH of the last mapping call. */
  path: number;
  /** Range of the two-step API; null = mapped by another call. */
  iova: DmaIovaState | null;
}
