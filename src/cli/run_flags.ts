/** Flags of `dmasim run`, and what they resolve to. */
import { availableParallelism } from "node:os";
import { PAGE_BYTES } from "../base/addr.ts";
import { DmasimError } from "../base/errors.ts";
import { WORKERS_MAX } from "../shm/capacities.ts";
import type { Machine } from "../sim/machine/description.ts";
import { resolveMachine } from "../sim/machine/load.ts";
import { machineNamedIn } from "../sim/machine/named.ts";
import type { Override } from "../sim/override.ts";
import type { Profile } from "../sim/profile/job.ts";
import { resolveProfile } from "../sim/profile/load.ts";
import type { Clock } from "../sim/result.ts";
import type { RunOptions } from "../sim/run_options.ts";
import type { VaryAxis } from "../sim/vary/axis.ts";
import { splitOverrides } from "./overrides.ts";

/** A key of `--vary` as it was written, and the path and values that it stands for. */
export interface VaryFlag extends VaryAxis {
  readonly key: string;
}

/** Flags as commander leaves them. */
export interface RunFlags {
  readonly machine?: string;
  readonly clock: Clock;
  readonly workers?: number;
  readonly seed?: number;
  readonly payload: boolean;
  readonly verify: boolean;
  readonly perTlp?: true;
  readonly dmaDebug?: true;
  readonly image?: true;
  readonly assumeDirect?: true;
  readonly limitIos?: number;
  readonly limitSeconds?: number;
  readonly full?: true;
  readonly set?: readonly Override[];
  readonly vary?: readonly VaryFlag[];
  readonly json?: string;
  readonly fioJson?: string;
  readonly csv?: string;
}

/** Machine of a profile that names none. */
export const DEFAULT_MACHINE = "intel-vtd-2s";
/**
 * Limits of a run without --full: real profiles ask for minutes and terabytes, a first look takes seconds.
 * Under the virtual clock I/Os cost host time, under wall time itself does.
 */
export const DEFAULT_LIMIT_IOS = 200_000;
/** Seconds of the run's clock after which a run without --full ends. */
export const DEFAULT_LIMIT_SECONDS = 10;
/** Seeds are 32-bit: a larger one would repeat the draws of a smaller one. */
const SEED_MAX = 2 ** 32 - 1;

/** What a run needs, before signals and progress are attached. */
export interface ResolvedRun {
  readonly options: Omit<RunOptions, "signal" | "onProgress">;
  /** What was chosen for the user; belongs into the result's notes. */
  readonly notes: readonly string[];
}

/** Parser of a numeric flag; throws a usage error for anything but a number in [min, max]. */
export function numberFlag(flag: string, min: number, max: number, whole = true): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (value >= min && value <= max && (!whole || Number.isInteger(value))) return value;
    throw new DmasimError({
      code: "DMASIM_FLAG_INVALID",
      what: `${flag} takes a ${whole ? "whole " : ""}number`,
      value: text,
      limit: `allowed: ${min} to ${max}`,
    });
  };
}

/** Host threads; throws DmasimError outside 1 to WORKERS_MAX. */
export const parseWorkers = numberFlag("--workers", 1, WORKERS_MAX);
/** Seed of every random draw; throws DmasimError outside 0 to SEED_MAX. */
export const parseSeed = numberFlag("--seed", 0, SEED_MAX);
/** I/Os of each job clone; throws DmasimError below 1. */
export const parseLimitIos = numberFlag("--limit-ios", 1, Number.MAX_SAFE_INTEGER);
/** Seconds of the run's clock, fractions allowed; throws DmasimError outside 1e-6 to 1e6. */
export const parseLimitSeconds = numberFlag("--limit-seconds", 1e-6, 1e6, false);

/** Reads profile and machine and resolves every flag. Throws one `DmasimError` for wrong input. */
export function resolveRun(profileName: string, flags: RunFlags): ResolvedRun {
  checkPayload(flags);
  const overrides = splitOverrides(flags.set ?? []);
  const first = resolveProfile(profileName, { overrides: overrides.profile });
  const machineName = flags.machine ?? machineOfProfile(first);
  const machine = resolveMachine(machineName, overrides.machine);
  const profile = withKeywords(profileName, first, machine, overrides.profile);
  const chosen = flags.machine === undefined && first.machine === null;
  return {
    options: {
      profile,
      machine,
      clock: flags.clock,
      workers: flags.workers ?? defaultWorkers(),
      seed: flags.seed ?? null,
      payload: flags.payload,
      verify: flags.verify && flags.payload,
      perTlp: flags.perTlp === true,
      dmaDebug: flags.dmaDebug === true,
      image: flags.image === true,
      assumeDirect: flags.assumeDirect === true,
      limitIos: flags.full === true ? null : (flags.limitIos ?? (flags.clock === "virtual" ? DEFAULT_LIMIT_IOS : null)),
      limitSeconds:
        flags.full === true ? null : (flags.limitSeconds ?? (flags.clock === "wall" ? DEFAULT_LIMIT_SECONDS : null)),
      testHook: process.env.DMASIM_TEST_HOOK ?? null,
    },
    notes: chosen ? [`the profile names no machine, so it ran on ${DEFAULT_MACHINE} (--machine chooses another)`] : [],
  };
}

function machineOfProfile({ machine, file }: Profile): string {
  return machine === null ? DEFAULT_MACHINE : machineNamedIn(file, machine);
}

/** `$ncpus` and friends of a job file mean the simulated machine, which is known only now. */
function withKeywords(name: string, first: Profile, machine: Machine, overrides: readonly Override[]): Profile {
  if (!first.file.toLowerCase().endsWith(".fio")) return first;
  const ramBytes = machine.memory
    .filter((region) => region.kind === "ram")
    .reduce((sum, region) => sum + region.bytes, 0);
  const keywords = {
    ncpus: machine.cpus.count,
    mbMemory: Math.floor(ramBytes / 2 ** 20),
    pagesize: machine.iommu.pageBytes[0] ?? PAGE_BYTES,
  };
  return resolveProfile(name, { overrides, keywords });
}

/** One CPU is left to the event loop. */
export function defaultWorkers(): number {
  return Math.min(Math.max(availableParallelism() - 1, 1), WORKERS_MAX);
}

function checkPayload(flags: RunFlags): void {
  if (flags.payload || flags.image !== true) return;
  throw new DmasimError({
    code: "DMASIM_FLAGS_CONFLICT",
    what: "--image and --no-payload exclude each other: without payload there are no bytes to hash",
    remedy: "drop one of them",
  });
}
