/**
 * `--vary path=values`: a key and the values that it takes, one after the other.
 *
 * ```
 * a,b,c          these
 * 1..128*2       1, 2, 4 … 128: times 2 while not above the end
 * 4k..1m*4       sizes keep their suffixes
 * 8..64+8        plus 8; `1..4` alone is plus 1
 * 1,8..32*2      both
 * ```
 */
import { DmasimError } from "../../base/errors.ts";
import { BINARY_FACTOR } from "../../base/units.ts";

/** A key that varies. */
export interface VaryAxis {
  readonly path: string;
  readonly values: readonly string[];
}

/** Runs of one command at most, all combinations counted. */
export const VARY_RUNS_MAX = 100;

const RANGE = /^(\d+(?:\.\d+)?)([kmgt]?)\.\.(\d+(?:\.\d+)?)([kmgt]?)(?:([*+])(\d+(?:\.\d+)?)([kmgt]?))?$/i;
const SUFFIXES = ["t", "g", "m", "k"];

/** Values of a list with ranges; throws DmasimError for a list that is empty, endless or too long. */
export function varyValues(path: string, text: string): string[] {
  const values = splitList(text).flatMap((item) => {
    const match = RANGE.exec(item);
    return match === null ? [item] : rangeValues(path, item, match);
  });
  if (values.length === 0 || values.includes("")) {
    throw varyError(path, text, "a value is missing", "write --vary path=a,b,c or path=1..128*2");
  }
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  if (twice !== undefined) throw varyError(path, text, `the value ${twice} stands twice`, "name each value once");
  return values;
}

/** Every combination, the last axis fastest; throws DmasimError for more than {@link VARY_RUNS_MAX}. */
export function combinations(axes: readonly VaryAxis[]): string[][] {
  const count = axes.reduce((product, { values }) => product * values.length, 1);
  if (count > VARY_RUNS_MAX) {
    throw new DmasimError({
      code: "DMASIM_VARY_TOO_MANY",
      what: `--vary asks for ${count} runs`,
      limit: `at most ${VARY_RUNS_MAX}`,
      remedy: "vary fewer values at a time",
    });
  }
  return axes.reduce<string[][]>(
    (rows, { values }) => rows.flatMap((row) => values.map((value) => [...row, value])),
    [[]],
  );
}

/** Splits at commas outside brackets, braces and quotes. */
function splitList(text: string): string[] {
  const items: string[] = [];
  let depth = 0;
  let quote = "";
  let item = "";
  for (const char of text) {
    if (quote !== "") quote = char === quote ? "" : quote;
    else if (char === '"' || char === "'") quote = char;
    else if ("[{(".includes(char)) depth += 1;
    else if ("]})".includes(char)) depth -= 1;
    if (char === "," && depth === 0 && quote === "") {
      items.push(item.trim());
      item = "";
    } else item += char;
  }
  return [...items, item.trim()];
}

function rangeValues(path: string, item: string, match: RegExpExecArray): string[] {
  const [, low = "", lowUnit = "", high = "", highUnit = "", sign = "+", by = "1", byUnit = ""] = match;
  const [start, end, step] = [scaled(low, lowUnit), scaled(high, highUnit), scaled(by, byUnit)];
  const grows = sign === "*" ? step > 1 && start > 0 : step > 0;
  if (!grows || end < start) {
    throw varyError(
      path,
      item,
      "this range does not rise to its end",
      "write it as low..high*factor or low..high+step",
    );
  }
  const values: string[] = [];
  for (let value = start; value <= end; value = sign === "*" ? value * step : value + step) {
    values.push(withSuffix(value, lowUnit !== "" || highUnit !== ""));
    if (values.length > VARY_RUNS_MAX) {
      throw varyError(path, item, `this range has more than ${VARY_RUNS_MAX} values`, "use *2 or a larger step");
    }
  }
  return values;
}

function scaled(text: string, unit: string): number {
  return Number(text) * (BINARY_FACTOR[unit.toLowerCase()] ?? 1);
}

/** `64k` for 65536 where the range was written with suffixes. */
function withSuffix(value: number, suffixed: boolean): string {
  const suffix = suffixed ? SUFFIXES.find((each) => Number.isInteger(value / (BINARY_FACTOR[each] ?? 1))) : undefined;
  return suffix === undefined ? String(value) : `${value / (BINARY_FACTOR[suffix] ?? 1)}${suffix}`;
}

function varyError(path: string, text: string, what: string, remedy: string): DmasimError {
  return new DmasimError({ code: "DMASIM_VARY_INVALID", what: `--vary ${path}: ${what}`, value: text, remedy });
}
