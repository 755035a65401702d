/** Misbehaviour that tests ask for through DMASIM_TEST_HOOK: `flip-byte:N`, `worker-throw`, `worker-exit`, `worker-spin`, `worker-terminate`. */
import { DmasimError } from "../base/errors.ts";
import { HOOK } from "../host/coordinator.ts";

/** The misbehaviour of one run. */
export interface TestHook {
  /** I/O of clone 0 whose data get one wrong byte, -1 = none. */
  readonly flipIo: number;
  /** HOOK value for worker 0. */
  readonly workerHook: number;
  readonly terminate: boolean;
}

/** A run that behaves. */
export const NO_HOOK: TestHook = Object.freeze({ flipIo: -1, workerHook: HOOK.none, terminate: false });

/** Reads DMASIM_TEST_HOOK; null or empty = {@link NO_HOOK}. Throws DmasimError DMASIM_TEST_HOOK for any other word. */
export function parseTestHook(text: string | null): TestHook {
  if (text === null || text === "") return NO_HOOK;
  const flip = /^flip-byte:(\d+)$/.exec(text);
  if (flip !== null) return { ...NO_HOOK, flipIo: Number(flip[1]) };
  if (text === "worker-throw") return { ...NO_HOOK, workerHook: HOOK.throw };
  if (text === "worker-exit") return { ...NO_HOOK, workerHook: HOOK.exit };
  if (text === "worker-spin") return { ...NO_HOOK, workerHook: HOOK.spin };
  if (text === "worker-terminate") return { ...NO_HOOK, terminate: true };
  throw new DmasimError({
    code: "DMASIM_TEST_HOOK",
    what: "DMASIM_TEST_HOOK names no test hook",
    value: text,
    limit: "flip-byte:N, worker-throw, worker-exit, worker-spin, worker-terminate",
    remedy: "unset DMASIM_TEST_HOOK",
  });
}
