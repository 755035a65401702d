/** The options of one job, as text with a place each; the accessors convert and check them, the same for fio and YAML. */
import { DmasimError, type SourceLocation } from "../../base/errors.ts";
import type { PerDirection } from "./job.ts";
import { type BareUnit, parseDecimal, parsePercent, parseTimeNs, type SizeParser } from "./quantities.ts";

/** One option as it was written; `name` is canonical (no alias). */
export interface OptionValue {
  readonly name: string;
  readonly text: string;
  readonly at: SourceLocation;
  /** Path for errors: `file1.bs` in a job file, `jobs[0].bs` in YAML. */
  readonly path: string;
}

/** Error about one option: its place, path and value, and how to mend it. */
export function optionError(option: OptionValue, what: string, remedy: string, limit?: string): DmasimError {
  return new DmasimError({
    code: "DMASIM_PROFILE_OPTION",
    what,
    value: option.text,
    remedy,
    path: option.path,
    at: option.at,
    ...(limit === undefined ? {} : { limit }),
  });
}

/** Allowed values, both ends inclusive. */
export interface NumberRange {
  readonly min: number;
  readonly max: number;
}

/** Largest size that any option takes: 2^50 bytes. */
export const SIZE_BYTES_MAX = 2 ** 50;

/** Longest text of an option, characters; as fio's OPT_LEN_MAX. */
const TEXT_LENGTH_MAX = 8192;
const SIZE_REMEDY = "write bytes or a size such as 4k, 64k, 2m, 10g";

/** Options of one job in the order they were given; of repeated ones the last counts. */
export class OptionSet {
  readonly parseSize: SizeParser;
  private readonly options: readonly OptionValue[];
  private readonly last: ReadonlyMap<string, OptionValue>;

  constructor(options: readonly OptionValue[], parseSize: SizeParser) {
    this.options = options;
    this.parseSize = parseSize;
    const long = options.find(({ text }) => text.length > TEXT_LENGTH_MAX);
    if (long !== undefined) {
      throw optionError(long, "this value is too long", "shorten it", `at most ${TEXT_LENGTH_MAX} characters`);
    }
    this.last = new Map(options.map((option) => [option.name, option]));
  }

  get(name: string): OptionValue | undefined {
    return this.last.get(name);
  }

  /** The one of several options that was given last. */
  latest(names: readonly string[]): OptionValue | undefined {
    return this.options.findLast((option) => names.includes(option.name));
  }

  text(name: string): string | null {
    return this.get(name)?.text ?? null;
  }

  flag(name: string, fallback: boolean): boolean {
    const option = this.get(name);
    if (option === undefined) return fallback;
    const text = option.text.toLowerCase();
    if (/^(true|yes|on|0*[1-9]\d*)$/.test(text)) return true;
    if (/^(false|no|off|0+)$/.test(text)) return false;
    throw optionError(option, "expected a boolean", "write 1 or 0", "allowed: 1, 0, true, false");
  }

  /** A whole number; fio's size suffixes are allowed (`1k` = 1024). */
  integer(name: string, range: NumberRange): number | null {
    const option = this.get(name);
    return option === undefined ? null : this.integerOf(option, option.text, range);
  }

  integerOf(option: OptionValue, text: string, range: NumberRange): number {
    const value = this.parseSize(text);
    if (value === undefined) throw optionError(option, "expected a whole number", "write digits", limitOf(range));
    return inRange(option, value, range);
  }

  decimal(name: string, range: NumberRange): number | null {
    const option = this.get(name);
    if (option === undefined) return null;
    const value = parseDecimal(option.text);
    if (value === undefined) throw optionError(option, "expected a number", "write a decimal number", limitOf(range));
    return inRange(option, value, range);
  }

  /** Bytes of a size within [1 or `min`, 2^50]. */
  sizeOf(option: OptionValue, text: string, min = 0, max = SIZE_BYTES_MAX): number {
    const bytes = this.parseSize(text);
    if (bytes === undefined) throw optionError(option, "expected a size", SIZE_REMEDY);
    return inRange(option, bytes, { min, max });
  }

  size(name: string, min = 0, max = SIZE_BYTES_MAX): number | null {
    const option = this.get(name);
    return option === undefined ? null : this.sizeOf(option, option.text, min, max);
  }

  /** A size, or a percentage of something only known later. */
  sizeOrPercent(name: string): {
    readonly bytes: number | null;
    readonly percent: number | null;
  } {
    const option = this.get(name);
    if (option === undefined) return { bytes: null, percent: null };
    if (!option.text.trim().endsWith("%")) return { bytes: this.sizeOf(option, option.text), percent: null };
    const percent = parsePercent(option.text);
    if (percent !== undefined) return { bytes: null, percent };
    throw optionError(option, "expected a percentage", "write e.g. 20%", "allowed: 0% to 100%");
  }

  durationNs(name: string, bare: BareUnit): number | null {
    const option = this.get(name);
    return option === undefined ? null : timeOf(option, option.text, bare);
  }

  /** A duration or a range of two (`5-10`, `5:10`, `5,10`), smaller first. */
  durationRangeNs(name: string, bare: BareUnit): readonly [number, number] {
    const option = this.get(name);
    if (option === undefined) return [0, 0];
    const ends = option.text.split(/[-:,]/).map((text) => timeOf(option, text, bare));
    if (ends.length > 2) throw optionError(option, "a range has two ends", "write e.g. 5-10");
    return [Math.min(...ends), Math.max(...ends)];
  }

  /** A word out of a list. */
  word<W extends string>(name: string, allowed: readonly W[], fallback: W): W {
    const option = this.get(name);
    if (option === undefined) return fallback;
    const word = allowed.find((candidate) => candidate === option.text);
    if (word !== undefined) return word;
    throw optionError(option, "not one of the allowed values", `write ${allowed.join(" or ")}`);
  }

  /**
   * fio's `read,write[,trim]` values: one value counts for both, an empty part leaves its direction as `fallback` says,
   * a value of trims is accepted and dropped.
   */
  pair<T>(name: string, fallback: T, convert: (option: OptionValue, text: string) => T): PerDirection<T> {
    const option = this.get(name);
    if (option === undefined) return { read: fallback, write: fallback };
    const parts = splitPair(option);
    const [read, write] = parts.map((text) => (text === "" ? fallback : convert(option, text)));
    return {
      read: read ?? fallback,
      write: parts.length > 1 ? (write ?? fallback) : (read ?? fallback),
    };
  }
}

function splitPair(option: OptionValue): string[] {
  const parts = option.text.split(",").map((text) => text.trim());
  if (parts.length <= 3 && parts.some((text) => text !== "")) return parts;
  throw optionError(option, "expected read,write values", "write one value, or two separated by a comma");
}

function timeOf(option: OptionValue, text: string, bare: BareUnit): number {
  const ns = parseTimeNs(text, bare);
  if (ns !== undefined) return ns;
  const unit = bare === "s" ? "seconds" : "microseconds";
  const remedy = `write a duration such as 10s, 500ms, 20us; a bare number is ${unit}`;
  throw optionError(option, "expected a duration", remedy, "at most 100 days");
}

function inRange(option: OptionValue, value: number, range: NumberRange): number {
  if (value >= range.min && value <= range.max) return value;
  const what = value < range.min ? "too small" : "too large";
  throw optionError(option, what, "give a value in that range", limitOf(range));
}

function limitOf(range: NumberRange): string {
  return `allowed: ${range.min} to ${range.max}`;
}
