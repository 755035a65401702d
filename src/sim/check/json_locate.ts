/** Lines and columns in JSON text: where it stops being JSON, and where the value at a path begins. */
import type { DocumentPath } from "../override.ts";

/** A place in a text, counted from 1. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

const SPACE = /[ \t\r\n]*/y;
const SCALAR =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them inside strings
  /(?:"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;
const NESTING_MAX = 200;

class NotJson extends Error {
  readonly offset: number;

  constructor(offset: number) {
    super("not JSON");
    this.offset = offset;
  }
}

class Found extends Error {
  readonly offset: number;

  constructor(offset: number) {
    super("found");
    this.offset = offset;
  }
}

/** Line and column of an offset. */
export function placeOf(text: string, offset: number): TextPlace {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

/** Where the text stops being JSON; undefined when it is JSON. */
export function syntaxError(text: string): TextPlace | undefined {
  const offset = scan(text, undefined);
  return offset === undefined ? undefined : placeOf(text, offset);
}

/** Where the value at `path` begins (its nearest parent where it is absent) in text that is JSON. */
export function locateValue(text: string, path: DocumentPath): TextPlace {
  for (let keys = path.length; keys > 0; keys -= 1) {
    const offset = scan(text, path.slice(0, keys));
    if (offset !== undefined) return placeOf(text, offset);
  }
  return placeOf(text, skipSpace(text, 0));
}

/** Offset of the value at `path`, or of the first error; undefined when there is none. */
function scan(text: string, path: DocumentPath | undefined): number | undefined {
  try {
    const end = skipSpace(text, skipValue(text, skipSpace(text, 0), path, 0));
    if (end !== text.length) throw new NotJson(end);
    return undefined;
  } catch (error) {
    if (error instanceof Found) return error.offset;
    if (error instanceof NotJson) return path === undefined ? error.offset : undefined;
    throw error;
  }
}

function skipSpace(text: string, at: number): number {
  SPACE.lastIndex = at;
  return at + (SPACE.exec(text)?.[0].length ?? 0);
}

/** Offset behind the value at `at`; `path` is what is still wanted below it, undefined = nothing. */
function skipValue(text: string, at: number, path: DocumentPath | undefined, depth: number): number {
  if (path?.length === 0) throw new Found(at);
  if (depth > NESTING_MAX) throw new NotJson(at);
  if (text[at] === "[") return skipItems(text, at, "]", path, depth);
  if (text[at] === "{") return skipItems(text, at, "}", path, depth);
  return skipScalar(text, at);
}

function skipScalar(text: string, at: number): number {
  SCALAR.lastIndex = at;
  const match = SCALAR.exec(text);
  if (match === null) throw new NotJson(at);
  return at + match[0].length;
}

function skipItems(text: string, open: number, close: string, path: DocumentPath | undefined, depth: number): number {
  let at = skipSpace(text, open + 1);
  if (text[at] === close) return at + 1;
  for (let index = 0; ; index += 1) {
    let key: string | number = index;
    if (close === "}") {
      const end = text[at] === '"' ? skipScalar(text, at) : at;
      if (end === at) throw new NotJson(at);
      key = JSON.parse(text.slice(at, end)) as string;
      at = skipSpace(text, end);
      if (text[at] !== ":") throw new NotJson(at);
      at = skipSpace(text, at + 1);
    }
    at = skipSpace(text, skipValue(text, at, path?.[0] === key ? path.slice(1) : undefined, depth + 1));
    if (text[at] === close) return at + 1;
    if (text[at] !== ",") throw new NotJson(at);
    at = skipSpace(text, at + 1);
  }
}
