/**
 * Baseline of the wall clock: a thread that does nothing but copy, over the same arena bytes in the same order.
 */
import { parentPort, workerData } from "node:worker_threads";
import { Arena, type ArenaHandle } from "../../src/shm/arena.ts";

export interface CopyThreadTask {
  readonly arena: ArenaHandle;
  /** Arena bytes of the two areas. */
  readonly source: number;
  readonly destination: number;
  readonly areaBytes: number;
  readonly blockBytes: number;
  readonly warmupMs: number;
  readonly runMs: number;
}

export interface CopyThreadOutcome {
  readonly blocks: number;
  readonly ms: number;
}

/** Bytes copied between two looks at the clock. */
const TURN_BYTES = 2 ** 18;

class Copier {
  readonly #arena: Arena;
  readonly #task: CopyThreadTask;
  readonly #turnBlocks: number;
  #at = 0;

  constructor(task: CopyThreadTask) {
    this.#arena = Arena.attach(task.arena);
    this.#task = task;
    this.#turnBlocks = Math.max(1, TURN_BYTES / task.blockBytes);
  }

  /** Copies block after block, from the start again at the end of the area, for `ms` milliseconds. */
  run(ms: number): CopyThreadOutcome {
    const startMs = performance.now();
    let blocks = 0;
    let nowMs = startMs;
    while (nowMs - startMs < ms) {
      this.#turn();
      blocks += this.#turnBlocks;
      nowMs = performance.now();
    }
    return { blocks, ms: nowMs - startMs };
  }

  #turn(): void {
    const { source, destination, areaBytes, blockBytes } = this.#task;
    const ops = this.#arena.ops;
    let at = this.#at;
    for (let i = 0; i < this.#turnBlocks; i += 1) {
      ops.copy(destination + at, source + at, blockBytes);
      at += blockBytes;
      if (at + blockBytes > areaBytes) at = 0;
    }
    this.#at = at;
  }
}

const task = workerData as CopyThreadTask;
const copier = new Copier(task);
copier.run(task.warmupMs);
parentPort?.postMessage(copier.run(task.runMs));
