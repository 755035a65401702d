/** Scalars of a machine YAML: sizes, addresses, durations, rates and counts written the way people write them. */
import { z } from "zod";
import { ADDR_LIMIT, hex } from "../../base/addr.ts";
import { parseDurationNs, parseSizeBytes } from "../../base/units.ts";

/** Reads one text form; undefined when the text does not have it. */
type Parser = (text: string) => number | undefined;

interface ScalarForm {
  /** "a size", as in "not a size". */
  readonly noun: string;
  readonly parse: Parser;
  readonly min: number;
  readonly max: number;
  /** The allowed range in words. */
  readonly limit: string;
  readonly examples: readonly (string | number)[];
}

function scalar(form: ScalarForm) {
  return z
    .union([z.string(), z.number()])
    .transform((value, context) => {
      const parsed = form.parse(String(value));
      const refuse = (what: string) => {
        const remedy = `write it as ${form.examples.join(" or ")}`;
        context.addIssue({ code: "custom", message: what, params: { limit: form.limit, remedy } });
        return z.NEVER;
      };
      if (parsed === undefined) return refuse(`not ${form.noun}`);
      if (parsed < form.min || parsed > form.max) return refuse(`${form.noun} out of range`);
      return parsed;
    })
    .meta({ examples: [...form.examples] });
}

/** Bytes in [min, max]: `4GiB`, `64k`, `0x1000`, `3.84TB`. */
export function size(min: number, max: number = ADDR_LIMIT) {
  const limit = `allowed: ${min} to ${max} bytes`;
  return scalar({ noun: "a size", parse: parseSizeBytes, min, max, limit, examples: ["4GiB", "64KiB", "3.84TB"] });
}

/** Address below 2^52: `0x100000000`, `4GiB`. */
export function address() {
  return scalar({
    noun: "an address",
    parse: parseSizeBytes,
    min: 0,
    max: ADDR_LIMIT - 1,
    limit: `allowed: 0 to ${hex(ADDR_LIMIT - 1)} (below 2^52)`,
    examples: ["0x100000000", "4GiB"],
  });
}

/** Nanoseconds of a duration that has a unit: `80us`, `0ns`; at most ten seconds. */
export function durationNs() {
  return scalar({
    noun: "a duration with a unit",
    parse: (text) => (/[a-z]\s*$/i.test(text) ? parseDurationNs(text) : undefined),
    min: 0,
    max: 10e9,
    limit: "allowed: 0ns to 10s",
    examples: ["80us", "500ns"],
  });
}

const BITS = /^(\d+(?:\.\d+)?)\s*([KMGT]?)bit\/s$/i;
const DECIMAL: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

/** Bytes per second of `7GB/s`, `500MiB/s`, `100Gbit/s`. */
function parseRateBytesPerS(text: string): number | undefined {
  const bits = BITS.exec(text.trim());
  if (bits !== null) return (Number(bits[1]) * (DECIMAL[(bits[2] ?? "").toLowerCase()] ?? 1)) / 8;
  const bytes = /^(.*)\/s$/i.exec(text.trim());
  return bytes === null ? undefined : parseSizeBytes(bytes[1] ?? "");
}

/** Bytes per second: `7GB/s`, `100Gbit/s`. */
export function rate() {
  return scalar({
    noun: "a rate",
    parse: parseRateBytesPerS,
    min: 1,
    max: 1e13,
    limit: "allowed: 1B/s to 10TB/s",
    examples: ["7GB/s", "100Gbit/s"],
  });
}

const COUNT = /^(\d+(?:\.\d+)?)\s*([kmg]?)$/i;

/** A count in [1, max], with decimal suffixes: `1.1M`, `30k`. */
export function count(max: number) {
  return scalar({
    noun: "a count",
    parse: (text) => {
      const match = COUNT.exec(text.trim());
      return match === null ? undefined : Number(match[1]) * (DECIMAL[(match[2] ?? "").toLowerCase()] ?? 1);
    },
    min: 1,
    max,
    limit: `allowed: 1 to ${max}`,
    examples: ["1.1M", 128],
  });
}

interface TextForm {
  readonly noun: string;
  readonly pattern: RegExp;
  readonly limit: string;
  readonly example: string;
}

function text(form: TextForm) {
  return z
    .string()
    .superRefine((value, context) => {
      if (form.pattern.test(value)) return;
      const params = { limit: form.limit, remedy: `write it as ${form.example}` };
      context.addIssue({ code: "custom", message: `not ${form.noun}`, params });
    })
    .meta({ pattern: form.pattern.source, examples: [form.example] });
}

/** Name of a region, port, unit or device. */
export function name() {
  return text({
    noun: "a name",
    pattern: /^[A-Za-z][A-Za-z0-9_.-]{0,31}$/,
    limit: "a letter, then letters, digits, _ . or -; at most 32 characters",
    example: "nvme0",
  });
}

/** PCI address `domain:bus:device.function`. */
export function bdf() {
  return text({
    noun: "a PCI address",
    pattern: /^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/,
    limit: "domain:bus:device.function in lower-case hexadecimal",
    example: "0000:03:00.0",
  });
}

/** PCI identity `vendor:device`. */
export function pciId() {
  return text({
    noun: "a PCI identity",
    pattern: /^[0-9a-f]{4}:[0-9a-f]{4}$/,
    limit: "vendor:device, four lower-case hexadecimal digits each",
    example: "8086:09a2",
  });
}

/** A whole number in [min, max]. */
export function whole(min: number, max: number) {
  return z.int().min(min).max(max);
}
