/** What threads of dma_map_benchmark add to: the kernel's sums of 100 ns, and the whole distribution. */
import { type DirectionPlain, DirectionStats } from "../stats.ts";
import type { LatencySums } from "./map_benchmark.ts";

const UNIT_NS = 100;

/** Latencies of one operation. */
export class OperationSums {
  sum = 0;
  sumOfSquares = 0;
  readonly stats = new DirectionStats();

  /** `bytes` are those of the mapping. */
  add(startNs: number, endNs: number, bytes: number): void {
    const unit = Math.floor((endNs - startNs) / UNIT_NS);
    this.sum += unit;
    this.sumOfSquares += unit * unit;
    this.stats.record(startNs, endNs, bytes);
  }

  merge(other: OperationPlain): void {
    this.sum += other.sum;
    this.sumOfSquares += other.sumOfSquares;
    this.stats.add(other.stats);
  }

  get sums(): LatencySums {
    return { sum: this.sum, sumOfSquares: this.sumOfSquares, loops: this.stats.ios };
  }

  plain(): OperationPlain {
    return { sum: this.sum, sumOfSquares: this.sumOfSquares, stats: this.stats.plain() };
  }
}

/** What crosses a thread border. */
export interface OperationPlain {
  readonly sum: number;
  readonly sumOfSquares: number;
  readonly stats: DirectionPlain;
}

/** Sums of one run or one worker. */
export interface BenchmarkSums {
  readonly map: OperationSums;
  readonly unmap: OperationSums;
  /** The first mapping that failed, in the kernel's words; it ended its thread. */
  error: string | null;
}

/** Empty sums. */
export function newSums(): BenchmarkSums {
  return { map: new OperationSums(), unmap: new OperationSums(), error: null };
}
