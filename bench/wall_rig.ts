/**
 * One arena on which a copy job runs under the wall clock and bare threads copy the same bytes in the same order.
 *
 * The areas are filled and touched before anything is measured, so that no page of this computer is faulted in meanwhile.
 */

import { lookup } from "../src/memory/backing.ts";
import { fillPhys, findDifference, findOtherPhys } from "../src/memory/copy.ts";
import { fillPattern } from "../src/memory/pattern.ts";
import { store } from "../src/shm/atomics.ts";
import { HEADER, REGIONS, WORKER } from "../src/shm/layout.ts";
import type { CopyAreas } from "../src/sim/load/memory.ts";
import { prepareRun, type RunSetup } from "../src/sim/run_setup.ts";
import { runWall } from "../src/sim/wall/run.ts";
import type { Sample } from "./case.ts";
import { runOptions } from "./load.ts";
import type { CopyThreadOutcome, CopyThreadTask } from "./threads/copy_thread.ts";
import { runThread } from "./threads/thread.ts";

export interface WallShape {
  readonly blockBytes: number;
  readonly workers: number;
  /** Bytes of the source area of every worker; its destination has as many. */
  readonly areaBytes: number;
  readonly warmupMs: number;
  readonly runMs: number;
}

export class WallRig {
  readonly #setup: RunSetup;
  readonly #areas: readonly CopyAreas[];
  readonly #shape: WallShape;

  constructor(shape: WallShape) {
    this.#shape = shape;
    this.#setup = prepareRun(
      runOptions({
        load: "copy",
        clock: "wall",
        workers: shape.workers,
        payload: true,
        set: {
          "jobs.copy.bs": shape.blockBytes,
          "jobs.copy.size": shape.areaBytes,
          "jobs.copy.numjobs": shape.workers,
          "jobs.copy.runtime": `${shape.runMs}ms`,
          "jobs.copy.ramp_time": `${shape.warmupMs}ms`,
        },
      }),
    );
    this.#areas = this.#setup.clones.map((clone) => clone.copy).filter((copy) => copy !== null);
    for (const [key, area] of this.#areas.entries()) {
      fillPattern(this.#setup.arena, area.source, area.bytes, key + 1, key + 1, 0, 0, 0);
    }
    this.#clear();
  }

  /** The simulator's copy job; blocks of all workers and the time of its measured part. */
  async simulated(): Promise<Sample> {
    this.#clear();
    this.#resetRun();
    const outcome = await runWall(this.#setup);
    if (outcome.failure !== null) throw new Error(outcome.failure.cause);
    const stats = outcome.stats[0]?.read;
    if (stats === undefined || stats.ios === 0) throw new Error("the copy job did nothing in its measured part");
    return { ops: stats.ios, ms: (stats.lastNs - stats.firstNs) / 1e6 };
  }

  /** As many threads that only copy. */
  async bare(): Promise<Sample> {
    this.#clear();
    const { arena } = this.#setup;
    const outcomes = await Promise.all(
      this.#areas.map((area) => {
        const task: CopyThreadTask = {
          arena: arena.handle,
          source: contiguous(this.#setup, area.source, area.bytes),
          destination: contiguous(this.#setup, area.destination, area.bytes),
          areaBytes: area.bytes,
          blockBytes: this.#shape.blockBytes,
          warmupMs: this.#shape.warmupMs,
          runMs: this.#shape.runMs,
        };
        return runThread<CopyThreadOutcome>("copy_thread.js", task);
      }),
    );
    const blocks = outcomes.reduce((sum, outcome) => sum + outcome.blocks, 0);
    return { ops: blocks, ms: Math.max(...outcomes.map((outcome) => outcome.ms)) };
  }

  /** Every block of a destination holds its source's bytes, or was not reached in the time; null = so it is. */
  check(): string | null {
    const { arena } = this.#setup;
    const { blockBytes } = this.#shape;
    for (const { source, destination, bytes } of this.#areas) {
      for (let at = 0; at < bytes; at += blockBytes) {
        const differs = findDifference(arena, source + at, destination + at, blockBytes);
        const untouched = at > 0 && findOtherPhys(arena, destination + at, 0, blockBytes) < 0;
        if (differs >= 0 && !untouched) return `byte ${at + differs} of a destination differs from its source`;
      }
    }
    return null;
  }

  /** Takes the last run's bytes away, so that every run has to bring its own. */
  #clear(): void {
    for (const area of this.#areas) fillPhys(this.#setup.arena, area.destination, 0, area.bytes);
  }

  /** The arena is made for one run: the control words of the last one go back to their start. */
  #resetRun(): void {
    const { arena, options } = this.#setup;
    store(arena.i32, REGIONS.header.word + HEADER.phase, 0);
    store(arena.i32, REGIONS.header.word + HEADER.stop, 0);
    for (let worker = 0; worker < options.workers; worker += 1) {
      const base = REGIONS.workers.word + worker * REGIONS.workers.stride;
      store(arena.i32, base + WORKER.state, 0);
      store(arena.i32, base + WORKER.parked, 0);
    }
  }
}

/** Arena byte of an area whose chunks follow each other in the arena too. */
function contiguous(setup: RunSetup, start: number, bytes: number): number {
  const first = lookup(setup.arena, start);
  const last = lookup(setup.arena, start + bytes - 1);
  if (first < 0 || last !== first + bytes - 1)
    throw new Error("the bare copy needs areas that are contiguous in the arena");
  return first;
}
