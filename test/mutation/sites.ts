/**
 * Places of the built program that the mutator can change, and the draw of some of them by a seed.
 *
 * Three operators: `negate` the condition of if, while, do, for and ?:; `off by one`, a number or the index of a typed array
 * plus or minus 1; `drop` an expression statement. Left out by rule:
 *
 * ```
 * assert(...), defined(...)   a right program never sees them fail: a mutant differs only once something else is broken
 * throw, new *Error(...)      the words of a message (whether it is thrown is the condition in front of it)
 * `template` literals         text for people
 * MESSAGE_FILES               files that only put findings and refusals into words
 * super(...), "use ..."       cannot be left out
 * ```
 * The draw takes the lowest hashes of (seed, file, operator, text), so that an edit changes only the sites near it.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseAst } from "rolldown/parseAst";

export const OPERATORS = ["negate", "off by one", "drop"] as const;
export type Operator = (typeof OPERATORS)[number];

/** Planes of the mapping layer and the hot path, and how many sites of a draw of 50 each has. */
export const PLANE_SITES = Object.freeze({ host: 30, shm: 10, device: 10 });
export type Plane = keyof typeof PLANE_SITES;
const PLANES = Object.keys(PLANE_SITES) as Plane[];

/** One change of one file: characters [start, end) become `text`. */
export interface Site {
  /** Below dist/src, `host/iommu/depot.js`. */
  readonly file: string;
  readonly line: number;
  readonly operator: Operator;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** The line as it was. */
  readonly source: string;
  readonly change: string;
  /** The expression or statement around it, as it is now. */
  readonly now: string;
}

const MESSAGE_FILES = [
  "host/dma/refusal.js",
  "host/dma/attr_names.js",
  "host/dma/debug/errors.js",
  "host/p2p/words.js",
];
const TESTED = new Set(["IfStatement", "WhileStatement", "DoWhileStatement", "ForStatement", "ConditionalExpression"]);
const UNCHANGED = new Set(["ThrowStatement", "TemplateLiteral", "ImportDeclaration", "ExportAllDeclaration", "Super"]);
const CHECKS = new Set(["assert", "defined"]);
const NOW_CHARS_MAX = 80;
const WORD_ARRAYS = /^(?:i32|u32|u8|f64|words|\w*Words)$/;

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** `seed` chooses; `share` of the fifty, rounded up for each plane and operator. */
export function drawSites(folder: string, seed: number, share = 1): readonly Site[] {
  return PLANES.flatMap((plane) => {
    const sites = planeSites(folder, plane, seed);
    const wanted = Math.ceil(PLANE_SITES[plane] * share);
    return OPERATORS.flatMap((operator, i) =>
      sites.filter((site) => site.operator === operator).slice(0, Math.floor((wanted + OPERATORS.length - 1 - i) / 3)),
    );
  });
}

/** The file's text with the site changed; throws when that is no program any more, which would prove nothing. */
export function mutate(code: string, { start, end, text }: Site): string {
  const changed = code.slice(0, start) + text + code.slice(end);
  parseAst(changed);
  return changed;
}

function planeSites(folder: string, plane: Plane, seed: number): readonly Site[] {
  const files = readdirSync(join(folder, plane), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".js"))
    .map((name) => relative(folder, join(folder, plane, name)))
    .filter((name) => !MESSAGE_FILES.includes(name));
  const ranked = files.sort().flatMap((file) => rankedSites(folder, file, seed));
  return ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ site }) => site);
}

/** The same text twice in a file: the second one has a rank of its own. */
function rankedSites(folder: string, file: string, seed: number): { site: Site; rank: string }[] {
  const seen = new Map<string, number>();
  return sitesOf(file, readFileSync(join(folder, file), "utf8"), seed).map((site) => {
    const text = `${file}\n${site.operator}\n${site.source}\n${site.change}`;
    const nth = seen.get(text) ?? 0;
    seen.set(text, nth + 1);
    return { site, rank: hash(`${seed}\n${text}\n${nth}`) };
  });
}

/** Every site of one file, in the order of the text. */
export function sitesOf(file: string, code: string, seed: number): readonly Site[] {
  const sites: Site[] = [];
  const add = (node: Node, parent: Node, operator: Operator, text: string): void => {
    const line = code.slice(0, node.start).split("\n").length;
    const source = (code.split("\n")[line - 1] ?? "").trim();
    const before = code.slice(node.start, node.end).replace(/\s+/g, " ");
    const change = operator === "drop" ? `without ${before}` : `${before} -> ${text.replace(/\s+/g, " ")}`;
    const around = code.slice(parent.start, node.start) + text + code.slice(node.end, parent.end);
    const now = around.replace(/\s+/g, " ").slice(0, NOW_CHARS_MAX);
    sites.push({ file, line, operator, start: node.start, end: node.end, text, source, change, now });
  };
  const sign = (node: Node): string =>
    Number.parseInt(hash(`${seed}${node.start}`).slice(0, 2), 16) < 128 ? "+" : "-";
  const program = parseAst(code) as unknown as Node;
  visit(program, program, (node, parent) => {
    const text = code.slice(node.start, node.end);
    if (TESTED.has(node.type) && isNode(node.test)) {
      add(node.test, node, "negate", `!(${code.slice(node.test.start, node.test.end)})`);
    } else if (node.type === "Literal" && typeof node.value === "number") {
      add(node, parent, "off by one", `(${text} ${sign(node)} 1)`);
    } else if (isIndex(node)) {
      const index = node.property as Node;
      add(index, node, "off by one", `${code.slice(index.start, index.end)} ${sign(index)} 1`);
    } else if (node.type === "ExpressionStatement" && node.directive == null) {
      add(node, node, "drop", ";");
    }
  });
  return sites;
}

/** `words[at + FIELD]`: a sum as the index of a typed array. */
function isIndex(node: Node): boolean {
  if (node.type !== "MemberExpression" || node.computed !== true) return false;
  const object = node.object as Node;
  const name = (object.type === "MemberExpression" ? (object.property as Node) : object).name;
  return (node.property as Node).type === "BinaryExpression" && typeof name === "string" && WORD_ARRAYS.test(name);
}

/** Parents before children, in the order of the text; leaves out what is not changed. */
function visit(node: Node, parent: Node, enter: (node: Node, parent: Node) => void): void {
  if (isUnchanged(node)) return;
  enter(node, parent);
  for (const [key, value] of Object.entries(node)) {
    if (key === "key" && node.computed !== true) continue;
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) visit(child, node, enter);
  }
}

function isUnchanged(node: Node): boolean {
  if (UNCHANGED.has(node.type)) return true;
  if (node.type === "ExpressionStatement") return isUnchanged(node.expression as Node);
  if (node.type !== "CallExpression" && node.type !== "NewExpression") return false;
  const { name, type } = node.callee as Node & { name?: string };
  return type === "Super" || CHECKS.has(name ?? "") || (node.type === "NewExpression" && /Error$/.test(name ?? ""));
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
