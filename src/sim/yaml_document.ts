/** Reads a YAML file against a schema; whatever is wrong becomes one `DmasimError` with file, line, path, value and remedy. */
import { type Document, isAlias, isCollection, isMap, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import type { z } from "zod";
import { DmasimError, type SourceLocation } from "../base/errors.ts";
import { applyOverrides, type DocumentPath, type Override, overrideSource } from "./override.ts";
import { reportIssue } from "./schema_issue.ts";
import { readTextFile } from "./text_file.ts";

/** Aliases that one document may expand to; more is a bomb, not a configuration. */
const ALIAS_COUNT_MAX = 1000;

/** A parsed document whose values still know their lines. */
export interface YamlDocument<T> {
  /** The validated value, defaults and transforms applied. */
  readonly value: T;
  /** The plain value before validation, overrides applied. */
  readonly plain: unknown;
  /** Line and column of the value at `path`, of its nearest parent where it is absent, or the `--set` that made it. */
  readonly locate: (path: DocumentPath) => SourceLocation;
}

/** What a document is read as; names it in errors. */
export type YamlKind = "machine" | "profile" | "case";

/** What the document is, for messages, and overrides to apply before the schema. */
export interface YamlReadOptions {
  readonly kind: YamlKind;
  readonly overrides?: readonly Override[];
}

/** Reads, overrides and validates one YAML file of at most 1 MiB. Throws exactly one `DmasimError` for wrong input. */
export function readYamlDocument<T>(file: string, schema: z.ZodType<T>, options: YamlReadOptions): YamlDocument<T> {
  const lines = new LineCounter();
  const document = parseText(file, readTextFile(file, options.kind), lines);
  const plain = toPlain(file, document);
  const overrides = options.overrides ?? [];
  const changed = applyOverrides(plain, overrides);
  const locate = (path: DocumentPath) =>
    locateOverride(path, overrides, changed) ?? locateNode(file, document, lines, path);
  const parsed = schema.safeParse(plain);
  if (parsed.success) return { value: parsed.data, plain, locate };
  throw issueError(schema, parsed.error.issues, plain, options.kind, locate);
}

function issueError(
  schema: z.ZodType,
  issues: readonly z.core.$ZodIssue[],
  plain: unknown,
  kind: YamlKind,
  locate: (path: DocumentPath) => SourceLocation,
): DmasimError {
  const report = reportIssue(schema, issues, plain);
  return new DmasimError({
    code: `DMASIM_${kind.toUpperCase()}_INVALID`,
    what: report.what,
    remedy: report.remedy,
    at: locate(report.path),
    ...(report.path.length === 0 ? {} : { path: formatPath(report.path) }),
    ...(report.value === undefined ? {} : { value: printable(report.value) }),
    ...(report.limit === undefined ? {} : { limit: report.limit }),
  });
}

/** JSON has no word for NaN and the infinities. */
function printable(value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

/** `jobs[0].bs`. */
export function formatPath(path: DocumentPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

/** Brackets that are open at the same time, in text and comments as well; the parser's time grows with their square. */
const OPEN_BRACKETS_MAX = 200;

function checkBrackets(file: string, text: string): void {
  let open = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x5b || code === 0x7b) open += 1;
    else if ((code === 0x5d || code === 0x7d) && open > 0) open -= 1;
    if (open > OPEN_BRACKETS_MAX) throw tooDeep(file, text.slice(0, at).split("\n").length);
  }
}

function parseText(file: string, text: string, lineCounter: LineCounter): Document {
  checkBrackets(file, text);
  const document = guardDepth(file, () =>
    parseDocument(text, { lineCounter, prettyErrors: false, stringKeys: true, logLevel: "error" }),
  );
  const error = document.errors[0];
  if (error === undefined) return document;
  throw new DmasimError({
    code: "DMASIM_YAML_SYNTAX",
    what: `not YAML: ${firstLine(error.message)}`,
    remedy: "mend the syntax at this place; indent by spaces, and quote text that has : or #",
    at: { file, ...lineAndColumn(lineCounter, error.pos[0]) },
  });
}

function toPlain(file: string, document: Document): unknown {
  try {
    return guardDepth(file, () => document.toJS({ maxAliasCount: ALIAS_COUNT_MAX }));
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    throw new DmasimError({
      code: "DMASIM_YAML_ALIASES",
      what: "this document's aliases cannot be expanded",
      limit: `at most ${ALIAS_COUNT_MAX} expansions, each of an anchor above it`,
      remedy: "write the values out instead of using & and *",
      at: { file },
    });
  }
}

/** The parser recurses; a document nested deeper than the stack is wrong use, not a defect. */
function guardDepth<T>(file: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw tooDeep(file);
  }
}

function tooDeep(file: string, line?: number): DmasimError {
  return new DmasimError({
    code: "DMASIM_YAML_DEPTH",
    what: "this document is nested too deeply",
    remedy: "a machine, profile or case needs fewer than ten levels; close every bracket",
    at: line === undefined ? { file } : { file, line },
  });
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}

function lineAndColumn(lines: LineCounter, offset: number): { line: number; column: number } {
  const place = lines.linePos(offset);
  return { line: Math.max(1, place.line), column: Math.max(1, place.col) };
}

function locateOverride(
  path: DocumentPath,
  overrides: readonly Override[],
  changed: readonly DocumentPath[][],
): SourceLocation | undefined {
  const index = changed.findLastIndex((paths) => paths.some((made) => made.every((part, at) => part === path[at])));
  const override = overrides[index];
  return override === undefined ? undefined : { file: overrideSource(override) };
}

function locateNode(file: string, document: Document, lines: LineCounter, path: DocumentPath): SourceLocation {
  let node = resolveAlias(document, document.contents);
  let offset = node?.range?.[0];
  for (const segment of path) {
    const child = childOf(node, segment);
    if (child === undefined) break;
    offset = child.offset ?? offset;
    node = resolveAlias(document, child.node);
  }
  return offset === undefined ? { file, line: 1 } : { file, ...lineAndColumn(lines, offset) };
}

function resolveAlias(document: Document, node: Node | null | undefined): Node | undefined {
  if (node === null || node === undefined) return undefined;
  return isAlias(node) ? node.resolve(document) : node;
}

interface Child {
  readonly node: Node | undefined;
  readonly offset: number | undefined;
}

/** A map's entry is placed at its key, a list's at the element. */
function childOf(node: Node | undefined, segment: string | number): Child | undefined {
  if (!isCollection(node)) return undefined;
  if (isMap(node)) {
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(segment));
    if (pair === undefined) return undefined;
    return {
      node: pair.value as Node | undefined,
      offset: (pair.key as Node).range?.[0],
    };
  }
  const item = node.items[Number(segment)] as Node | undefined;
  return item === undefined ? undefined : { node: item, offset: item.range?.[0] };
}
