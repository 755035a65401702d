/** One thread's dma-debug session in a stress run: it keeps what it is told until the operation asks. */
import type { DebugError } from "../../host/dma/debug/errors.ts";
import type { DmaDebug } from "../../host/dma/debug/session.ts";
import type { Arena } from "../../shm/arena.ts";

/** The shadow checker of one worker; `job` is the worker, `io` the operation. */
export class StressDebug implements DmaDebug {
  readonly arena: Arena;
  readonly lockOwner: number;
  job: number;
  io = 0;
  #errors: DebugError[] = [];

  constructor(arena: Arena, lockOwner: number) {
    this.arena = arena;
    this.lockOwner = lockOwner;
    this.job = lockOwner;
  }

  readonly report = (error: DebugError): void => {
    this.#errors.push(error);
  };

  /** Errors since the last call. */
  take(): readonly DebugError[] {
    if (this.#errors.length === 0) return this.#errors;
    const errors = this.#errors;
    this.#errors = [];
    return errors;
  }
}
