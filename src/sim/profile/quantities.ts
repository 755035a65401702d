/** Numbers in job options: sizes under fio's or the standard's prefixes, durations, percentages. */
import { parseSizeBytes } from "../../base/units.ts";

/** Bytes of a text, undefined when it is no size. Which prefixes are binary depends on the syntax. */
export type SizeParser = (text: string) => number | undefined;

const FIO_SIZE = /^(0x[0-9a-f]+|\d+(?:\.\d+)?)\s*(?:([kmgtp])(i?))?(b?)$/i;
const POWER: Readonly<Record<string, number>> = {
  k: 1,
  m: 2,
  g: 3,
  t: 4,
  p: 5,
};

/**
 * fio's sizes (HOWTO "int"). With `kbBase` 1024 the prefixes are the wrong way round, on purpose: `4k` and `4kB` are 4096 and
 * `4ki` is 4000; with 1000 they are as the SI and IEC have them.
 */
export function fioSizeParser(kbBase: 1000 | 1024): SizeParser {
  const iecBase = kbBase === 1024 ? 1000 : 1024;
  return (text) => {
    const match = FIO_SIZE.exec(text.trim());
    if (match === null) return undefined;
    const base = match[3] === "" || match[3] === undefined ? kbBase : iecBase;
    const bytes = Number(match[1]) * base ** (POWER[(match[2] ?? "").toLowerCase()] ?? 0);
    return Number.isSafeInteger(bytes) ? bytes : undefined;
  };
}

/** Sizes of YAML profiles: `KiB` and a bare `k` are binary, `KB` is decimal. */
export const standardSizeParser: SizeParser = parseSizeBytes;

const DURATION = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i;
const UNIT_NS: Readonly<Record<string, number>> = {
  d: 86_400e9,
  h: 3600e9,
  m: 60e9,
  s: 1e9,
  sec: 1e9,
  ms: 1e6,
  msec: 1e6,
  us: 1e3,
  usec: 1e3,
  ns: 1,
  nsec: 1,
};

/** Unit of a duration that is written without one: fio takes seconds for some options and microseconds for others. */
export type BareUnit = "s" | "us";

/** Longest duration that whole nanoseconds hold exactly: 100 days. */
const DURATION_NS_MAX = 100 * 86_400e9;

/** Nanoseconds, rounded to whole ones; undefined when the text is no duration or longer than 100 days. */
export function parseTimeNs(text: string, bare: BareUnit): number | undefined {
  const match = DURATION.exec(text.trim());
  if (match === null) return undefined;
  const factor = UNIT_NS[(match[2] === "" ? bare : (match[2] ?? "")).toLowerCase()];
  if (factor === undefined) return undefined;
  const ns = Math.round(Number(match[1]) * factor);
  return ns <= DURATION_NS_MAX ? ns : undefined;
}

/** `20%` → 20; undefined when the text is no percentage from 0 to 100. */
export function parsePercent(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim());
  if (match === null) return undefined;
  const percent = Number(match[1]);
  return percent <= 100 ? percent : undefined;
}

/** A finite decimal number, possibly negative; undefined otherwise. */
export function parseDecimal(text: string): number | undefined {
  const trimmed = text.trim();
  return /^-?\d+(?:\.\d+)?$/.test(trimmed) ? Number(trimmed) : undefined;
}
