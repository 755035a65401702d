/**
 * One thread's side of the scheduler: before every atomic operation it asks who runs next, hands the turn over by one
 * shared word and spins (then sleeps) until the turn comes back. What a thread does between two operations is one step.
 *
 * Blocking is modelled, never real: a sleeping, spinning or resting thread has no turn until what it waits for has happened.
 */
import {
  CONTROL,
  DECISIONS_MAX,
  FOLLOWS,
  KIND,
  LOG_WORDS,
  packDecision,
  type Shared,
  STATUS,
  STEPS_MAX,
  STOPPED,
  standardChoice,
  THREAD,
  TURN,
  type WordRange,
} from "./control.ts";

/** Turns of the waiting loop before the thread sleeps: a hand-over between two free cores is shorter. */
const SPINS = 2000;
/** Loads of one value of one word in a row that make a spinning thread. The mutex comes to two and then parks. */
const SPIN_LOADS = 3;
/** One of so many decisions of a random walk leaves the running thread. */
const RANDOM_STRIDE = 4;

/** Thrown through the body when its schedule is abandoned. */
export class Abandoned extends Error {}

export class Turns {
  readonly me: number;
  readonly raw: Int32Array;
  readonly #shared: Shared;
  readonly #control: Int32Array;
  readonly #threads: number;
  readonly #record: number;
  readonly #racy: readonly WordRange[];

  constructor(shared: Shared, raw: Int32Array, me: number, threads: number, racy: readonly WordRange[]) {
    this.me = me;
    this.raw = raw;
    this.#shared = shared;
    this.#control = shared.control;
    this.#threads = threads;
    this.#racy = racy;
    this.#record = CONTROL.threads + me * THREAD.WORDS;
  }

  /** Waits until `turn` is this thread's, or one of TURN; returns it. */
  await(turn: number): number {
    const control = this.#control;
    for (let spins = 0; ; spins += 1) {
      const seen = Atomics.load(control, CONTROL.turn);
      if (seen === turn || seen === TURN.exit) return seen;
      if (spins > SPINS) Atomics.wait(control, CONTROL.turn, seen, 1000);
    }
  }

  /** True for words whose plain accesses are points. */
  isRacy(word: number): boolean {
    return this.#racy.some(([start, end]) => word >= start && word < end);
  }

  /** Explorer: waits until every thread has finished the schedule. */
  awaitEnd(): void {
    this.await(TURN.end);
  }

  handOver(turn: number): void {
    Atomics.store(this.#control, CONTROL.turn, turn);
    Atomics.notify(this.#control, CONTROL.turn);
  }

  /** Explorer: the thread that runs first. */
  first(): number {
    return this.#choose(-1);
  }

  /** Before an operation: another thread may go first. */
  point(): void {
    const control = this.#control;
    control[CONTROL.steps] = (control[CONTROL.steps] as number) + 1;
    if ((control[CONTROL.steps] as number) > STEPS_MAX) this.stop(STOPPED.livelock);
    this.#pass();
  }

  /** The body is over, or abandoned: somebody else's turn. */
  finish(): void {
    const control = this.#control;
    control[this.#record + THREAD.status] = STATUS.done;
    let next = control[CONTROL.stopped] === 0 ? this.#choose(this.me) : -1;
    const left = this.#unfinished();
    if (left < 0) next = TURN.end;
    else if (next < 0) {
      if (control[CONTROL.stopped] === 0) control[CONTROL.stopped] = STOPPED.deadlock;
      next = left;
    }
    this.handOver(next);
  }

  /** Abandons the schedule. */
  stop(why: number): never {
    this.#control[CONTROL.stopped] = why;
    throw new Abandoned();
  }

  load(word: number): number {
    this.#spinOn(word);
    this.point();
    this.log(KIND.load, word, 0);
    const value = Atomics.load(this.raw, word);
    this.#countLoad(word, value);
    return value;
  }

  store(word: number, value: number): void {
    this.point();
    this.wrote(KIND.store, word);
    Atomics.store(this.raw, word, value);
  }

  fetchAdd(word: number, value: number): number {
    this.point();
    this.wrote(KIND.rmw, word);
    return Atomics.add(this.raw, word, value);
  }

  fetchOr(word: number, bits: number): number {
    this.point();
    this.wrote(KIND.rmw, word);
    return Atomics.or(this.raw, word, bits);
  }

  compareExchange(word: number, expected: number, next: number): boolean {
    this.point();
    if (Atomics.load(this.raw, word) !== expected) {
      this.log(KIND.failed, word, 0);
      return false;
    }
    this.wrote(KIND.rmw, word);
    return Atomics.compareExchange(this.raw, word, expected, next) === expected;
  }

  wait(word: number, value: number, timeoutMs: number): void {
    this.point();
    this.log(KIND.wait, word, 0);
    if (Atomics.load(this.raw, word) !== value) return;
    this.#control[this.#record + THREAD.deadline] = Number.isFinite(timeoutMs) ? 1 : 0;
    this.#block(STATUS.sleeping, word);
  }

  notify(word: number): void {
    this.point();
    this.log(KIND.notify, word, 0);
    this.#wake(STATUS.sleeping, word);
  }

  /** The body found nothing to do: no turn until another thread stored something since it last looked. */
  rest(): void {
    const control = this.#control;
    const stores = this.#storesOfOthers();
    this.log(KIND.rest, 0, 0);
    if (stores === (control[this.#record + THREAD.seen] as number)) this.#block(STATUS.resting, 0);
    control[this.#record + THREAD.seen] = this.#storesOfOthers();
  }

  /** Logs what is about to be done to a word of the arena; only loads of one word in a row are spinning. */
  log(kind: number, word: number, before: number): void {
    const { log } = this.#shared;
    const at = (this.#control[CONTROL.logged] as number) * LOG_WORDS;
    if (at >= log.length) throw new Error("the log of the schedule is full");
    log[at] = this.me | (kind << 4);
    log[at + 1] = word;
    log[at + 2] = before;
    if (kind !== KIND.load) this.#control[this.#record + THREAD.loads] = 0;
    this.#control[CONTROL.logged] = (this.#control[CONTROL.logged] as number) + 1;
  }

  /** Logs a store with the value before it, and wakes who spins or rests; before the store, in the same step. */
  wrote(kind: number, word: number): void {
    const control = this.#control;
    this.log(kind, word, this.raw[word] as number);
    control[this.#record + THREAD.writes] = (control[this.#record + THREAD.writes] as number) + 1;
    this.#wake(STATUS.spinning, word);
    this.#wake(STATUS.resting, 0);
  }

  /** {@link wrote} of the 64 bits at `word`. */
  wroteWide(kind: number, word: number): void {
    this.wrote(kind, word);
    this.log(kind | FOLLOWS, word + 1, this.raw[word + 1] as number);
  }

  #pass(): void {
    const next = this.#choose(this.me);
    if (next === this.me) return;
    if (next < 0) this.stop(STOPPED.deadlock);
    this.handOver(next);
    this.await(this.me);
    if (this.#control[CONTROL.stopped] !== 0) throw new Abandoned();
  }

  #block(status: number, word: number): void {
    this.#control[this.#record + THREAD.status] = status;
    this.#control[this.#record + THREAD.word] = word;
    this.#pass();
  }

  #wake(status: number, word: number): void {
    const control = this.#control;
    for (let thread = 0; thread < this.#threads; thread += 1) {
      const at = CONTROL.threads + thread * THREAD.WORDS;
      if (control[at + THREAD.status] !== status || control[at + THREAD.word] !== word) continue;
      control[at + THREAD.status] = STATUS.ready;
      control[at + THREAD.loads] = 0;
    }
  }

  #spinOn(word: number): void {
    const control = this.#control;
    if (control[this.#record + THREAD.loads] !== SPIN_LOADS || control[this.#record + THREAD.loadWord] !== word) return;
    if (this.raw[word] !== control[this.#record + THREAD.loadValue]) return;
    this.#block(STATUS.spinning, word);
  }

  #countLoad(word: number, value: number): void {
    const control = this.#control;
    const at = this.#record;
    const isSame = control[at + THREAD.loadWord] === word && control[at + THREAD.loadValue] === value;
    control[at + THREAD.loads] = isSame ? (control[at + THREAD.loads] as number) + 1 : 1;
    control[at + THREAD.loadWord] = word;
    control[at + THREAD.loadValue] = value;
  }

  #storesOfOthers(): number {
    let stores = 0;
    for (let thread = 0; thread < this.#threads; thread += 1) {
      if (thread !== this.me)
        stores += this.#control[CONTROL.threads + thread * THREAD.WORDS + THREAD.writes] as number;
    }
    return stores;
  }

  #unfinished(): number {
    for (let thread = 0; thread < this.#threads; thread += 1) {
      if (this.#control[CONTROL.threads + thread * THREAD.WORDS + THREAD.status] !== STATUS.done) return thread;
    }
    return -1;
  }

  /** Next thread to run; -1 when none can. Writes the decision down when there is more than one way to go on. */
  #choose(from: number): number {
    const control = this.#control;
    let ready = 0;
    let asleep = 0;
    for (let thread = 0; thread < this.#threads; thread += 1) {
      const at = CONTROL.threads + thread * THREAD.WORDS;
      const status = control[at + THREAD.status];
      if (status === STATUS.ready) ready |= 1 << thread;
      else if (status === STATUS.sleeping && control[at + THREAD.deadline] === 1) asleep |= 1 << thread;
    }
    const all = ready | asleep;
    const standard = standardChoice(from, ready, asleep);
    const choice = (all & (all - 1)) === 0 ? standard : this.#decide(from, ready, asleep, standard);
    if (choice >= 0 && ((asleep >> choice) & 1) !== 0) this.#endSleep(choice, ready === 0);
    return choice;
  }

  #decide(from: number, ready: number, asleep: number, standard: number): number {
    const control = this.#control;
    const { plan, choices, options } = this.#shared;
    const index = control[CONTROL.decisions] as number;
    if (index >= DECISIONS_MAX) this.stop(STOPPED.livelock);
    let choice = standard;
    if (index < (control[CONTROL.planned] as number)) choice = plan[index] as number;
    else if (control[CONTROL.random] !== 0 && this.#random(RANDOM_STRIDE) === 0) {
      do choice = this.#random(this.#threads);
      while ((((ready | asleep) >> choice) & 1) === 0);
    }
    options[index] = packDecision(from, ready, asleep);
    choices[index] = choice;
    control[CONTROL.decisions] = index + 1;
    return choice;
  }

  #endSleep(thread: number, isForced: boolean): void {
    const control = this.#control;
    const at = CONTROL.threads + thread * THREAD.WORDS;
    control[at + THREAD.status] = STATUS.ready;
    if (isForced) control[CONTROL.deadlines] = (control[CONTROL.deadlines] as number) + 1;
    this.log(KIND.timeout, control[at + THREAD.word] as number, 0);
  }

  /** Below `n`, from the schedule's own state (xorshift). */
  #random(n: number): number {
    let x = this.#control[CONTROL.random] as number;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#control[CONTROL.random] = x;
    return (x >>> 0) % n;
  }
}
