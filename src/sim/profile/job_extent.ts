/** Where a job works and until when: files, extent, amount, time, rate and verification. */
import type { JobSpec, LatencyTarget, PerDirection } from "./job.ts";
import { type OptionSet, optionError, SIZE_BYTES_MAX } from "./option_set.ts";

const COUNT_MAX = Number.MAX_SAFE_INTEGER;
const RATE_IOPS_MAX = 1e12;

/** The fields of a JobSpec that say where a job works and how much. */
export type ExtentPart = Pick<
  JobSpec,
  | "sizeBytes"
  | "sizePercent"
  | "ioSizeBytes"
  | "ioSizePercent"
  | "offsetBytes"
  | "offsetPercent"
  | "offsetIncrementBytes"
  | "offsetIncrementPercent"
  | "numberIos"
  | "loops"
  | "filenames"
  | "directory"
>;

/** Files and the part of them that is used; `jobName` fills `$jobname` in names. */
export function resolveExtent(options: OptionSet, jobName: string): ExtentPart {
  const size = options.sizeOrPercent("size");
  const ioSize = options.sizeOrPercent("io_size");
  const offset = options.sizeOrPercent("offset");
  const increment = options.sizeOrPercent("offset_increment");
  const fileBytes = filesBytes(options);
  // 0 is fio's "not given" of every amount. With filesize the extent is the files, and size only the default of io_size.
  const sizeBytes = size.bytes || null;
  const ioSizeBytes = ioSize.bytes || (fileBytes === null || ioSize.percent !== null ? null : sizeBytes);
  return {
    sizeBytes: fileBytes ?? sizeBytes,
    sizePercent: fileBytes === null ? size.percent : null,
    ioSizeBytes,
    ioSizePercent: ioSize.percent,
    offsetBytes: offset.bytes ?? 0,
    offsetPercent: offset.percent,
    offsetIncrementBytes: increment.bytes ?? 0,
    offsetIncrementPercent: increment.percent,
    numberIos: options.integer("number_ios", { min: 0, max: COUNT_MAX }) || null,
    loops: options.integer("loops", { min: 0, max: 1e6 }) || 1,
    filenames: resolveFilenames(options, jobName),
    directory: options.text("directory"),
  };
}

/** `filesize` (the larger end of a range) times `nrfiles`; null without filesize. */
function filesBytes(options: OptionSet): number | null {
  const option = options.get("filesize");
  if (option === undefined) return null;
  const ends = option.text.split(/[-:]/).map((text) => options.sizeOf(option, text, 1));
  const bytes = Math.max(...ends) * fileCount(options);
  if (bytes > SIZE_BYTES_MAX)
    throw optionError(option, "the files are too large together", "lower filesize or nrfiles");
  return bytes;
}

function fileCount(options: OptionSet): number {
  return options.integer("nrfiles", { min: 1, max: 65_536 }) ?? 1;
}

function resolveFilenames(options: OptionSet, jobName: string): readonly string[] {
  const filename = options.text("filename");
  if (filename !== null) return splitNames(filename);
  const format = options.text("filename_format");
  if (format === null || (format.includes("$jobname") && format.includes("$jobnum"))) return [];
  const count = format.includes("$filenum") ? fileCount(options) : 1;
  return Array.from({ length: count }, (_, file) =>
    format.replaceAll("$jobname", jobName).replaceAll("$filenum", String(file)),
  );
}

/** fio's names: separated by `:`, where `\:` is a colon of the name. */
function splitNames(text: string): string[] {
  return text
    .split(/(?<!\\):/)
    .map((name) => name.replaceAll("\\:", ":").trim())
    .filter((name) => name !== "");
}

/** The fields of a JobSpec that say when it issues and how long. */
export type PacePart = Pick<
  JobSpec,
  | "runtimeNs"
  | "timeBased"
  | "rampNs"
  | "startDelayNs"
  | "rateBytesPerS"
  | "rateMinBytesPerS"
  | "rateIops"
  | "rateProcess"
  | "thinktimeNs"
  | "thinktimeBlocks"
  | "latencyTarget"
>;

/** Time and rate. Throws when rates exclude each other, as fio does. */
export function resolvePace(options: OptionSet, notes: string[]): PacePart {
  const runtimeNs = options.durationNs("runtime", "s") || null;
  const timeBased = options.flag("time_based", false);
  if (timeBased && runtimeNs === null) notes.push("time_based (needs runtime)");
  const rates = {
    rateBytesPerS: bytesPair(options, "rate"),
    rateMinBytesPerS: bytesPair(options, "rate_min"),
    rateIops: options.pair<number | null>("rate_iops", null, (option, text) =>
      zeroIsNone(options.integerOf(option, text, { min: 0, max: RATE_IOPS_MAX })),
    ),
  };
  checkRates(options, rates);
  return {
    ...rates,
    runtimeNs,
    timeBased: timeBased && runtimeNs !== null,
    rampNs: options.durationNs("ramp_time", "s") ?? 0,
    startDelayNs: options.durationRangeNs("startdelay", "s"),
    rateProcess: options.word("rate_process", ["linear", "poisson"], "linear"),
    thinktimeNs: options.durationNs("thinktime", "us") ?? 0,
    thinktimeBlocks: options.integer("thinktime_blocks", { min: 0, max: COUNT_MAX }) || 1,
    latencyTarget: resolveLatencyTarget(options),
  };
}

type Rates = Pick<JobSpec, "rateBytesPerS" | "rateMinBytesPerS" | "rateIops">;

function bytesPair(options: OptionSet, name: string): PerDirection<number | null> {
  return options.pair<number | null>(name, null, (option, text) => zeroIsNone(options.sizeOf(option, text)));
}

function zeroIsNone(value: number): number | null {
  return value === 0 ? null : value;
}

function checkRates(options: OptionSet, rates: Rates): void {
  const isGiven = (pair: PerDirection<number | null>) => pair.read !== null || pair.write !== null;
  const iops = options.get("rate_iops");
  if (iops !== undefined && isGiven(rates.rateBytesPerS) && isGiven(rates.rateIops)) {
    throw optionError(iops, "rate and rate_iops exclude each other", "give one of them");
  }
  const minimum = options.get("rate_min");
  if (minimum === undefined) return;
  for (const direction of ["read", "write"] as const) {
    const rate = rates.rateBytesPerS[direction];
    const least = rates.rateMinBytesPerS[direction];
    if (rate === null || least === null || least <= rate) continue;
    throw optionError(minimum, `the minimum rate of ${direction}s exceeds their rate`, "lower it", `at most ${rate}`);
  }
}

/** Window over which fio samples when none is given: chosen as one second, since fio has no default. */
const LATENCY_WINDOW_NS = 1e9;

function resolveLatencyTarget(options: OptionSet): LatencyTarget | null {
  const targetNs = options.durationNs("latency_target", "us");
  if (targetNs === null || targetNs === 0) return null;
  return {
    targetNs,
    windowNs: options.durationNs("latency_window", "us") || LATENCY_WINDOW_NS,
    percentile: options.decimal("latency_percentile", { min: 0, max: 100 }) ?? 100,
  };
}
