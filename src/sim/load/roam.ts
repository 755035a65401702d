/**
 * Buffers that roam over private device memory, so that a load has a working set larger than what is in flight.
 *
 * ```
 * working set:  | cell of tag 0 | cell of tag 1 | ... | cell of tag 0 | cell of tag 1 | ...
 * ```
 * Every command has cells of its own, so that concurrent I/Os never share a page; which of them it takes next is random
 * for random jobs and in turn for sequential ones.
 */
import { alignUp, PAGE_BYTES, type Phys } from "../../base/addr.ts";
import { mix32 } from "../../base/prng.ts";

/** Where the commands of one clone roam. */
export interface RoamPlan {
  /** Index of the windows in System.windowSets. */
  readonly set: number;
  readonly base: Phys;
  readonly cellBytes: number;
  readonly commands: number;
  /** Cells of each command. */
  readonly turns: number;
  /** A buffer is cut into entries at multiples of this. */
  readonly pageBytes: number;
  readonly random: boolean;
}

/** Where I/Os of `commands` commands roam in `bytes` bytes from `base` on. */
export function planRoam(
  at: Pick<RoamPlan, "set" | "base" | "pageBytes" | "random">,
  commandBytes: number,
  commands: number,
  bytes: number,
): RoamPlan {
  const cellBytes = alignUp(commandBytes, PAGE_BYTES);
  return { ...at, cellBytes, commands, turns: Math.max(1, Math.floor(bytes / (cellBytes * commands))) };
}

/** First byte of the buffer that `command` uses for its `turn`-th I/O. */
export function roamPhys(plan: RoamPlan, command: number, turn: number): Phys {
  const { turns } = plan;
  const drawn = Math.floor((mix32(turn * plan.commands + command) / 2 ** 32) * turns);
  const cell = plan.random ? drawn : turn - Math.floor(turn / turns) * turns;
  return plan.base + (cell * plan.commands + command) * plan.cellBytes;
}

/** Entries of the longest command. */
export function roamEntries(plan: RoamPlan): number {
  return Math.floor((plan.cellBytes - 1) / plan.pageBytes) + 2;
}
