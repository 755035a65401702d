/**
 * Comparing what a case expects with what the code answered.
 *
 * Only fields of the expectation count, `note` never does. Numbers and hexadecimal text compare by value: as
 * hexadecimal digits, because 64-bit values do not fit a Number.
 */
import { DMA_MAPPING_ERROR } from "../../base/addr.ts";
import { type Fields, isFields } from "./given.ts";

/** One place where expectation and answer differ; `actual` undefined = the code has no such value. */
export interface Difference {
  /** Path below `expect`, e.g. `segments[1].dma`; empty for the whole. */
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/** An answer that a case may write in several ways; the first one is shown. */
export class AnyOf {
  readonly alternatives: readonly unknown[];

  constructor(alternatives: readonly unknown[]) {
    this.alternatives = alternatives;
  }
}

/** A kernel message: the expectation may leave words out, but not change or reorder them. */
export class Phrase {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A failed allocation as a case may write it: 0, -1, null, false, an errno or an error word. */
export function failedAllocation(): AnyOf {
  return new AnyOf([0, -1, null, false, -12, "DMA_MAPPING_ERROR", "fail", "failed", "none", "-ENOMEM", "ENOMEM"]);
}

/** Every difference, in the order of the expectation. */
export function differences(expected: unknown, actual: unknown, path = ""): Difference[] {
  if (actual instanceof AnyOf) return bestOf(expected, actual, path);
  if (actual instanceof Phrase) {
    return saidInOrder(expected, actual.text) ? [] : [{ path, expected, actual: actual.text }];
  }
  if (Array.isArray(expected) && Array.isArray(actual)) return listDifferences(expected, actual, path);
  if (isFields(expected) && isFields(actual)) return fieldDifferences(expected, actual, path);
  return isSame(expected, actual) ? [] : [{ path, expected, actual: shown(actual) }];
}

/** The answer as plain JSON: alternatives by their first, phrases as text. */
export function shown(actual: unknown): unknown {
  if (actual instanceof AnyOf) return shown(actual.alternatives[0]);
  if (actual instanceof Phrase) return actual.text;
  if (Array.isArray(actual)) return actual.map(shown);
  if (!isFields(actual)) return actual;
  return Object.fromEntries(Object.entries(actual).map(([key, value]) => [key, shown(value)]));
}

function bestOf(expected: unknown, actual: AnyOf, path: string): Difference[] {
  const first = differences(expected, actual.alternatives[0], path);
  const matches = actual.alternatives.some((alternative) => differences(expected, alternative, path).length === 0);
  return matches ? [] : first;
}

function listDifferences(expected: readonly unknown[], actual: readonly unknown[], path: string): Difference[] {
  const found: Difference[] = [];
  if (expected.length !== actual.length) {
    found.push({ path: `${path}.length`, expected: expected.length, actual: actual.length });
  }
  for (let i = 0; i < Math.max(expected.length, actual.length); i += 1) {
    if (i >= expected.length) found.push({ path: `${path}[${i}]`, expected: undefined, actual: shown(actual[i]) });
    else if (i >= actual.length) found.push({ path: `${path}[${i}]`, expected: expected[i], actual: undefined });
    else found.push(...differences(expected[i], actual[i], `${path}[${i}]`));
  }
  return found;
}

function fieldDifferences(expected: Fields, actual: Fields, path: string): Difference[] {
  return Object.entries(expected).flatMap(([key, value]) => {
    if (key === "note") return [];
    const below = path === "" ? key : `${path}.${key}`;
    return differences(value, Object.hasOwn(actual, key) ? actual[key] : undefined, below);
  });
}

function isSame(expected: unknown, actual: unknown): boolean {
  if (expected === actual) return true;
  if (expected === null) return actual === undefined;
  const digits = digitsOf(expected);
  if (digits !== undefined) return digits === digitsOf(actual);
  return typeof expected === "number" && typeof actual === "number" && isClose(expected, actual);
}

/** Fractions are written with as many digits as a person wants. */
function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));
}

/** Hexadecimal digits of an integer written as a number or as text, without leading zeros; undefined for all else. */
function digitsOf(value: unknown): string | undefined {
  if (value === "DMA_MAPPING_ERROR" || value === DMA_MAPPING_ERROR) return "ffffffffffffffff";
  if (typeof value === "number") return Number.isInteger(value) ? value.toString(16) : undefined;
  if (typeof value !== "string") return undefined;
  const hex = /^0x0*([0-9a-f]+)$/i.exec(value)?.[1];
  if (hex !== undefined) return hex.toLowerCase();
  return /^-?\d+$/.test(value) && Number.isSafeInteger(Number(value)) ? Number(value).toString(16) : undefined;
}

function saidInOrder(expected: unknown, text: string): boolean {
  if (typeof expected !== "string") return false;
  const said = wordsOf(text);
  let at = 0;
  return wordsOf(expected).every((word) => {
    at = said.indexOf(word, at) + 1;
    return at > 0;
  });
}

function wordsOf(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[\s[\],:]+/)
    .filter((word) => word !== "" && word !== "...");
}
