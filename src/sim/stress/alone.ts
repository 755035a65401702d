/** Faults that need the arena for themselves: one thread, one operation on every path. */
import type { Machine } from "../machine/description.ts";
import { EVERYWHERE } from "./faults/fault.ts";
import type { FaultLog } from "./faults/log.ts";
import { FAULTS, type FaultName } from "./faults/table.ts";
import type { Finding } from "./finding.ts";
import type { StressOp } from "./operation.ts";
import { makePlace } from "./place.ts";
import { replayOn } from "./replay.ts";

/** Faults that take something away from every worker at a time. */
export const ALONE_FAULTS: readonly FaultName[] = ["arena-exhausted"];

const OFFSET = 4096;
const BYTES = 3000;

/** Injects the fault on each path of the machine; the first finding, or null. */
export function runAlone(fault: FaultName, machine: Machine, seed: number, log: FaultLog): Finding | null {
  const place = makePlace(machine, 1);
  const operations = EVERYWHERE.flatMap((path): StressOp[] => {
    const target = place.targets.find((each) => each.path === path);
    if (target === undefined) return [];
    const { call, dir } = FAULTS[fault];
    const pieces = [{ area: target.areas[0] as number, offset: OFFSET, bytes: BYTES }];
    return [
      { id: path, device: target.device, path, call, dir, attrs: 0, cpu: 0, pieces, reuse: false, hold: 0, fault },
    ];
  });
  return replayOn(place, { seed, worker: 0, workers: 1, operations }, log);
}
