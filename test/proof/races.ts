/**
 * Data races of one schedule, by vector clocks: two plain accesses to one word, or a plain and an atomic one, at least one
 * of them a store, that no chain of atomic operations orders.
 *
 * It is why points before atomic operations are enough: where no schedule has a race, what a thread does between
 * two of its atomic operations cannot be told from one step. Racy words are exempt; their accesses are points.
 */
import { FOLLOWS, KIND, LOG_WORDS, THREADS_MAX } from "./control.ts";

const T = THREADS_MAX;
const WORDS_MAX = 2 ** 16;

/** What a kind of log entry is to the analysis. */
const PLAIN_READ = 1;
const PLAIN_WRITE = 2;
const ATOMIC_READ = 3;
const ATOMIC_WRITE = 4;
/** Time of the accesses of one kind: those four. */
const ROLES = 4;

function roleOf(kind: number): number {
  if (kind === KIND.read) return PLAIN_READ;
  if (kind === KIND.write) return PLAIN_WRITE;
  if (kind === KIND.load || kind === KIND.failed || kind === KIND.wait) return ATOMIC_READ;
  return kind === KIND.store || kind === KIND.rmw ? ATOMIC_WRITE : 0;
}

export class RaceFinder {
  /** Dense numbers of the words seen in any schedule. */
  readonly #ids = new Map<number, number>();
  readonly #clocks = new Int32Array(T * T);
  /** Per word: clock that a load of it takes over, and per thread the time of the last access of each kind. */
  readonly #released = new Int32Array(WORDS_MAX * T);
  readonly #last = Array.from({ length: ROLES }, () => new Int32Array(WORDS_MAX * T));

  /** Words of the log's `entries` entries with a race, in order. */
  find(log: Int32Array, entries: number): number[] {
    this.#clear();
    const found: number[] = [];
    for (let at = 0; at < entries * LOG_WORDS; at += LOG_WORDS) {
      const head = log[at] as number;
      const role = roleOf((head >> 4) & ~FOLLOWS);
      const word = log[at + 1] as number;
      const kind = (head >> 4) & ~FOLLOWS;
      if (role === 0 || found.includes(word)) continue;
      if (this.#access(head & 15, role, kind !== KIND.store, this.#idOf(word))) found.push(word);
    }
    return found;
  }

  #clear(): void {
    const used = this.#ids.size * T;
    this.#clocks.fill(0);
    this.#released.fill(0, 0, used);
    for (const times of this.#last) times.fill(0, 0, used);
    for (let thread = 0; thread < T; thread += 1) this.#clocks[thread * T + thread] = 1;
  }

  #idOf(word: number): number {
    const known = this.#ids.get(word);
    if (known !== undefined) return known;
    const id = this.#ids.size;
    if (id >= WORDS_MAX) throw new Error("a program touches too many words");
    this.#ids.set(word, id);
    return id;
  }

  /** Orders the access after what it has to be ordered after; true when something else was not. */
  #access(thread: number, role: number, reads: boolean, id: number): boolean {
    const clock = thread * T;
    const base = id * T;
    if (role >= ATOMIC_READ && reads) {
      for (let u = 0; u < T; u += 1) {
        this.#clocks[clock + u] = Math.max(this.#clocks[clock + u] as number, this.#released[base + u] as number);
      }
    }
    const against =
      role === PLAIN_READ
        ? [PLAIN_WRITE, ATOMIC_WRITE]
        : role === PLAIN_WRITE
          ? [PLAIN_READ, PLAIN_WRITE, ATOMIC_READ, ATOMIC_WRITE]
          : role === ATOMIC_READ
            ? [PLAIN_WRITE]
            : [PLAIN_READ, PLAIN_WRITE];
    const isRace = against.some((other) => this.#isUnordered(thread, base, other));
    (this.#last[role - 1] as Int32Array)[base + thread] = this.#clocks[clock + thread] as number;
    if (role === ATOMIC_WRITE) {
      for (let u = 0; u < T; u += 1) this.#released[base + u] = this.#clocks[clock + u] as number;
      this.#clocks[clock + thread] = (this.#clocks[clock + thread] as number) + 1;
    }
    return isRace;
  }

  #isUnordered(thread: number, base: number, other: number): boolean {
    const times = this.#last[other - 1] as Int32Array;
    for (let u = 0; u < T; u += 1) {
      if (u !== thread && (times[base + u] as number) > (this.#clocks[thread * T + u] as number)) return true;
    }
    return false;
  }
}
