/**
 * The pool of worker threads: one long Piscina task per worker.
 *
 * The only file that knows Piscina (with the sweep runner). Terminating a thread is how a worker that
 * spins for ever is ended; its task then rejects like that of one that threw or exited.
 */
import { Piscina } from "piscina";

/** One finished task. */
export type TaskOutcome<T> =
  | { readonly worker: number; readonly ok: true; readonly value: T }
  | { readonly worker: number; readonly ok: false; readonly cause: string };

/** Threads of one run, started in the constructor; `close` ends them. */
export class WorkerPool {
  readonly #piscina: Piscina;
  readonly #abort: readonly AbortController[];

  /** `entry` is the URL of the worker module; `workers` threads are started at once. */
  constructor(entry: string, workers: number) {
    this.#piscina = new Piscina({
      filename: entry,
      minThreads: workers,
      maxThreads: workers,
      concurrentTasksPerWorker: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      // The worker's own loop decides when it sleeps; Piscina's wait would only delay the first task.
      atomics: "disabled",
    });
    this.#abort = Array.from({ length: workers }, () => new AbortController());
  }

  /** Runs one task a worker; every outcome is reported, none rejects. */
  run<Task, Value>(tasks: readonly Task[], onOutcome: (outcome: TaskOutcome<Value>) => void): Promise<void> {
    const runs = tasks.map((task, worker) =>
      this.#piscina.run(task, { signal: this.#abort[worker]?.signal ?? null }).then(
        (value: Value) => onOutcome({ worker, ok: true, value }),
        (error: unknown) => onOutcome({ worker, ok: false, cause: causeOf(error) }),
      ),
    );
    return Promise.all(runs).then(() => undefined);
  }

  /** Ends one worker's thread, whatever it does. */
  terminate(worker: number): void {
    this.#abort[worker]?.abort();
  }

  /** Ends all threads. */
  async close(): Promise<void> {
    await this.#piscina.destroy();
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "AbortError") return "its thread was terminated";
  return error.message.split("\n")[0] ?? error.message;
}
