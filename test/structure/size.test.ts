import { describe, expect, it } from "vitest";
import { at, expectNone, type SourceFile, sourceFiles } from "./source.js";

const FILE_LINES_MAX = 300;
const FUNCTION_LINES_MAX = 70;

/** Files that are longer for now, with the length they may have: lengths only fall, and no file joins. */
const LONG_FILES: Readonly<Record<string, number>> = {
  // The one declaration of every byte: splitting it would let two files disagree about the arena.
  "src/shm/layout.ts": 555,
};

/** Words before `(…) {` that begin no function. */
const CONTROL = /\b(if|for|while|switch|catch|with)\s*(await\s*)?\($/;

const files = sourceFiles("src", "workers");

interface Block {
  readonly line: number;
  readonly isFunction: boolean;
}

/** True when the text before an opening brace ends like the head of a function, method or arrow function. */
function opensFunction(before: string): boolean {
  if (/=>\s*$/.test(before)) return true;
  const head = before.replace(/:[^(){};]*$/, "").trimEnd();
  if (!head.endsWith(")")) return false;
  let depth = 0;
  for (let i = head.length - 1; i >= 0; i -= 1) {
    if (head[i] === ")") depth += 1;
    if (head[i] === "(") depth -= 1;
    if (depth === 0) return !CONTROL.test(head.slice(0, i + 1));
  }
  return false;
}

/** `path:line: n lines` of every function longer than the limit. */
function longFunctions(file: SourceFile): string[] {
  const code = file.code.join("\n");
  const open: Block[] = [];
  const found: string[] = [];
  let line = 1;
  for (let i = 0; i < code.length; i += 1) {
    if (code[i] === "\n") line += 1;
    if (code[i] === "{") open.push({ line, isFunction: opensFunction(code.slice(Math.max(0, i - 2000), i)) });
    if (code[i] !== "}") continue;
    const block = open.pop();
    const lines = block === undefined ? 0 : line - block.line + 1;
    if (block?.isFunction && lines > FUNCTION_LINES_MAX)
      found.push(at(file, block.line, `a function of ${lines} lines`));
  }
  return found;
}

describe("size", () => {
  it(`files have at most ${FILE_LINES_MAX} lines`, () => {
    const wrong = files
      .map((file) => ({ file, lines: file.lines.length - 1 }))
      .filter(({ file, lines }) => lines > (LONG_FILES[file.path] ?? FILE_LINES_MAX))
      .map(({ file, lines }) => at(file, lines, `${lines} lines`));
    expectNone(wrong, `files longer than ${FILE_LINES_MAX} lines (split them by noun)`);
  });

  it("the list of long files holds only long files", () => {
    const short = Object.keys(LONG_FILES).filter((path) => {
      const file = files.find((each) => each.path === path);
      return file === undefined || file.lines.length - 1 <= FILE_LINES_MAX;
    });
    expectNone(short, "files that may leave LONG_FILES");
  });

  it(`functions have at most ${FUNCTION_LINES_MAX} lines`, () => {
    expectNone(files.flatMap(longFunctions), `functions longer than ${FUNCTION_LINES_MAX} lines`);
  });

  it("the heuristic tells functions from other blocks", () => {
    const functions = [
      "function a(b: number): void ",
      "  method(a: string): number | null ",
      "const x = (a) => ",
      "constructor() ",
    ];
    for (const before of functions) expect(opensFunction(before), before).toBe(true);
    const others = [
      "if (a(b)) ",
      "for (const a of b) ",
      "} catch (error) ",
      "class A extends B ",
      "const a = ",
      "} else ",
      "switch (x) ",
    ];
    for (const before of others) expect(opensFunction(before), before).toBe(false);
  });
});
