/**
 * One operation of a stress run: everything that a driver does with one mapping, from fill to check, as plain data.
 *
 * A worker's list follows from (seed, round, worker) alone; any subset of it is a valid list too, which is what makes
 * shrinking simple: memory of an operation follows from its `id`, and how long it stays mapped from the ids behind it.
 */
import type { FaultName } from "./faults/table.ts";

/** Operations whose ids differ by less never share memory; `hold` stays below. */
export const CELLS = 16;
/** Memory of one operation in each area, bytes; larger ones use the area's one big cell. */
export const CELL_BYTES = 2 ** 21;
/** Largest transfer, bytes. */
export const TRANSFER_BYTES_MAX = 2 ** 26;
/** Memory of the big cell: the largest transfer with its gaps and guards. */
export const BIG_CELL_BYTES = 2 * TRANSFER_BYTES_MAX;

/** One range of memory: an entry of the list. */
export interface Piece {
  /** Index into the round's areas. */
  readonly area: number;
  /** From the operation's cell, bytes. */
  readonly offset: number;
  readonly bytes: number;
}

/** A transfer, or a fault in place of one. */
export interface StressOp {
  /** Counts from 0 in each worker's list; kept when a list is shrunk. */
  readonly id: number;
  /** Index into the machine's devices. */
  readonly device: number;
  /** PATH that the generator aimed at. */
  readonly path: number;
  /** `iova`: the two-step API; pieces fill whole granules, but for the start of the first and the end of the last. */
  readonly call: "sg" | "phys" | "iova";
  /** DIR. */
  readonly dir: number;
  /** ATTR bits. */
  readonly attrs: number;
  /** Simulated CPU that maps; unmap runs on the next one. */
  readonly cpu: number;
  readonly pieces: readonly Piece[];
  /** Synced for the CPU and for the device, and transferred a second time, before it is unmapped. */
  readonly reuse: boolean;
  /** Stays mapped until an operation whose id is larger by more than this begins. */
  readonly hold: number;
  readonly fault: FaultName | null;
}

/** Bytes of one pass of the device. */
export function opBytes(op: StressOp): number {
  return op.pieces.reduce((sum, piece) => sum + piece.bytes, 0);
}

/** True when the operation lies in the big cells. */
export function isBig(op: StressOp): boolean {
  return opBytes(op) > CELL_BYTES / 2;
}
