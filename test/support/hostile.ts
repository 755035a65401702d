/** Hostile input: documents and texts that somebody bent until they break something. */
import fc from "fast-check";
import { expect } from "vitest";
import { DmasimError } from "#dmasim/base/errors.js";

/** Runs of a property; DMASIM_FUZZ_RUNS raises it for a longer search. */
export const FUZZ_RUNS = Number(process.env.DMASIM_FUZZ_RUNS ?? 150);
/** Longer than any file of the allowed size takes, and far from a hang. */
const HANG_MS = 3000;
const MESSAGE_LENGTH_MAX = 4000;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what must not reach a terminal
const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** Values that no schema expects. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    "",
    0,
    -1,
    -0,
    0.5,
    1e-320,
    2 ** 31,
    2 ** 32,
    2 ** 48,
    2 ** 52,
    2 ** 53,
    1e300,
    "9007199254740993",
    "1e400",
    "0x",
    "0xffffffffffffffffffff",
    "-4k",
    "4kk",
    "1..2*0",
    "1PiB",
    "99999999999999999999g",
    "NaN",
    "Infinity",
    "../../../etc/passwd",
    "/etc/passwd",
    "/dev/zero",
    "/dev/stdin",
    "/proc/self/environ",
    "__proto__",
    "constructor",
    "toString",
    "\u001b[2J\u001b]0;x\u0007",
    "\u009b31m\u202e",
    "a\nb\r\nc",
    "\ud800",
    "%n%s%x",
    "$(touch x)",
    "x".repeat(5000),
    " ".repeat(5000),
    "9".repeat(400),
    "a:".repeat(3000),
    "1,".repeat(3000),
    "/".repeat(3000),
    [],
    {},
    [[[[[[[[]]]]]]]],
    Array.from({ length: 3000 }, () => 1),
    Array.from({ length: 500 }, () => ({})),
    { __proto__: null, constructor: { prototype: 1 } },
  ),
  fc.string({ maxLength: 40, unit: "binary" }),
  fc.double(),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  fc.bigInt({ min: 0n, max: 2n ** 64n }).map((value) => `0x${value.toString(16)}`),
  fc.jsonValue({ maxDepth: 3 }),
);

/** A change of a document: where (a number picks a path), how, and with what. */
export interface Bend {
  readonly at: number;
  readonly how: "replace" | "drop" | "double" | "add";
  readonly value: unknown;
}

/** One to four changes of a document. */
export const bends: fc.Arbitrary<readonly Bend[]> = fc.array(
  fc.record({
    at: fc.nat(),
    how: fc.constantFrom<Bend["how"]>("replace", "replace", "replace", "drop", "double", "add"),
    value: hostileValue,
  }),
  { minLength: 1, maxLength: 4 },
);

type Holder = Record<string, unknown> | unknown[];

/** A copy of `document` with the changes. */
export function bend(document: unknown, changes: readonly Bend[]): unknown {
  const copy: { root: unknown } = { root: structuredClone(document) };
  for (const { at, how, value } of changes) {
    const places = placesOf(copy);
    const place = places[at % places.length];
    if (place === undefined) continue;
    const [holder, key] = place;
    const old = Reflect.get(holder, key);
    if (how === "replace") Reflect.set(holder, key, value);
    else if (how === "drop") Reflect.deleteProperty(holder, key);
    else if (how === "double") Reflect.set(holder, key, Array.isArray(old) ? [...old, ...old] : [old, old]);
    else if (old !== null && typeof old === "object")
      Reflect.set(old, Array.isArray(old) ? old.length : "extra", value);
  }
  return copy.root ?? null;
}

function placesOf(value: unknown): [Holder, string][] {
  if (value === null || typeof value !== "object") return [];
  const holder = value as Holder;
  return Object.keys(holder).flatMap((key) => [
    [holder, key] as [Holder, string],
    ...placesOf(Reflect.get(holder, key)),
  ]);
}

/** A change of a text: a piece is cut out, put elsewhere, or replaced. */
export interface Cut {
  readonly from: number;
  readonly length: number;
  readonly insert: string;
  readonly times: number;
}

/** One to five changes of a text. */
export const cuts: fc.Arbitrary<readonly Cut[]> = fc.array(
  fc.record({
    from: fc.nat(),
    length: fc.nat({ max: 60 }),
    insert: fc.oneof(
      fc.constantFrom("", "\n", ": ", "- ", "{", "[", "&a ", "*a ", "!!binary ", "\t", "'", '"', "<<: *a\n", "#", ";"),
      fc.constantFrom("=", "[x]\n", "include /etc/passwd\n", "include ../x\n", `\${HOME}`, "$ncpus", "\0", "\ufeff"),
      fc.string({ maxLength: 20, unit: "binary" }),
      hostileValue.map((value) => JSON.stringify(value) ?? ""),
    ),
    times: fc.constantFrom(1, 1, 1, 1, 2, 50, 3000),
  }),
  { minLength: 1, maxLength: 5 },
);

/** `text` with the changes. */
export function cut(text: string, changes: readonly Cut[]): string {
  return changes.reduce((now, { from, length, insert, times }) => {
    const at = from % (now.length + 1);
    return now.slice(0, at) + insert.repeat(times) + now.slice(at + length);
  }, text);
}

/** What a parser may do with hostile input: take it, or say in one short, printable message where and what; soon. */
export function expectCivil(parse: () => unknown, file?: string): void {
  const startMs = performance.now();
  try {
    parse();
  } catch (error) {
    if (!(error instanceof DmasimError)) throw error;
    expect(error.exitCode, error.message).toBe(2);
    expect(error.message.length, error.message.slice(0, 300)).toBeLessThan(MESSAGE_LENGTH_MAX);
    expect(UNPRINTABLE.test(error.message), JSON.stringify(error.message)).toBe(false);
    if (file !== undefined) expect(error.message.startsWith(file), error.message).toBe(true);
  }
  const tookMs = performance.now() - startMs;
  if (tookMs > HANG_MS) throw new Error(`took ${tookMs} ms`);
}
