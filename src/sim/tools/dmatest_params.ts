/** dmatest's module parameters: names, defaults and limits (drivers/dma/dmatest.c). */
import { closestWord } from "../../base/closest.ts";
import { DmasimError } from "../../base/errors.ts";
import { parseSizeBytes } from "../../base/units.ts";

/** Parameters of a test under their kernel names. */
export interface DmatestParams {
  readonly test_buf_size: number;
  /** `dma0chan0`; empty = every channel. */
  readonly channel: string;
  /** Device of the machine; empty = every one. */
  readonly device: string;
  readonly threads_per_chan: number;
  /** 0 = all. */
  readonly max_channels: number;
  /** Tests of a thread; 0 = until something ends it. */
  readonly iterations: number;
  /** 0 memcpy, 1 memset. */
  readonly dmatest: number;
  readonly xor_sources: number;
  readonly pq_sources: number;
  /** Milliseconds; -1 = infinite. */
  readonly timeout: number;
  readonly noverify: boolean;
  readonly norandom: boolean;
  readonly verbose: boolean;
  /** Power of two of lengths and offsets; -1 = the device's, which is 0 here. */
  readonly alignment: number;
  /** 0 = random, or the whole buffer with norandom; must be below test_buf_size. */
  readonly transfer_size: number;
  readonly polled: boolean;
  readonly nobounce: boolean;
}

/** The module's defaults. */
export const DMATEST_DEFAULTS: DmatestParams = Object.freeze({
  test_buf_size: 16_384,
  channel: "",
  device: "",
  threads_per_chan: 1,
  max_channels: 0,
  iterations: 0,
  dmatest: 0,
  xor_sources: 3,
  pq_sources: 3,
  timeout: 3000,
  noverify: false,
  norandom: false,
  verbose: false,
  alignment: -1,
  transfer_size: 0,
  polled: false,
  nobounce: false,
});

type Name = keyof DmatestParams;
/** Limits of the numbers. The kernel takes any unsigned int; these are what memory and queues of a simulated machine hold. */
const LIMITS: Readonly<Partial<Record<Name, readonly [min: number, max: number]>>> = {
  test_buf_size: [1, 2 ** 26],
  threads_per_chan: [1, 256],
  max_channels: [0, 256],
  iterations: [0, 2 ** 32 - 1],
  dmatest: [0, 1],
  xor_sources: [1, 255],
  pq_sources: [1, 255],
  timeout: [-1, 2 ** 31 - 1],
  alignment: [-1, 16],
  transfer_size: [0, 2 ** 26],
};
/** Read, and without meaning here: one simulated engine copies by memcpy descriptors and interrupts. */
const IGNORED: readonly Name[] = ["xor_sources", "pq_sources", "polled", "nobounce"];

/** Parameters of words `name=value`, as after modprobe dmatest; `ignored` names those that change nothing. Throws a DmasimError. */
export function parseDmatestParams(words: readonly string[]): {
  readonly params: DmatestParams;
  readonly ignored: readonly string[];
} {
  const given: Record<string, unknown> = {};
  for (const word of words) {
    const equals = word.indexOf("=");
    const name = (equals < 0 ? word : word.slice(0, equals)).replace(/^dmatest\./, "");
    given[nameOf(name, word)] = parameterValue(name as Name, equals < 0 ? null : word.slice(equals + 1), word);
  }
  const params: DmatestParams = { ...DMATEST_DEFAULTS, ...given };
  if (params.transfer_size >= params.test_buf_size && params.transfer_size > 0) {
    throw wrong("transfer_size", params.transfer_size, `below test_buf_size, ${params.test_buf_size}`);
  }
  const unit = 2 ** Math.max(0, params.alignment);
  if (unit > params.test_buf_size)
    throw wrong("alignment", params.alignment, "at most the buffer's size as a power of 2");
  return { params, ignored: IGNORED.filter((name) => Object.hasOwn(given, name)) };
}

function nameOf(name: string, word: string): Name {
  if (Object.hasOwn(DMATEST_DEFAULTS, name)) return name as Name;
  const names = Object.keys(DMATEST_DEFAULTS);
  const closest = closestWord(name, names);
  throw new DmasimError({
    code: "DMASIM_DMATEST_PARAMETER",
    what: "dmatest has no such parameter",
    value: word,
    limit: `parameters: ${names.join(", ")}`,
    remedy: closest === undefined ? "write name=value, e.g. iterations=100" : `did you mean "${closest}"?`,
  });
}

/** Flags take 0, 1, n, y or nothing, as bool parameters of modules do. */
function parameterValue(name: Name, text: string | null, word: string): string | number | boolean {
  const kind = typeof DMATEST_DEFAULTS[name];
  if (kind === "boolean") {
    if (text === null || /^[1yY]/.test(text)) return true;
    if (/^[0nN]/.test(text)) return false;
    throw wrong(name, word, "0 or 1");
  }
  if (text === null) throw wrong(name, word, "name=value");
  if (kind === "string") return text;
  const [min, max] = LIMITS[name] ?? [0, Number.MAX_SAFE_INTEGER];
  const value = /^-\d+$/.test(text) ? Number(text) : parseSizeBytes(text);
  if (value === undefined || value < min || value > max) throw wrong(name, text, `allowed: ${min} to ${max}`);
  return value;
}

function wrong(name: Name, value: string | number, limit: string): DmasimError {
  return new DmasimError({ code: "DMASIM_DMATEST_PARAMETER", what: `parameter ${name} is wrong`, value, limit });
}
