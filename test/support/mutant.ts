/** A copy of the built package with one statement changed: a planted bug that a run must find. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BUNDLES = ["dist/bundle/dmasim.js", "dist/bundle/engine.js"];
const COPIED = ["package.json", "bin/dmasim.mjs", "dist/build-id", "dist/src/shm/arena.wasm"];
const LINKED = ["node_modules", "profiles", "data"];

/** A planted bug: `find` occurs once in what is changed and becomes `replace`. */
export interface Plant {
  readonly name: string;
  readonly find: RegExp;
  readonly replace: string;
}

/** Makes the copy, hands its command line (bin/dmasim.mjs) and its folder to `use`, removes it. */
export async function withMutant<T>(plant: Plant, use: (bin: string, folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "dmasim-mutant-"));
  try {
    for (const part of ["bin", "dist/bundle", "dist/src/shm"]) mkdirSync(join(folder, part), { recursive: true });
    for (const file of COPIED) copyFileSync(join(ROOT, file), join(folder, file));
    for (const name of LINKED) symlinkSync(join(ROOT, name), join(folder, name));
    for (const file of BUNDLES)
      writeFileSync(join(folder, file), planted(readFileSync(join(ROOT, file), "utf8"), plant));
    return await use(join(folder, "bin/dmasim.mjs"), folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The text with the bug in it; throws when it does not fit one place. */
export function planted(text: string, { name, find, replace }: Plant): string {
  const sites = text.match(new RegExp(find.source, `${find.flags}g`))?.length ?? 0;
  if (sites !== 1) throw new Error(`the planted bug "${name}" fits ${sites} places, not one`);
  return text.replace(find, replace);
}
