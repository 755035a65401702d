/** Resolved runs of one transfer, preallocated: the source side of a memory-to-memory copy. */
import type { RunSink } from "../device/step.ts";

const RUNS_MAX = 4096;

/** Collects the runs of a step; arrays are indexed below `length`. Runs beyond RUNS_MAX are dropped. */
export class RunList implements RunSink {
  length = 0;
  walks = 0;
  walkLevels = 0;
  readonly phys = new Float64Array(RUNS_MAX);
  readonly bytes = new Float64Array(RUNS_MAX);
  readonly streamOff = new Float64Array(RUNS_MAX);
  readonly dmaAddr = new Float64Array(RUNS_MAX);

  clear(): void {
    this.length = 0;
    this.walks = 0;
    this.walkLevels = 0;
  }

  run(phys: number, bytes: number, streamOff: number, dmaAddr: number): void {
    const at = this.length;
    if (at === RUNS_MAX) return;
    this.phys[at] = phys;
    this.bytes[at] = bytes;
    this.streamOff[at] = streamOff;
    this.dmaAddr[at] = dmaAddr;
    this.length = at + 1;
  }

  walked(levels: number): void {
    this.walks += 1;
    this.walkLevels += levels;
  }
}
