/** What `dmasim run --vary` finds: schema `dmasim/vary@1`. */
import type { RunResult } from "../result.ts";

/** Value of `schema`; the number rises when a key changes its meaning or goes. */
export const VARY_SCHEMA = "dmasim/vary@1";

/** Values of one run by their keys, as they were given. */
export type VaryParams = Readonly<Record<string, string | number>>;

/** Why a run did not start: the machine cannot carry it. */
export interface VaryRefusal {
  readonly code: string;
  readonly message: string;
}

/** One value, or one combination of values: either `result` or `error`. */
export interface VaryRun {
  readonly params: VaryParams;
  readonly result?: RunResult;
  readonly error?: VaryRefusal;
}

/** Runs in the order of the values; `partial` when an interruption left some out. */
export interface VaryResult {
  readonly schema: typeof VARY_SCHEMA;
  /** The key that varies; several are joined by commas. */
  readonly key: string;
  readonly keys: readonly string[];
  readonly partial?: true;
  /** Runs that were asked for. */
  readonly planned: number;
  readonly runs: readonly VaryRun[];
}
