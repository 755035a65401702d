/**
 * The production code of the programs in one file, with `shm/atomics.ts` replaced by atomics.ts of this folder, the spin
 * loops shortened, and, if asked for, a bug planted in one statement.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import type { Plant } from "../support/mutant.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const HERE = fileURLToPath(new URL("./", import.meta.url));
const COPIED = ["package.json", "dist/build-id", "dist/src/shm/arena.wasm"];
const DIST = join(ROOT, "dist/src");
const ATOMICS = join(DIST, "shm/atomics.js");

/** A planted bug: `find` occurs once in the module and becomes `replace`. */
export interface ProofPlant extends Plant {
  /** Module below dist/src, or a file of programs/. */
  readonly module: string;
}

/** Reading a lock again without a store in between sees the same: two looks before parking are as good as 64. */
const SHORT_SPIN: ProofPlant = {
  name: "one spin before a waiter parks",
  module: "shm/mutex.js",
  find: /const SPINS = 64;/,
  replace: "const SPINS = 1;",
};

/** A bundle of its own folder. */
interface Bundle {
  readonly path: string;
  remove(): void;
}

/** Makes the bundle; the caller removes it. */
export async function makeBundle(plants: readonly ProofPlant[]): Promise<Bundle> {
  const folder = mkdtempSync(join(tmpdir(), "dmasim-proof-"));
  mkdirSync(join(folder, "dist/src/shm"), { recursive: true });
  for (const file of COPIED) copyFileSync(join(ROOT, file), join(folder, file));
  const path = join(folder, "dist/thread.js");
  await bundle([SHORT_SPIN, ...plants], path);
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Makes the bundle, hands its path to `use`, removes it. */
export async function withBundle<T>(plants: readonly ProofPlant[], use: (path: string) => Promise<T>): Promise<T> {
  const { path, remove } = await makeBundle(plants);
  return use(path).finally(remove);
}

async function bundle(plants: readonly ProofPlant[], file: string): Promise<void> {
  const planted = new Set<ProofPlant>();
  const build = await rolldown({
    input: join(HERE, "thread.ts"),
    platform: "node",
    plugins: [
      {
        name: "proof",
        resolveId(source, importer) {
          if (source.endsWith("?production")) return { id: `${ATOMICS}?production` };
          const inDist = source.startsWith("#dmasim/") || importer?.startsWith(DIST) === true;
          if (inDist && basename(source) === basename(ATOMICS)) return { id: join(HERE, "atomics.ts") };
          return source.startsWith("#dmasim/") ? { id: join(DIST, source.slice("#dmasim/".length)) } : null;
        },
        load: (id) => (id.endsWith("?production") ? readFileSync(ATOMICS, "utf8") : null),
        transform(code, id) {
          const mine = plants.filter((plant) => id.endsWith(`/${plant.module}`));
          for (const plant of mine) planted.add(plant);
          return mine.reduce((text, plant) => replaceOnce(text, plant), code);
        },
      },
    ],
    external: /^node:/,
  });
  await build.write({ file, format: "esm", codeSplitting: false });
  await build.close();
  for (const plant of plants) if (!planted.has(plant)) throw new Error(`no module for "${plant.name}"`);
}

function replaceOnce(text: string, { name, find, replace }: ProofPlant): string {
  const sites = text.match(new RegExp(find.source, `${find.flags}g`))?.length ?? 0;
  if (sites !== 1) throw new Error(`"${name}" fits ${sites} places of its module, not one`);
  return text.replace(find, replace);
}
