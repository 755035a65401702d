/** Prepares runs of the bench's own load profiles on a shipped machine. */
import { packagePath } from "../src/base/package_root.ts";
import { loadShippedMachine } from "../src/sim/machine/load.ts";
import type { Override } from "../src/sim/override.ts";
import { loadProfile } from "../src/sim/profile/load.ts";
import type { Clock } from "../src/sim/result.ts";
import type { RunOptions } from "../src/sim/run_options.ts";

export const MACHINE = "intel-vtd-2s";

export interface LoadRequest {
  /** File of bench/loads without its ending. */
  readonly load: string;
  readonly clock: Clock;
  readonly workers: number;
  readonly payload: boolean;
  /** `path` to YAML value, in the profile. */
  readonly set: Readonly<Record<string, string | number>>;
}

/** Options of a run without verification and without limits. */
export function runOptions(request: LoadRequest): RunOptions {
  const overrides: Override[] = Object.entries(request.set).map(([path, value]) => ({ path, value: String(value) }));
  return {
    profile: loadProfile(packagePath("bench", "loads", `${request.load}.yaml`), { overrides }),
    machine: loadShippedMachine(MACHINE),
    clock: request.clock,
    workers: request.workers,
    seed: null,
    payload: request.payload,
    verify: false,
    perTlp: false,
    dmaDebug: false,
    image: false,
    assumeDirect: false,
    limitIos: null,
    limitSeconds: null,
    signal: new AbortController().signal,
    onProgress: () => {},
    testHook: null,
  };
}
