/**
 * The documents stay true: every `npx dmasim` line of the README, the tutorials and the demo's last words runs, with the
 * files that the same page shows, and the README's table of result keys is that of a real result.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "#dmasim/base/errors.js";
import { tableOf } from "../../scripts/validation_table.mjs";
import { dmasim } from "../support/cli.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TUTORIALS = readdirSync(join(ROOT, "docs/tutorials")).map((file) => `docs/tutorials/${file}`);
const PAGES = ["README.md", "docs/p2p.md", "scripts/demo.mjs", ...TUTORIALS];
/** The pages' loads run for seconds; here it matters that they run. */
const SHORT = ["--limit-ios", "200", "--limit-seconds", "5"];

interface Page {
  readonly path: string;
  readonly commands: readonly string[];
  readonly files: readonly (readonly [name: string, text: string])[];
}

/** Commands without comment and pipe; files are fenced blocks with a name behind the language. */
function readPage(path: string): Page {
  const text = readFileSync(join(ROOT, path), "utf8");
  const lines = [...text.matchAll(/^[ $]*npx dmasim (.*)$/gm)].map(([, line = ""]) => line);
  const commands = lines.map((line) => line.replace(/\s{2,}.*$|\s*[|#].*$/, "").trim());
  const fences = text.matchAll(/^```\w+ (\S+\.\w+)\n([\s\S]*?)^```$/gm);
  return { path, commands, files: [...fences].map(([, name = "", body = ""]) => [name, body] as const) };
}

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "dmasim-docs-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("documents", () => {
  for (const page of PAGES.map(readPage)) {
    it(`${page.path}: has commands`, () => expect(page.commands.length).toBeGreaterThan(3));

    for (const command of new Set(page.commands)) {
      it(`${page.path}: dmasim ${command}`, () => {
        const place = join(folder, page.path);
        mkdirSync(place, { recursive: true });
        for (const [name, text] of page.files) writeFileSync(join(place, name), text);
        const args = command.split(" ");
        const short = args[0] === "run" && !args.includes("--help") ? SHORT : [];
        const { code, stderr } = dmasim([...args, ...short], {}, place);
        expect(stderr).toBe("");
        expect([EXIT.ok, EXIT.objective]).toContain(code);
      });
    }
  }

  it("README.md: the table of the result has the keys of a result", () => {
    const { stdout } = dmasim(["run", "demo", "--json", "-", ...SHORT]);
    const text = readFileSync(join(ROOT, "README.md"), "utf8");
    const table = /<!-- result keys -->\n([\s\S]*?)<!-- end -->/.exec(text)?.[1] ?? "";
    const rows = [...table.matchAll(/^\| `([a-z_]+)`(\?)?/gm)];
    const always = rows.filter(([, , optional]) => optional === undefined).map(([, key]) => key);
    const real = Object.keys(JSON.parse(stdout) as object);
    expect(real.filter((key) => !rows.some(([, name]) => name === key))).toEqual([]);
    expect(always.filter((key) => !real.includes(key as string))).toEqual([]);
  });

  it("README.md: the validation table is that of data/validation.json", () => {
    const summary = JSON.parse(readFileSync(join(ROOT, "data/validation.json"), "utf8"));
    const text = readFileSync(join(ROOT, "README.md"), "utf8");
    expect(text).toContain(`<!-- validation table -->\n${tableOf(summary)}<!-- end -->`);
  });

  it("README.md: names every shipped machine and load", () => {
    const text = readFileSync(join(ROOT, "README.md"), "utf8");
    const shipped = ["machines", "loads"].flatMap((kind) => readdirSync(join(ROOT, "profiles", kind)));
    const names = shipped.map((file) => file.replace(".yaml", ""));
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });

  it("CHANGELOG.md: has the package's version", () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { readonly version: string };
    expect(readFileSync(join(ROOT, "CHANGELOG.md"), "utf8")).toContain(`## [${version}]`);
  });

  it("docs/decisions: short records, numbered without gaps", () => {
    const files = readdirSync(join(ROOT, "docs/decisions")).sort();
    files.forEach((file, index) => {
      const number = String(index + 1).padStart(4, "0");
      expect(file).toMatch(new RegExp(`^${number}-[a-z0-9-]+\\.md$`));
      const text = readFileSync(join(ROOT, "docs/decisions", file), "utf8");
      expect(text).toMatch(new RegExp(`^# ${number} \\S`));
      expect(text.split("\n").length, file).toBeLessThan(40);
    });
  });
});
