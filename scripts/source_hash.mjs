// The hash of everything that a build reads. dist/source-hash holds the one it was built from.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");

const FOLDERS = ["src", "workers", "bench"];
const FILES = ["tsconfig.json", "package-lock.json", "scripts/build.mjs"];

/** Files below `folder` whose name ends with one of `endings`, in a fixed order. */
export function filesUnder(folder, ...endings) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
}

/** SHA-256 over names and contents of all sources, in hex. */
export function sourceHash() {
  const hash = createHash("sha256");
  const sources = FOLDERS.flatMap((folder) => filesUnder(join(ROOT, folder), ".ts", ".wat"));
  for (const file of [...FILES.map((name) => join(ROOT, name)), ...sources]) {
    const text = readFileSync(file);
    hash.update(`${relative(ROOT, file).replaceAll("\\", "/")}\0${text.length}\0`).update(text);
  }
  return hash.digest("hex");
}

/** True when dist/ was built from the sources as they are. */
export function isBuilt() {
  const file = join(ROOT, "dist/source-hash");
  return existsSync(file) && readFileSync(file, "utf8") === sourceHash();
}
