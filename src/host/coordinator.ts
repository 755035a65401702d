/**
 * Starts, watches, drains and stops the workers of a run.
 *
 * A worker writes a heartbeat in every turn of its loop. One that stands still longer than the
 * deadline is reported with the locks it holds and the descriptors in flight, and terminated; one
 * that throws, exits or is terminated rejects its task. Either way the others are told to leave at once and the run
 * ends: a dead worker's lock is reported, never waited for.
 */
import type { Arena } from "../shm/arena.ts";
import { load, notify, store } from "../shm/atomics.ts";
import { QPAIR_DEPTH, QPAIRS_MAX, WORKERS_MAX } from "../shm/capacities.ts";
import { DESC, HEADER, QPAIR, REGIONS, RING, WORKER } from "../shm/layout.ts";
import type { Region } from "../shm/record.ts";
import { ringUsed } from "../shm/ring.ts";
import type { TaskOutcome, WorkerPool } from "./workers.ts";

/** Values of HEADER.stop. */
export const STOP = Object.freeze({ run: 0, drain: 1, leave: 2 });
/** Values of WORKER.hook. */
export const HOOK = Object.freeze({ none: 0, throw: 1, exit: 2, spin: 3 });

const WATCH_MS = 100;
/**
 * Looks without a heartbeat after which a worker counts as stuck, or as never started. Looks, not time: on an overloaded
 * computer the watch is late as often as the workers are.
 */
const STUCK_LOOKS = 18;
const START_LOOKS = 150;
const LEAVE_MS = 500;
const STOP_WORD = REGIONS.header.word + HEADER.stop;

/** What is known about a worker that did not finish. */
export interface WorkerReport {
  readonly worker: number;
  readonly cause: string;
  readonly locks: readonly string[];
  readonly inFlight: readonly string[];
}

/** Watches one run's workers; `Value` is what a worker's task returns. A failure is data, never an exception. */
export class Coordinator<Value> {
  readonly #arena: Arena;
  readonly #pool: WorkerPool;
  readonly #workers: number;
  readonly #nameEngine: (engine: number) => string;
  readonly #values: (Value | null)[];
  readonly #beats: number[];
  /** Looks since the last heartbeat. */
  readonly #still: number[];
  #failure: WorkerReport | null = null;
  #left = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(arena: Arena, pool: WorkerPool, workers: number, nameEngine: (engine: number) => string) {
    this.#arena = arena;
    this.#pool = pool;
    this.#workers = workers;
    this.#nameEngine = nameEngine;
    this.#values = Array.from({ length: workers }, () => null);
    this.#beats = Array.from({ length: workers }, () => -1);
    this.#still = Array.from({ length: workers }, () => 0);
  }

  /** First worker that failed, with what it held. */
  get failure(): WorkerReport | null {
    return this.#failure;
  }

  /** All workers have returned or died. */
  get finished(): boolean {
    return this.#left === this.#workers;
  }

  /** Runs one task on every worker; resolves with their values (null for one that failed) when all are gone. */
  async run<Task>(tasks: readonly Task[]): Promise<readonly (Value | null)[]> {
    this.#timer = setInterval(() => this.#watch(), WATCH_MS);
    try {
      await this.#pool.run<Task, Value>(tasks, (outcome) => this.#onOutcome(outcome));
    } finally {
      clearInterval(this.#timer);
    }
    return this.#values;
  }

  /** Asks the workers to finish what is in flight and return. */
  drain(): void {
    this.#tell(STOP.drain);
  }

  /** Asks the workers to return at once, whatever is queued. */
  leave(): void {
    this.#tell(STOP.leave);
  }

  /** Ends a worker's thread (test hook, and the end of one that is stuck). */
  terminate(worker: number): void {
    this.#pool.terminate(worker);
  }

  /** Asks a worker to misbehave (test hooks). */
  hook(worker: number, hook: number): void {
    store(this.#arena.i32, workerWord(worker) + WORKER.hook, hook);
  }

  #onOutcome(outcome: TaskOutcome<Value>): void {
    this.#left += 1;
    if (outcome.ok) {
      this.#values[outcome.worker] = outcome.value;
      return;
    }
    this.fail(outcome.worker, outcome.cause);
  }

  /** Ends the run because of a worker: the first report stands. */
  fail(worker: number, cause: string): void {
    if (this.#failure !== null) return;
    this.#failure = {
      worker,
      cause,
      locks: locksHeld(this.#arena, worker),
      inFlight: descriptorsInFlight(this.#arena, worker, this.#nameEngine),
    };
    this.#tell(STOP.leave);
    setTimeout(() => {
      for (let other = 0; other < this.#workers; other += 1) this.#pool.terminate(other);
    }, LEAVE_MS).unref();
  }

  #tell(stop: number): void {
    if (load(this.#arena.i32, STOP_WORD) >= stop) return;
    store(this.#arena.i32, STOP_WORD, stop);
    for (let worker = 0; worker < this.#workers; worker += 1) {
      notify(this.#arena.i32, workerWord(worker) + WORKER.bells);
    }
  }

  /** The worker's thread has begun and made a turn of its loop. */
  running(worker: number): boolean {
    return load(this.#arena.i32, workerWord(worker) + WORKER.heartbeat) !== 0;
  }

  /** Finds workers that show no sign of life. A worker that has not begun is given the time that threads take to start. */
  #watch(): void {
    for (let worker = 0; worker < this.#workers; worker += 1) {
      const beat = signOfLife(this.#arena, worker);
      const left = load(this.#arena.i32, workerWord(worker) + WORKER.state) === WORKER_STATE.left;
      this.#still[worker] = left || beat !== this.#beats[worker] ? 0 : (this.#still[worker] as number) + 1;
      this.#beats[worker] = beat;
    }
    const still = this.#stillFor(1);
    if (still.length === 0) return;
    // Whoever waits for a lock of a stuck worker stands still too: the one that holds a lock is to blame.
    const suspects = [...still, ...this.#stillFor(0.5)];
    const culprit = suspects.find((worker) => locksHeld(this.#arena, worker).length > 0) ?? (still[0] as number);
    const begun = this.#hasBegun(culprit);
    const seconds = ((begun ? STUCK_LOOKS : START_LOOKS) * WATCH_MS) / 1000;
    this.fail(
      culprit,
      begun ? `its heartbeat stood still for ${seconds} s` : `its thread did not start in ${seconds} s`,
    );
    this.#pool.terminate(culprit);
  }

  /** Workers without a sign of life for `share` of the looks that they have. */
  #stillFor(share: number): number[] {
    return this.#still.flatMap((looks, worker) =>
      looks >= share * (this.#hasBegun(worker) ? STUCK_LOOKS : START_LOOKS) ? [worker] : [],
    );
  }

  #hasBegun(worker: number): boolean {
    return load(this.#arena.i32, workerWord(worker) + WORKER.state) !== WORKER_STATE.absent;
  }
}

/** A number that changes while a worker works: its turns, and the bytes inside a long turn. */
function signOfLife(arena: Arena, worker: number): number {
  const base = workerWord(worker);
  const copied = arena.f64[(base + WORKER.copied) >>> 1] as number;
  const verified = arena.f64[(base + WORKER.verified) >>> 1] as number;
  return load(arena.i32, base + WORKER.heartbeat) + copied + verified;
}

/** Values of WORKER.state. */
export const WORKER_STATE = Object.freeze({ absent: 0, running: 2, left: 3 });

/** Word index of a worker's record. */
export function workerWord(worker: number): number {
  return REGIONS.workers.word + worker * REGIONS.workers.stride;
}

/** Names of the locks whose owner word says `owner`: every mutex that the layout declares, in the parts that are in use. */
export function locksHeld(arena: Arena, owner: number): string[] {
  const held: string[] = [];
  for (const region of Object.values(REGIONS) as Region[]) {
    const mutexes = region.record.fields.filter((field) => field.kind === "mutex");
    for (const field of mutexes) {
      for (let index = 0; index < region.count; index += 1) {
        const word = arena.i32[region.word + index * region.stride + field.word] as number;
        if ((word & 0xffff) === owner + 1) held.push(`${region.name}[${index}].${field.name}`);
      }
    }
  }
  return held;
}

/** "nvme0q3: tags 4 5" for every queue pair with descriptors that were submitted and not completed. */
export function descriptorsInFlight(arena: Arena, worker: number, nameEngine: (engine: number) => string): string[] {
  const lines: string[] = [];
  const serving = (arena.i32[workerWord(worker) + WORKER.engine] as number) - 1;
  if (serving >= 0) lines.push(`${nameEngine(serving)}: executing tag ${arena.i32[workerWord(worker) + WORKER.tag]}`);
  for (let pair = 0; pair < QPAIRS_MAX; pair += 1) {
    const base = REGIONS.qpairs.word + pair * REGIONS.qpairs.stride;
    const engine = nameEngine(arena.i32[base + QPAIR.engine] as number);
    const used = ringUsed(arena.i32, base + QPAIR.sq);
    const done = ringUsed(arena.i32, base + QPAIR.cq);
    if (used > 0) lines.push(`${engine}: tags ${tagsOf(arena, pair, used).join(" ")}`);
    if (done > 0) lines.push(`${engine}: ${done} completions not reaped`);
  }
  const queued = ringUsed(arena.i32, REGIONS.copyRings.word + worker * REGIONS.copyRings.stride);
  if (queued > 0) lines.push(`copy queue of worker ${worker}: ${queued} commands`);
  return lines;
}

const TAGS_SHOWN = 8;

function tagsOf(arena: Arena, pair: number, used: number): string[] {
  const head = arena.i32[REGIONS.qpairs.word + pair * REGIONS.qpairs.stride + QPAIR.sq + RING.head] as number;
  const descs = REGIONS.descriptors.word + pair * QPAIR_DEPTH * DESC.WORDS;
  const tags = Array.from({ length: Math.min(used, TAGS_SHOWN) }, (_, i) =>
    String(arena.i32[descs + ((head + i) & (QPAIR_DEPTH - 1)) * DESC.WORDS + DESC.tag]),
  );
  return used > TAGS_SHOWN ? [...tags, `and ${used - TAGS_SHOWN} more`] : tags;
}

/** Upper bound of `--workers`; one owner id is the main thread's. */
export const WORKERS_LIMIT = WORKERS_MAX - 1;
