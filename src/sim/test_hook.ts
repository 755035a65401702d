/**
 * Misbehaviour that tests ask for through DMASIM_TEST_HOOK:
 *
 * ```
 * flip-byte:N          one byte of the data of I/O N is wrong when they are checked
 * lose-write:N         the device reports write N complete and does not put it on its medium
 * wrong-unmap-size:N   the driver unmaps I/O N with another size than it mapped (seen by dma-debug only)
 * worker-throw, worker-exit, worker-spin, worker-terminate
 * ```
 * N counts the I/Os of the first job clone from 0.
 */
import { DmasimError } from "../base/errors.ts";
import { HOOK } from "../host/coordinator.ts";

const IO_HOOKS = ["flip-byte", "lose-write", "wrong-unmap-size"] as const;

/** What goes wrong with one I/O of clone 0; plain data that crosses threads. */
export interface IoHook {
  readonly kind: (typeof IO_HOOKS)[number] | "none";
  readonly io: number;
}

/** The misbehaviour of one run. */
export interface TestHook {
  readonly io: IoHook;
  /** HOOK value for worker 0. */
  readonly workerHook: number;
  readonly terminate: boolean;
}

/** Every I/O does what it should. */
export const NO_IO_HOOK: IoHook = Object.freeze({ kind: "none", io: -1 });
/** A run that behaves. */
export const NO_HOOK: TestHook = Object.freeze({ io: NO_IO_HOOK, workerHook: HOOK.none, terminate: false });

/** Reads DMASIM_TEST_HOOK; null or empty = {@link NO_HOOK}. Throws DmasimError DMASIM_TEST_HOOK for any other word. */
export function parseTestHook(text: string | null): TestHook {
  if (text === null || text === "") return NO_HOOK;
  const [, word, io] = /^([a-z-]+):(\d+)$/.exec(text) ?? [];
  const kind = IO_HOOKS.find((known) => known === word);
  if (kind !== undefined) return { ...NO_HOOK, io: { kind, io: Number(io) } };
  if (text === "worker-throw") return { ...NO_HOOK, workerHook: HOOK.throw };
  if (text === "worker-exit") return { ...NO_HOOK, workerHook: HOOK.exit };
  if (text === "worker-spin") return { ...NO_HOOK, workerHook: HOOK.spin };
  if (text === "worker-terminate") return { ...NO_HOOK, terminate: true };
  throw new DmasimError({
    code: "DMASIM_TEST_HOOK",
    what: "DMASIM_TEST_HOOK names no test hook",
    value: text,
    limit: `${IO_HOOKS.map((each) => `${each}:N`).join(", ")}, worker-throw, worker-exit, worker-spin, worker-terminate`,
    remedy: "unset DMASIM_TEST_HOOK",
  });
}

/** I/O `io` is the one that the hook asks to go wrong in this way. */
export function misbehaves(hook: IoHook, kind: IoHook["kind"], io: number): boolean {
  return hook.kind === kind && hook.io === io;
}
