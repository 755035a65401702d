/** Bytes of fio's size suffixes, lower case; "" is one byte. */
export const BINARY_FACTOR: Readonly<Record<string, number>> = {
  "": 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
};
const DECIMAL: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, p: 1e15 };
const SIZE = /^(0x[0-9a-f]+|\d+(?:\.\d+)?)\s*(k|m|g|t|p)?(i?b)?$/i;
const DURATION_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/**
 * Bytes of a size such as `4096`, `0x1000`, `64k`, `4KiB`, `2MB`, `1.5GiB`.
 * `KiB` and a bare `k` are binary, `KB` is decimal. Undefined when the text is not a size.
 */
export function parseSizeBytes(text: string): number | undefined {
  const match = SIZE.exec(text.trim());
  if (match === null) return undefined;
  const unit = (match[2] ?? "").toLowerCase();
  const decimal = (match[3] ?? "").toLowerCase() === "b" && unit !== "";
  const factor = (decimal ? DECIMAL : BINARY_FACTOR)[unit] ?? 1;
  const bytes = Number(match[1]) * factor;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Nanoseconds of a duration such as `10us`, `1.5s`, `2m`; a bare number is seconds. Undefined when it is none. */
export function parseDurationNs(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ns|us|ms|s|m|h)?$/i.exec(text.trim());
  if (match === null) return undefined;
  return Number(match[1]) * (DURATION_NS[(match[2] ?? "s").toLowerCase()] ?? 1e9);
}

const BINARY_NAMES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** `4 KiB`, `1.5 GiB`: three significant digits at most. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let step = 0;
  while (value >= 1024 && step < BINARY_NAMES.length - 1) {
    value /= 1024;
    step += 1;
  }
  return `${formatNumber(value)} ${BINARY_NAMES[step]}`;
}

/** Three significant digits, no exponent, thousands kept whole. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 1000) return value.toFixed(0);
  return String(Number(value.toPrecision(3)));
}

/** `16.5 M`, `2.8 k`. */
export function formatCount(value: number): string {
  const abs = Math.abs(value);
  if (abs >= 1e9) return `${formatNumber(value / 1e9)} G`;
  if (abs >= 1e6) return `${formatNumber(value / 1e6)} M`;
  if (abs >= 1e3) return `${formatNumber(value / 1e3)} k`;
  return formatNumber(value);
}

/** `90 ns`, `9.8 us`, `2.9 ms`, `1.2 s`. */
export function formatNs(ns: number): string {
  const abs = Math.abs(ns);
  if (abs >= 1e9) return `${formatNumber(ns / 1e9)} s`;
  if (abs >= 1e6) return `${formatNumber(ns / 1e6)} ms`;
  if (abs >= 1e3) return `${formatNumber(ns / 1e3)} us`;
  return `${formatNumber(ns)} ns`;
}
