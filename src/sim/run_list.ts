/** Resolved runs of one transfer, preallocated: the source side of a memory-to-memory copy. */
import type { RunSink } from "../device/step.ts";

const RUNS_FIRST = 4096;

/** Collects the runs of a step. Room doubles when a transfer is more fragmented than any before it. */
export class RunList implements RunSink {
  length = 0;
  walks = 0;
  walkLevels = 0;
  /** Physical address of the piece that {@link take} returned. */
  piecePhys = 0;
  #phys = new Float64Array(RUNS_FIRST);
  #bytes = new Float64Array(RUNS_FIRST);
  #run = 0;
  #taken = 0;

  clear(): void {
    this.length = 0;
    this.#run = 0;
    this.#taken = 0;
    this.walks = 0;
    this.walkLevels = 0;
  }

  run(phys: number, bytes: number): void {
    const at = this.length;
    if (at === this.#phys.length) this.#grow();
    this.#phys[at] = phys;
    this.#bytes[at] = bytes;
    this.length = at + 1;
  }

  #grow(): void {
    const phys = new Float64Array(this.length * 2);
    const bytes = new Float64Array(this.length * 2);
    phys.set(this.#phys);
    bytes.set(this.#bytes);
    this.#phys = phys;
    this.#bytes = bytes;
  }

  /** Bytes of the next piece, in order and at most `bytesMax`, at {@link piecePhys}; 0 when all were taken. */
  take(bytesMax: number): number {
    if (this.#run === this.length) return 0;
    const left = (this.#bytes[this.#run] as number) - this.#taken;
    const piece = Math.min(bytesMax, left);
    this.piecePhys = (this.#phys[this.#run] as number) + this.#taken;
    this.#taken += piece;
    if (piece === left) {
      this.#run += 1;
      this.#taken = 0;
    }
    return piece;
  }

  walked(levels: number): void {
    this.walks += 1;
    this.walkLevels += levels;
  }
}
