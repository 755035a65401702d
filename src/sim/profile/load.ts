/** Loads a load profile from YAML or from fio's job files, by path or by the name of a shipped one. */
import { existsSync, readdirSync } from "node:fs";
import { basename, extname } from "node:path";
import { closestWord } from "../../base/closest.ts";
import { DmasimError } from "../../base/errors.ts";
import { packagePath } from "../../base/package_root.ts";
import type { Environment, Keywords } from "../fio/expand.ts";
import { readJobFile } from "../fio/job_file.ts";
import { overrideJobFile } from "../fio/override.ts";
import { jobFileToProfile } from "../fio/to_jobs.ts";
import type { Override } from "../override.ts";
import type { Profile } from "./job.ts";
import { loadYamlProfile } from "./yaml_jobs.ts";

/** What a profile's text may depend on; all optional. */
export interface LoadProfileOptions {
  /** `--set path=value`, applied in order. */
  readonly overrides?: readonly Override[];
  /** Values of `$ncpus`, `$mb_memory` and `$pagesize` in job files; those of the simulated machine. */
  readonly keywords?: Keywords;
  /** Variables for `${NAME}` in job files; default the process's environment. */
  readonly environment?: Environment;
}

/** A profile that ships with the package. */
export interface ShippedProfile {
  readonly name: string;
  readonly title: string;
  readonly file: string;
}

/** The profile of a file: fio's syntax for `.fio`, ours for `.yaml` and `.yml`. Throws one `DmasimError` for wrong input. */
export function loadProfile(path: string, options: LoadProfileOptions = {}): Profile {
  const ending = extname(path).toLowerCase();
  if (ending === ".yaml" || ending === ".yml") return loadYamlProfile(path, options.overrides);
  if (ending === ".fio") return jobFileToProfile(overrideJobFile(readJobFile(path, options), options.overrides ?? []));
  throw new DmasimError({
    code: "DMASIM_PROFILE_ENDING",
    what: "the ending of a load profile says its syntax",
    value: basename(path),
    limit: "allowed: .yaml, .yml, .fio",
    remedy: "rename fio job files to NAME.fio, profiles to NAME.yaml",
    at: { file: path },
  });
}

/** Names of the shipped profiles, sorted. */
export function shippedProfileNames(): string[] {
  const folder = packagePath("profiles", "loads");
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
  return files.map((file) => basename(file, ".yaml")).sort();
}

/** Every shipped profile with its title; loads each of them. */
export function listShippedProfiles(): ShippedProfile[] {
  return shippedProfileNames().map((name) => {
    const { title, file } = loadShippedProfile(name);
    return { name, title, file };
  });
}

/** A shipped profile by name. Throws a usage error with the nearest name when there is none. */
export function loadShippedProfile(name: string, options: LoadProfileOptions = {}): Profile {
  const names = shippedProfileNames();
  if (names.includes(name)) return loadProfile(packagePath("profiles", "loads", `${name}.yaml`), options);
  const closest = closestWord(name, names);
  throw new DmasimError({
    code: "DMASIM_PROFILE_UNKNOWN",
    what: "no such load profile",
    value: name,
    limit: `shipped: ${names.join(", ")}`,
    remedy:
      closest === undefined ? "give one of them, or the path of a .yaml or .fio file" : `did you mean "${closest}"?`,
  });
}

/** What a user names on the command line: a path when it has an ending or a folder, a shipped profile otherwise. */
export function resolveProfile(nameOrPath: string, options: LoadProfileOptions = {}): Profile {
  const isPath = /[/\\]/.test(nameOrPath) || /\.(ya?ml|fio)$/i.test(nameOrPath);
  return isPath ? loadProfile(nameOrPath, options) : loadShippedProfile(nameOrPath, options);
}
