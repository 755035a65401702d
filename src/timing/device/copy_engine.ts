/**
 * Memory-to-memory engines (IOAT, PTDMA, UDMA, sf-pdma, eDMA): time of one transfer and rate of many.
 *
 * A transfer takes a fixed part (submission, descriptor, completion) and its bytes at the engine's rate; engines that work in
 * bursts take a fixed time for each burst as well. Sources are beside the constants.
 */
import type { Constants } from "../calibration/constant.ts";

/** Figures of one engine, nanoseconds. */
export interface CopyEngineShape {
  /** From submission to the driver's knowledge of the end, transfers one at a time. */
  readonly callNs: number;
  /** Time that a descriptor occupies the engine beside its bytes. */
  readonly descriptorNs: number;
  readonly burstNs: number;
  readonly burstBytes: number;
  readonly byteNs: number;
}

/** Shape of a named engine; `burstBytes` 0 = the engine's own. */
export function copyEngineShape(constants: Constants, engine: string, burstBytes: number): CopyEngineShape {
  const figure = (quantity: string, otherwise: number) => {
    const name = `engine.${engine}.${quantity}`;
    return constants.has(name) ? constants.get(name) : otherwise;
  };
  const hasByte = constants.has(`engine.${engine}.byteNs`);
  const rate = figure("bytesPerS", 0) || constants.get("engine.default.bytesPerS");
  return {
    callNs: constants.first(`engine.${engine}.callNs`, "engine.default.callNs"),
    descriptorNs: figure("descriptorNs", 0),
    burstNs: figure("burstNs", 0),
    burstBytes: burstBytes > 0 ? burstBytes : figure("burstBytes", 1),
    byteNs: hasByte ? figure("byteNs", 0) : 1e9 / rate,
  };
}

/** Occupancy of the engine by a transfer of `bytes`, ns. */
export function engineBusyNs(shape: CopyEngineShape, bytes: number): number {
  const bursts = shape.burstNs > 0 ? Math.ceil(bytes / shape.burstBytes) : 0;
  return shape.descriptorNs + bursts * shape.burstNs + bytes * shape.byteNs;
}

/** Bytes a second of transfers of `bytes`, one after the other or overlapping. */
export function engineBytesPerS(shape: CopyEngineShape, bytes: number, oneAtATime: boolean): number {
  return (bytes / (engineBusyNs(shape, bytes) + (oneAtATime ? shape.callNs : 0))) * 1e9;
}
