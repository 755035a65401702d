/** The operations of one worker again, drawn anew from what they depend on. */
import type { Machine } from "../machine/description.ts";
import type { FaultName } from "./faults/table.ts";
import { makePlace } from "./place.ts";
import { ShapeSource } from "./shape.ts";

/** What a worker's list depends on. */
export interface SourceOptions {
  readonly seed: number;
  readonly round: number;
  readonly worker: number;
  readonly workers: number;
  readonly machine: Machine;
  /** PATHs; empty = all. */
  readonly only: readonly number[];
  readonly faults: readonly FaultName[];
}

/** Draws the list from its start. */
export function sourceOf({ seed, round, worker, workers, machine, only, faults }: SourceOptions): ShapeSource {
  const { system, areas, targets: all } = makePlace(machine, workers);
  const targets = all.filter(({ path }) => only.length === 0 || only.includes(path));
  const cpus = system.machine.cpus.count;
  return new ShapeSource({
    seed,
    round,
    worker,
    devices: system.devices,
    areas,
    targets,
    cpus,
    faults,
    linksIovas: system.machine.era === "7.x",
  });
}
