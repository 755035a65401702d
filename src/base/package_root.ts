/**
 * Where the package lies on disk: the folder of its package.json, seen from this module.
 *
 * Found by looking upwards, because the same code runs from dist/src and from a bundle.
 */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Absolute path of a file of the package, from its parts below the package root. */
export function packagePath(...parts: readonly string[]): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return join(folder, ...parts);
}
