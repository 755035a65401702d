/** What a run is started with: everything that is resolved before the simulator sees it. */
import type { Machine } from "./machine/description.ts";
import type { Profile } from "./profile/job.ts";
import type { Clock } from "./result.ts";

/** Passed to `onProgress` a few times a second. */
export interface RunProgress {
  /** 0..1 of the run. */
  readonly doneShare: number;
  /** Seconds on this computer until the end; null while unknown. */
  readonly etaS: number | null;
  /** What is going on, in a few words. */
  readonly text: string;
}

/** A run, with every default decided; `signal` ends it early with partial results. */
export interface RunOptions {
  readonly profile: Profile;
  readonly machine: Machine;
  readonly clock: Clock;
  /** Host threads. */
  readonly workers: number;
  /** Seed of every random draw; null = the profile's. */
  readonly seed: number | null;
  /** Move real bytes. */
  readonly payload: boolean;
  /** Check the bytes that arrive (needs payload). */
  readonly verify: boolean;
  /** Virtual clock: arbitrate every TLP by itself, to check the closed forms; slower. */
  readonly perTlp: boolean;
  /** Check every use of the DMA API (dma-debug). */
  readonly dmaDebug: boolean;
  /** SHA-256 of the memory image in the result (needs payload). */
  readonly image: boolean;
  /** Treat buffered jobs as O_DIRECT. */
  readonly assumeDirect: boolean;
  /** I/Os of one job after which it is scaled down; null = full. */
  readonly limitIos: number | null;
  /** Simulated (virtual clock) or real (wall clock) seconds of one job after which it is scaled down; null = full. */
  readonly limitSeconds: number | null;
  /** Aborting it ends the run early with a partial result. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RunProgress) => void;
  /** Misbehaviour that a test asks for; null in every other run. */
  readonly testHook: string | null;
}

/** Everything of a run that has a default. */
export type RunDefaults = Omit<RunOptions, "profile" | "machine">;

/**
 * Options of a run with every default, and `changes` over them: virtual clock, one worker, the profile's seed, real
 * bytes, all of them checked, no limits, never aborted.
 */
export function runOptions(profile: Profile, machine: Machine, changes: Partial<RunDefaults> = {}): RunOptions {
  return {
    clock: "virtual",
    workers: 1,
    seed: null,
    payload: true,
    verify: true,
    perTlp: false,
    dmaDebug: false,
    image: false,
    assumeDirect: false,
    limitIos: null,
    limitSeconds: null,
    signal: new AbortController().signal,
    onProgress: () => {},
    testHook: null,
    ...changes,
    profile,
    machine,
  };
}
