/**
 * Makes a failing list of operations smaller while it still fails in the same way.
 *
 * First the shortest tail that fails, then runs of operations are left out (delta debugging), then what is left is made simpler.
 */
import type { StressOp } from "./operation.ts";

/** True when the list still shows the finding. */
export type StillFails = (operations: readonly StressOp[]) => boolean;

/** How a list was shrunk. */
export interface Shrunk {
  readonly operations: readonly StressOp[];
  /** Lists tried. */
  readonly tries: number;
}

const TAILS = [16, 64, 256, 1024, 4096, 16384];

/** Null = the whole list does not fail by itself. Gives up improving after `triesMax` lists or when `expired` says so. */
export function shrinkOperations(
  operations: readonly StressOp[],
  fails: StillFails,
  triesMax: number,
  expired: () => boolean,
): Shrunk | null {
  let tries = 0;
  const test = (list: readonly StressOp[]): boolean => {
    tries += 1;
    return fails(list);
  };
  const more = (): boolean => tries < triesMax && !expired();
  const tail = shortestTail(operations, test);
  if (tail === null) return null;
  let best = leaveOut(tail, test, more);
  best = simplify(best, test, more);
  return { operations: best, tries };
}

function shortestTail(operations: readonly StressOp[], test: StillFails): readonly StressOp[] | null {
  for (const length of TAILS) {
    if (length >= operations.length) break;
    const tail = operations.slice(-length);
    if (test(tail)) return tail;
  }
  return test(operations) ? operations : null;
}

/** Leaves out runs of half the list, a quarter, and so on down to single operations. */
function leaveOut(operations: readonly StressOp[], test: StillFails, more: () => boolean): readonly StressOp[] {
  let best = operations;
  for (let size = Math.ceil(best.length / 2); size >= 1 && more(); size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.length && best.length > 1 && more(); ) {
      const without = [...best.slice(0, at), ...best.slice(at + size)];
      if (without.length > 0 && test(without)) best = without;
      else at += size;
    }
  }
  return best;
}

/** One piece instead of many, fewer bytes, no second transfer, no attributes. */
function simplify(operations: readonly StressOp[], test: StillFails, more: () => boolean): readonly StressOp[] {
  let best = operations;
  for (let at = 0; at < best.length; at += 1) {
    for (const simpler of [firstPiece, halfBytes, smallBytes, withoutReuse, withoutAttributes]) {
      if (!more()) return best;
      const op = best[at] as StressOp;
      const changed = simpler(op);
      if (changed === null) continue;
      const list = best.map((each, i) => (i === at ? changed : each));
      if (test(list)) best = list;
    }
  }
  return best;
}

function firstPiece(op: StressOp): StressOp | null {
  return op.pieces.length > 1 ? { ...op, pieces: op.pieces.slice(0, 1) } : null;
}

function halfBytes(op: StressOp): StressOp | null {
  const half = op.pieces.slice(0, Math.ceil(op.pieces.length / 2));
  return op.pieces.length > 1 ? { ...op, pieces: half } : null;
}

function smallBytes(op: StressOp): StressOp | null {
  if (op.pieces.every(({ bytes }) => bytes <= 4096)) return null;
  return { ...op, pieces: op.pieces.map((piece) => ({ ...piece, bytes: Math.min(piece.bytes, 4096) })) };
}

function withoutReuse(op: StressOp): StressOp | null {
  return op.reuse ? { ...op, reuse: false } : null;
}

function withoutAttributes(op: StressOp): StressOp | null {
  return op.attrs === 0 ? null : { ...op, attrs: 0 };
}
