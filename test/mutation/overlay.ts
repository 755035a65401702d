/** A copy of the package that tests and the command line can run from, with one changed file at a time. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const COPIED = ["package.json", "bin", "dist", "test"];
const LINKED = ["node_modules", "profiles", "data", "docs", "scripts"];
const ENTRIES = { "cli/main.js": "dmasim.js", "../workers/engine.js": "engine.js" };

/**
 * Tests share modules and stop at the first failure; a file is one run of its own otherwise, whose start costs more than
 * its tests. No retries: what fails once on a changed program is found.
 */
const VITEST_CONFIG = `export default {
  cacheDir: ".vite",
  test: { include: ["test/**/*.test.ts"], pool: "threads", maxWorkers: 1, isolate: false, bail: 1, testTimeout: 60000 },
};
`;

/** Folder of the built program's modules, where sites are drawn. */
export const BUILT = join(ROOT, "dist/src");

/** The copy. `folder` is its root; `dispose` removes it. */
export class Overlay {
  readonly folder = mkdtempSync(join(tmpdir(), "dmasim-mutator-"));

  constructor() {
    const wanted = (path: string) => !path.endsWith(".d.ts");
    for (const part of COPIED) cpSync(join(ROOT, part), join(this.folder, part), { recursive: true, filter: wanted });
    for (const name of LINKED) symlinkSync(join(ROOT, name), join(this.folder, name));
    writeFileSync(join(this.folder, "vitest.config.js"), VITEST_CONFIG);
  }

  /** Runs `use` with one module of dist/src changed; its bundles too, when `use` runs the command line. */
  async changed<T>(
    file: string,
    change: (code: string) => string,
    bundles: boolean,
    use: () => Promise<T>,
  ): Promise<T> {
    const path = join(this.folder, "dist/src", file);
    const code = readFileSync(path, "utf8");
    writeFileSync(path, change(code));
    try {
      if (bundles) await this.#bundle();
      return await use();
    } finally {
      writeFileSync(path, code);
    }
  }

  async #bundle(): Promise<void> {
    for (const [input, file] of Object.entries(ENTRIES)) {
      const build = await rolldown({
        input: join(this.folder, "dist/src", input),
        platform: "node",
        external: (id) => !id.startsWith(".") && !id.startsWith("/"),
        logLevel: "silent",
      });
      await build.write({ file: join(this.folder, "dist/bundle", file), format: "esm", codeSplitting: false });
      await build.close();
    }
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
