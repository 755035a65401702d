/**
 * What the workers of a stress run have done so far, for the live view: one writer a slot, read without order.
 */
import { PATH_NAMES } from "../../base/cost.ts";
import { SIZE_BUCKETS, sizeBucket } from "./sizes.ts";

const SLOT = Object.freeze({ ops: 0, refused: 1, faults: 2, transfers: 4, bytes: 12, bytesMax: 20, sizes: 32 });
const STRIDE = SLOT.sizes + SIZE_BUCKETS;

/** Sums over all workers. */
export interface StressTotals {
  /** Operations that ran from map to unmap. */
  readonly ops: number;
  readonly refused: number;
  readonly faults: number;
  /** Completed and compared transfers, by PATH. */
  readonly transfers: readonly number[];
  readonly bytes: readonly number[];
  /** Transfers by {@link sizeBucket}. */
  readonly sizes: readonly number[];
  /** Largest transfer. */
  readonly bytesMax: number;
}

/** Shared memory for the counters of `workers` threads. */
export function makeCounters(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(workers * STRIDE * 8);
}

/** One worker's slots. */
export class StressCounters {
  readonly #words: Float64Array;
  readonly #base: number;

  constructor(buffer: SharedArrayBuffer, worker: number) {
    this.#words = new Float64Array(buffer);
    this.#base = worker * STRIDE;
  }

  done(): void {
    this.#add(SLOT.ops, 1);
  }

  refused(): void {
    this.#add(SLOT.refused, 1);
  }

  faulted(): void {
    this.#add(SLOT.faults, 1);
  }

  /** `passes` transfers of `bytes` each. */
  transferred(path: number, bytes: number, passes: number): void {
    this.#add(SLOT.transfers + path, passes);
    this.#add(SLOT.bytes + path, passes * bytes);
    this.#add(SLOT.sizes + sizeBucket(bytes), passes);
    const max = this.#base + SLOT.bytesMax;
    if (bytes > (this.#words[max] as number)) this.#words[max] = bytes;
  }

  #add(slot: number, value: number): void {
    const at = this.#base + slot;
    this.#words[at] = (this.#words[at] as number) + value;
  }
}

/** Reads all workers. */
export function readTotals(buffer: SharedArrayBuffer): StressTotals {
  const words = new Float64Array(buffer);
  const sum = (slot: number): number => {
    let total = 0;
    for (let at = slot; at < words.length; at += STRIDE) total += words[at] as number;
    return total;
  };
  return {
    ops: sum(SLOT.ops),
    refused: sum(SLOT.refused),
    faults: sum(SLOT.faults),
    transfers: PATH_NAMES.map((_, path) => sum(SLOT.transfers + path)),
    bytes: PATH_NAMES.map((_, path) => sum(SLOT.bytes + path)),
    sizes: Array.from({ length: SIZE_BUCKETS }, (_, bucket) => sum(SLOT.sizes + bucket)),
    bytesMax: largest(words),
  };
}

function largest(words: Float64Array): number {
  let max = 0;
  for (let at = SLOT.bytesMax; at < words.length; at += STRIDE) max = Math.max(max, words[at] as number);
  return max;
}

/** Sum of two totals. */
export function addTotals(a: StressTotals, b: StressTotals): StressTotals {
  return {
    ops: a.ops + b.ops,
    refused: a.refused + b.refused,
    faults: a.faults + b.faults,
    transfers: a.transfers.map((value, path) => value + (b.transfers[path] ?? 0)),
    bytes: a.bytes.map((value, path) => value + (b.bytes[path] ?? 0)),
    sizes: a.sizes.map((value, bucket) => value + (b.sizes[bucket] ?? 0)),
    bytesMax: Math.max(a.bytesMax, b.bytesMax),
  };
}

/** Nothing done. */
export const NO_TOTALS: StressTotals = Object.freeze({
  ops: 0,
  refused: 0,
  faults: 0,
  transfers: PATH_NAMES.map(() => 0),
  bytes: PATH_NAMES.map(() => 0),
  sizes: Array.from({ length: SIZE_BUCKETS }, () => 0),
  bytesMax: 0,
});
