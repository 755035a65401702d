/** fio's substitutions inside option values: `${VAR}`, `$ncpus` and friends, and arithmetic. */
import { BINARY_FACTOR } from "../../base/units.ts";

/** Values of fio's reserved keywords; they describe the simulated machine, not this computer. */
export interface Keywords {
  readonly ncpus: number;
  readonly mbMemory: number;
  readonly pagesize: number;
}

/** Keywords while no machine is known: 8 CPUs, 16 GiB. */
export const DEFAULT_KEYWORDS: Keywords = Object.freeze({
  ncpus: 8,
  mbMemory: 16_384,
  pagesize: 4096,
});

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The value with variables, keywords and arithmetic replaced. A variable that is not set becomes empty, as in fio.
 * Arithmetic is done in parentheses anywhere, and without them only next to a keyword.
 */
export function expandValue(text: string, environment: Environment, keywords: Keywords): string {
  const withVariables = text.replace(/\$\{([^}]+)\}/g, (_, name: string) => environment[name] ?? "");
  const words: Readonly<Record<string, number>> = {
    pagesize: keywords.pagesize,
    mb_memory: keywords.mbMemory,
    ncpus: keywords.ncpus,
  };
  const withKeywords = withVariables.replace(/\$(pagesize|mb_memory|ncpus)/g, (_, word: string) => String(words[word]));
  const isMath = withKeywords !== withVariables && /^[\d\s+*/().-]+$/.test(withKeywords);
  if (!isMath && !withKeywords.startsWith("(")) return withKeywords;
  const value = evaluate(withKeywords);
  return value === undefined ? withKeywords : String(Math.trunc(value));
}

/** Longest text that is read as arithmetic; keeps the parser's depth small. */
const EXPRESSION_LENGTH_MAX = 256;
const TOKEN = /\s*(?:(\d+(?:\.\d+)?)([kmgtp]?)|([-+*/%^()]))/gi;
/** Value of `2*(3+4k)`: + - * / % ^, parentheses and size suffixes. Undefined when the text is no such expression. */
export function evaluate(text: string): number | undefined {
  if (text.length > EXPRESSION_LENGTH_MAX) return undefined;
  const tokens = tokenize(text);
  if (tokens === undefined) return undefined;
  const cursor: Cursor = { tokens, at: 0 };
  const value = sum(cursor);
  return cursor.at === tokens.length && Number.isFinite(value) ? value : undefined;
}

type Token = number | string;

interface Cursor {
  readonly tokens: readonly Token[];
  at: number;
}

/** Undefined when some part of the text is no token. */
function tokenize(text: string): Token[] | undefined {
  const matches = [...text.trim().matchAll(TOKEN)];
  const length = matches.reduce((sum, match) => sum + match[0].length, 0);
  if (length !== text.trim().length) return undefined;
  return matches.map((match) => match[3] ?? Number(match[1]) * (BINARY_FACTOR[(match[2] ?? "").toLowerCase()] ?? 1));
}

function take(cursor: Cursor, operators: string): string | undefined {
  const token = cursor.tokens[cursor.at];
  if (typeof token !== "string" || !operators.includes(token)) return undefined;
  cursor.at += 1;
  return token;
}

function sum(cursor: Cursor): number {
  let value = product(cursor);
  for (let operator = take(cursor, "+-"); operator !== undefined; operator = take(cursor, "+-")) {
    const right = product(cursor);
    value = operator === "+" ? value + right : value - right;
  }
  return value;
}

function product(cursor: Cursor): number {
  let value = power(cursor);
  for (let operator = take(cursor, "*/%"); operator !== undefined; operator = take(cursor, "*/%")) {
    const right = power(cursor);
    if (operator === "*") value *= right;
    else value = operator === "/" ? value / right : value - Math.floor(value / right) * right;
  }
  return value;
}

function power(cursor: Cursor): number {
  const base = atom(cursor);
  return take(cursor, "^") === undefined ? base : base ** power(cursor);
}

/** A number, a negated one or a parenthesis; NaN where the text ends or goes wrong. */
function atom(cursor: Cursor): number {
  if (take(cursor, "-") !== undefined) return -atom(cursor);
  if (take(cursor, "(") !== undefined) {
    const value = sum(cursor);
    return take(cursor, ")") === undefined ? Number.NaN : value;
  }
  const token = cursor.tokens[cursor.at];
  if (typeof token !== "number") return Number.NaN;
  cursor.at += 1;
  return token;
}
