/** `--set path=value`: collects the flag and decides which document each path changes. */
import { DmasimError } from "../base/errors.ts";
import type { Override } from "../sim/override.ts";
import { JOB_KEY_NAMES } from "../sim/profile/schema.ts";

/** First words of paths that lie in the load profile; every other path lies in the machine. */
const PROFILE_KEYS: ReadonlySet<string> = new Set(["jobs", "global", "seed", "events", "verify"]);

/** Parser of a repeatable `--set`; `previous` is undefined at the first. */
export function collectOverride(text: string, previous: readonly Override[] = []): readonly Override[] {
  const equals = text.indexOf("=");
  if (equals > 0) return [...previous, { path: fullPath(text.slice(0, equals).trim()), value: text.slice(equals + 1) }];
  throw new DmasimError({
    code: "DMASIM_OVERRIDE_INVALID",
    what: "--set needs a path and a value",
    value: text,
    remedy: "write --set path=value, e.g. --set iommu.mode=lazy or --set jobs[0].bs=64k",
  });
}

/** A key of jobs alone means that of every job: `iodepth` is `jobs[*].iodepth`. No key of the machine has such a name. */
export function fullPath(path: string): string {
  return JOB_KEY_NAMES.includes(path) ? `jobs[*].${path}` : path;
}

/** Overrides by the document they change, each list in the order given. */
export interface SplitOverrides {
  readonly profile: readonly Override[];
  readonly machine: readonly Override[];
}

/** Sorts overrides by the first word of their path. A path of neither document fails later, against its schema. */
export function splitOverrides(overrides: readonly Override[]): SplitOverrides {
  const isProfile = ({ path }: Override) => PROFILE_KEYS.has(/^[^.[]*/.exec(path)?.[0] ?? "");
  return {
    profile: overrides.filter(isProfile),
    machine: overrides.filter((override) => !isProfile(override)),
  };
}
