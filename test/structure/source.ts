/**
 * What the structure tests look at: the files of src/ and workers/, their code without comments and strings,
 * and their imports. Text heuristics, no parser: simple enough to be trusted, exact enough for formatted code.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

export interface SourceFile {
  /** From the project's root, with slashes. */
  readonly path: string;
  /** First folder below src/ (`shm`), `index` for src/index.ts, else the top folder (`workers`). */
  readonly plane: string;
  readonly lines: readonly string[];
  /** Lines with comments, strings and regular expressions blanked; same numbering as `lines`. */
  readonly code: readonly string[];
}

export interface Import {
  readonly line: number;
  readonly specifier: string;
  /** Path of the imported file from the project's root; null for a package. */
  readonly target: string | null;
}

/** All TypeScript files of the given top folders, in order of path. */
export function sourceFiles(...folders: readonly string[]): SourceFile[] {
  return folders.flatMap(pathsUnder).sort().map(readSource);
}

/** Every import and re-export, static or dynamic, type-only ones too. */
export function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  file.lines.forEach((text, index) => {
    for (const match of text.matchAll(/(?:^\s*import |\bfrom |\bimport\()"([^"]+)"/g)) {
      if (/^\s*(\*|\/\/|\/\*)/.test(text)) continue;
      const specifier = match[1] as string;
      const target = specifier.startsWith(".") ? posix.join(posix.dirname(file.path), specifier) : null;
      found.push({ line: index + 1, specifier, target });
    }
  });
  return found;
}

/** Plane of a path: `src/shm/ring.ts` is `shm`. */
export function planeOf(path: string): string {
  const parts = path.split("/");
  if (parts[0] !== "src") return parts[0] as string;
  return parts.length === 2 ? (parts[1] as string).replace(/\.ts$/, "") : (parts[1] as string);
}

/** `path:line: text` of every code line that `pattern` matches. */
export function linesMatching(file: SourceFile, pattern: RegExp): string[] {
  return file.code.flatMap((code, index) => (pattern.test(code) ? [at(file, index + 1)] : []));
}

/** `path:line: the line`. */
export function at(file: SourceFile, line: number, note = (file.lines[line - 1] ?? "").trim()): string {
  return `${file.path}:${line}: ${note}`;
}

/** Fails with the rule and one line for each violation. */
export function expectNone(violations: readonly string[], rule: string): void {
  if (violations.length > 0) expect.fail(`${rule}\n${violations.map((each) => `  ${each}`).join("\n")}`);
}

function pathsUnder(folder: string): string[] {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /(?<!\.d)\.ts$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(ROOT, path), "utf8");
  return { path, plane: planeOf(path), lines: text.split("\n"), code: blank(text).split("\n") };
}

/** Tokens without code in them, and after which characters a slash begins a regular expression. */
const COMMENT_OR_STRING =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|(?<=[(,=:[!&|?{};]\s*|return )\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//g;

/** Replaces comments, strings and regular expressions by spaces, line by line. */
function blank(text: string): string {
  return text.replace(COMMENT_OR_STRING, (token) => token.replace(/[^\n]/g, " "));
}
