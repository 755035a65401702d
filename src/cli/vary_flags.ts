/** `--vary path=values`: collects the flag, and makes a run of every combination of values. */
import { DmasimError } from "../base/errors.ts";
import { combinations, varyValues } from "../sim/vary/axis.ts";
import type { VaryPoint } from "../sim/vary/vary.ts";
import { fullPath } from "./overrides.ts";
import { type RunFlags, resolveRun, type VaryFlag } from "./run_flags.ts";

/** Parser of a repeatable `--vary`; throws DmasimError for a flag without values, or a key that stands twice. */
export function collectVary(text: string, previous: readonly VaryFlag[] = []): readonly VaryFlag[] {
  const equals = text.indexOf("=");
  const key = text.slice(0, Math.max(equals, 0)).trim();
  if (key === "" || previous.some((axis) => axis.key === key)) {
    throw new DmasimError({
      code: "DMASIM_VARY_INVALID",
      what: key === "" ? "--vary needs a path and values" : `--vary names ${key} twice`,
      value: text,
      remedy: "write --vary path=a,b,c or path=1..128*2, e.g. --vary iommu.mode=lazy,strict or --vary iodepth=1..128*2",
    });
  }
  const values = varyValues(key, text.slice(equals + 1).trim());
  return [...previous, { key, path: fullPath(key), values }];
}

/** Points of every combination, each resolved, so that a wrong value is an error before anything runs; and their notes. */
export function varyPoints(
  profile: string,
  flags: RunFlags,
  axes: readonly VaryFlag[],
): { readonly points: readonly VaryPoint[]; readonly notes: readonly string[] } {
  let notes: readonly string[] = [];
  // A prediction is the same without payload; only the memory image needs the bytes.
  const payload = flags.payload && (flags.clock === "wall" || flags.image === true);
  const points = combinations(axes).map((values): VaryPoint => {
    const set = axes.map(({ path }, index) => ({ path, value: values[index] ?? "" }));
    const resolved = resolveRun(profile, { ...flags, payload, set: [...(flags.set ?? []), ...set] });
    notes = resolved.notes;
    const params = axes.map(({ key }, index) => [key, plainValue(values[index] ?? "")] as const);
    return { params: Object.fromEntries(params), options: resolved.options };
  });
  return { points, notes };
}

/** Numbers as numbers, everything else as it was written. */
function plainValue(text: string): string | number {
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
