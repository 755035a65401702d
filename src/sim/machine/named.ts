/** Machines that a file names: a profile's or a case's `machine`. */
import { realpathSync } from "node:fs";
import { dirname, resolve, sep } from "node:path";
import { DmasimError } from "../../base/errors.ts";
import { isMachinePath } from "./load.ts";

/**
 * What `machine: name` in `file` means: a shipped name, or the path of a file beside it or below its folder. Throws a DmasimError
 * for any other path: only the command line may name files elsewhere.
 */
export function machineNamedIn(file: string, name: string): string {
  if (!isMachinePath(name)) return name;
  const path = resolve(dirname(file), name);
  const folder = realPathOf(dirname(resolve(file))) ?? "";
  const below = folder.endsWith(sep) ? folder : `${folder}${sep}`;
  const real = realPathOf(path);
  if (real?.startsWith(below) === true) return path;
  throw new DmasimError({
    code: "DMASIM_MACHINE_PATH",
    what: real === undefined ? "the machine of this file does not exist" : "the machine of this file lies elsewhere",
    value: name,
    limit: "a shipped name, or a .yaml file in the same folder or below it",
    remedy: "give it on the command line: --machine FILE",
    path: "machine",
    at: { file },
  });
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
