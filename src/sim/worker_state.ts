/** A worker's side of being watched: heartbeat, state and the hooks with which tests make it misbehave. */
import { HOOK, WORKER_STATE, workerWord } from "../host/coordinator.ts";
import type { Arena } from "../shm/arena.ts";
import { load, store } from "../shm/atomics.ts";
import { HEADER, REGIONS, WORKER } from "../shm/layout.ts";
import { lock } from "../shm/mutex.ts";

const SG_LOCK = REGIONS.header.word + HEADER.sgLock;

/** Writer of one WORKER record; `beat` belongs into every turn of the worker's loop. */
export class WorkerState {
  readonly word: number;
  readonly #words: Int32Array;
  readonly #owner: number;
  #beat = 0;

  constructor(arena: Arena, worker: number) {
    this.#words = arena.i32;
    this.#owner = worker;
    this.word = workerWord(worker);
    store(this.#words, this.word + WORKER.state, WORKER_STATE.running);
  }

  /** One turn of the loop. */
  beat(): void {
    this.#beat = (this.#beat + 1) | 0;
    store(this.#words, this.word + WORKER.heartbeat, this.#beat);
    if ((this.#words[this.word + WORKER.hook] as number) !== HOOK.none) this.#misbehave();
  }

  left(): void {
    store(this.#words, this.word + WORKER.state, WORKER_STATE.left);
  }

  #misbehave(): void {
    const hook = load(this.#words, this.word + WORKER.hook);
    if (hook === HOOK.throw) throw new Error("test hook: the worker throws");
    if (hook === HOOK.exit) process.exit(7);
    // Spins for ever with a lock held, so that the report has one to name.
    lock(this.#words, SG_LOCK, this.#owner);
    for (;;) load(this.#words, this.word);
  }
}
