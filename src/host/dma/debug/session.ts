/**
 * A thread's access to the shadow: on and off, counters, reporting (kernel/dma/debug.c: dma_debug_init, err_printk).
 */
import type { Arena } from "../../../shm/arena.ts";
import { DEBUG } from "../../../shm/layout.ts";
import { lock, unlock } from "../../../shm/mutex.ts";
import { DEBUG_ENTRIES_FIRST, DEBUG_WORD, type DebugMapping } from "./entry.ts";
import type { DebugError } from "./errors.ts";
import type { DebugFinding } from "./segments.ts";

/** What a thread needs to check its DMA calls; `job` and `io` say who makes the next mapping. */
export interface DmaDebug {
  readonly arena: Arena;
  /** Owner id of this thread in lock words. */
  readonly lockOwner: number;
  /** Takes every error as it is found, with the lock free. */
  readonly report: (error: DebugError) => void;
  job: number;
  io: number;
}

/** Files of debugfs dma-api/ that are numbers. */
export interface DebugCounters {
  readonly disabled: boolean;
  readonly errorCount: number;
  readonly numErrors: number;
  readonly nrTotalEntries: number;
  readonly numFreeEntries: number;
  readonly minFreeEntries: number;
}

const STATE = Object.freeze({ off: 0, on: 1, disabled: 2 });

/** Switches checking on for an arena whose shadow is empty. `printedMax`: errors that are printed; 1 as in the kernel. */
export function startDebug(arena: Arena, printedMax = 1): void {
  const words = arena.i32;
  words[DEBUG_WORD + DEBUG.entriesTotal] = DEBUG_ENTRIES_FIRST;
  words[DEBUG_WORD + DEBUG.entriesFree] = DEBUG_ENTRIES_FIRST;
  words[DEBUG_WORD + DEBUG.entriesFreeMin] = DEBUG_ENTRIES_FIRST;
  words[DEBUG_WORD + DEBUG.printsLeft] = printedMax;
  words[DEBUG_WORD + DEBUG.state] = STATE.on;
}

/** True when calls are to be checked. */
export function isDebugOn(arena: Arena): boolean {
  return arena.i32[DEBUG_WORD + DEBUG.state] === STATE.on;
}

/** The kernel gives up for good when it finds no entry. Called with the lock held. */
export function disableDebug(arena: Arena): void {
  arena.i32[DEBUG_WORD + DEBUG.state] = STATE.disabled;
}

/** Counters of the shadow as debugfs shows them. */
export function debugCounters(arena: Arena): DebugCounters {
  const word = (field: number) => arena.i32[DEBUG_WORD + field] as number;
  return {
    disabled: word(DEBUG.state) !== STATE.on,
    errorCount: word(DEBUG.errors),
    numErrors: word(DEBUG.printsLeft),
    nrTotalEntries: word(DEBUG.entriesTotal),
    numFreeEntries: word(DEBUG.entriesFree),
    minFreeEntries: word(DEBUG.entriesFreeMin),
  };
}

/** A finding of a call, with the mapping that it met. */
export interface DebugVerdict extends DebugFinding {
  readonly mapped?: DebugMapping | undefined;
}

/** Runs `check` under the lock, then counts and reports what it found. */
export function checked(debug: DmaDebug, device: number, call: DebugMapping | null, check: () => DebugVerdict[]): void {
  if (!isDebugOn(debug.arena)) return;
  const words = debug.arena.i32;
  lock(words, DEBUG_WORD + DEBUG.lock, debug.lockOwner);
  const errors = check().map(({ kind, text, mapped }): DebugError => {
    // Giving up is not the driver's error: the kernel says so without counting it.
    const printed = kind === "out of memory" || countError(debug.arena);
    return { kind, text, device, mapped: mapped ?? null, call, printed };
  });
  unlock(words, DEBUG_WORD + DEBUG.lock, debug.lockOwner);
  for (const error of errors) debug.report(error);
}

/** Counts an error; true when it may be printed. */
function countError(arena: Arena): boolean {
  const words = arena.i32;
  words[DEBUG_WORD + DEBUG.errors] = (words[DEBUG_WORD + DEBUG.errors] as number) + 1;
  if (words[DEBUG_WORD + DEBUG.printAll] === 1) return true;
  const left = words[DEBUG_WORD + DEBUG.printsLeft] as number;
  if (left <= 0) return false;
  words[DEBUG_WORD + DEBUG.printsLeft] = left - 1;
  return true;
}
