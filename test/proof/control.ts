/**
 * What the threads of an exploration share besides the arena: whose turn it is, the decisions of this schedule, and the log
 * of what was done. Only the thread that has the turn touches it, so everything but `turn` is plain.
 */

/** Words of `Shared.control`. */
export const CONTROL = Object.freeze({
  /** Thread that may run, or TURN.end, TURN.exit. */
  turn: 0,
  /** STOPPED: why the schedule is being abandoned; 0 = it is not. */
  stopped: 1,
  /** Decisions taken so far in this schedule. */
  decisions: 2,
  /** Decisions that `plan` prescribes. */
  planned: 3,
  /** State of the random walk, 0 = after the plan a thread runs on until it blocks. */
  random: 4,
  /** Entries of `log`. */
  logged: 5,
  /** Sleeps that ended at their deadline because no thread could run. */
  deadlines: 6,
  /** Operations so far. */
  steps: 7,
  /** Characters of `text`. */
  textLength: 8,
  /** First of the THREAD records. */
  threads: 16,
  WORDS: 64,
});

/** Words of one thread's record. */
export const THREAD = Object.freeze({
  /** STATUS. */
  status: 0,
  /** Word of the arena that it waits for. */
  word: 1,
  /** 1 = its sleep has a deadline. */
  deadline: 2,
  /** Stores by this thread. */
  writes: 3,
  /** Stores by others when it last rested. */
  seen: 4,
  /** Word, value and number of its last loads in a row. */
  loadWord: 5,
  loadValue: 6,
  loads: 7,
  WORDS: 8,
});

/** Half-open range of arena words. */
export type WordRange = readonly [start: number, end: number];

export const TURN = Object.freeze({ end: 100, exit: 101 });

export const STATUS = Object.freeze({
  ready: 0,
  /** In a wait on `word`, until a notify or its deadline. */
  sleeping: 1,
  /** Reads `word` again and again, until another thread stores to it. */
  spinning: 2,
  /** Found nothing to do, until another thread stores anything. */
  resting: 3,
  done: 4,
});

export const STOPPED = Object.freeze({ deadlock: 1, livelock: 2, threw: 3 });

/** Kinds of log entries; FOLLOWS marks the second word of a 64-bit one. */
export const KIND = Object.freeze({
  load: 0,
  store: 1,
  rmw: 2,
  /** A compare-exchange that failed. */
  failed: 3,
  /** Plain accesses; racy ones are declared as such by the program and are points of the schedule. */
  read: 4,
  write: 5,
  racyRead: 6,
  racyWrite: 7,
  wait: 8,
  notify: 9,
  timeout: 10,
  rest: 11,
});
export const KIND_NAMES = Object.keys(KIND);
export const FOLLOWS = 0x100;

/** Words of a log entry: thread | (kind | FOLLOWS) << 4, word of the arena, value before a store. */
export const LOG_WORDS = 3;
const LOG_ENTRIES = 2 ** 18;
export const DECISIONS_MAX = 4096;
export const THREADS_MAX = 4;
/** Far above what any program needs: a schedule with more operations does not end. */
export const STEPS_MAX = 5000;

/** Shared arrays; crosses to the threads as it is. */
export interface Shared {
  readonly control: Int32Array;
  /** Choices to take, one for each decision. */
  readonly plan: Int32Array;
  /** Choices taken. */
  readonly choices: Int32Array;
  /** What could be chosen: {@link packDecision}. */
  readonly options: Int32Array;
  readonly log: Int32Array;
  /** What the bodies report to the judge of the program. */
  readonly results: Float64Array;
  /** Message of an error thrown by a body. */
  readonly text: Int32Array;
}

function words(count: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(count * 4));
}

export function makeShared(): Shared {
  return {
    control: words(CONTROL.WORDS),
    plan: words(DECISIONS_MAX),
    choices: words(DECISIONS_MAX),
    options: words(DECISIONS_MAX),
    log: words(LOG_ENTRIES * LOG_WORDS),
    results: new Float64Array(new SharedArrayBuffer(64 * 8)),
    text: words(1024),
  };
}

/** A decision: who came to it (-1 at the start), which threads could run, which sleeps could end at their deadline. */
export interface Decision {
  readonly from: number;
  readonly ready: number;
  readonly asleep: number;
}

export function packDecision(from: number, ready: number, asleep: number): number {
  return (from + 1) | (ready << 4) | (asleep << 8);
}

export function unpackDecision(packed: number): Decision {
  return { from: (packed & 15) - 1, ready: (packed >> 4) & 15, asleep: (packed >> 8) & 15 };
}

/** What is chosen when nothing else is asked for: whoever runs goes on, else the next thread that can, else the next sleeper. */
export function standardChoice(from: number, ready: number, asleep: number): number {
  if (from >= 0 && ((ready >> from) & 1) !== 0) return from;
  const candidates = ready !== 0 ? ready : asleep;
  for (let step = 1; step <= THREADS_MAX; step += 1) {
    const thread = (from + step) % THREADS_MAX;
    if (((candidates >> thread) & 1) !== 0) return thread;
  }
  return -1;
}

/** 1 when the choice uses up a preemption: a thread that could go on is stopped, or a sleep ends early. */
export function costOf({ from, ready, asleep }: Decision, choice: number): number {
  if (((asleep >> choice) & 1) !== 0) return ready === 0 ? 0 : 1;
  return from >= 0 && choice !== from && ((ready >> from) & 1) !== 0 ? 1 : 0;
}
