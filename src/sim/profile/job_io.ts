/** What a job's I/Os are: direction, mix, sizes, order, engine and depth. */
import { closestWord } from "../../base/closest.ts";
import { resolveBlockShape } from "./block_sizes.ts";
import { resolveDistribution } from "./distribution.ts";
import { closestEngine, findEngine, usableEngines } from "./engines.ts";
import type { JobRw, JobSpec, PerDirection } from "./job.ts";
import { type OptionSet, type OptionValue, optionError } from "./option_set.ts";
import { parseDecimal } from "./quantities.ts";

/** Differences between the two syntaxes that conversion has to know. */
export interface Dialect {
  /** `fio` job files clamp what a queue cannot hold, as a real queue would; YAML refuses it. */
  readonly syntax: "fio" | "yaml";
  readonly defaultEngine: string;
  readonly defaultDirect: boolean;
}

/** Deepest queue a job may keep in flight: a ring of 1024 entries holds 1023. */
export const IODEPTH_MAX = 1023;
/** Clones of one job, and of a whole profile. */
export const CLONES_MAX = 1024;
const FIO_IODEPTH_MAX = 65_536;

/** The fields of a JobSpec that describe a single I/O. */
export type IoPart = Pick<
  JobSpec,
  | "rw"
  | "rwmixread"
  | "sequentialRun"
  | "sequentialGapBytes"
  | "randomPercent"
  | "blockSizes"
  | "blockAlignBytes"
  | "distribution"
  | "norandommap"
  | "randrepeat"
  | "randseed"
>;

/** Direction, sizes and order. */
export function resolveIo(options: OptionSet, dialect: Dialect): IoPart {
  const order = resolveOrder(options, dialect);
  const distribution = resolveDistribution(options);
  const randseed = options.integer("randseed", {
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
  });
  return {
    ...order,
    ...resolveBlockShape(options, order.rw),
    rwmixread: resolveMix(options),
    randomPercent: percentPair(options),
    distribution,
    // A map of visited blocks cannot follow a skewed distribution, so fio drops it.
    norandommap: options.flag("norandommap", false) || distribution.read.kind !== "random",
    // A given seed overrides randrepeat; allrandrepeat includes it.
    randrepeat: randseed === null && (options.flag("randrepeat", true) || options.flag("allrandrepeat", false)),
    randseed,
  };
}

const FIO_RW: readonly JobRw[] = ["read", "write", "randread", "randwrite", "rw", "randrw"];
const NO_DATA_RW = ["trim", "randtrim", "trimwrite", "randtrimwrite", "filecreate", "filestat", "filedelete"];

function resolveOrder(
  options: OptionSet,
  dialect: Dialect,
): Pick<JobSpec, "rw" | "sequentialRun" | "sequentialGapBytes"> {
  const option = options.get("rw");
  if (option === undefined) return { rw: "read", sequentialRun: 1, sequentialGapBytes: 0 };
  const colon = option.text.indexOf(":");
  const word = (colon < 0 ? option.text : option.text.slice(0, colon)).trim().toLowerCase();
  const suffix = colon < 0 ? "" : option.text.slice(colon + 1).trim();
  const rw = rwOf(option, word === "readwrite" ? "rw" : word, dialect);
  if (suffix === "") return { rw, sequentialRun: 1, sequentialGapBytes: 0 };
  if (!rw.startsWith("rand"))
    return {
      rw,
      sequentialRun: 1,
      sequentialGapBytes: signedSize(options, option, suffix),
    };
  return {
    rw,
    sequentialRun: options.integerOf(option, suffix, { min: 1, max: 1e9 }),
    sequentialGapBytes: 0,
  };
}

function rwOf(option: OptionValue, word: string, dialect: Dialect): JobRw {
  const allowed: readonly JobRw[] = dialect.syntax === "yaml" ? [...FIO_RW, "copy"] : FIO_RW;
  const rw = allowed.find((candidate) => candidate === word);
  if (rw !== undefined) return rw;
  const limit = `allowed: ${allowed.join(", ")}`;
  if (NO_DATA_RW.includes(word)) {
    throw optionError(
      option,
      `rw=${word} moves no data, so there is no DMA to predict`,
      "use a read or a write",
      limit,
    );
  }
  const closest = closestWord(word, allowed);
  throw optionError(
    option,
    "unknown rw",
    closest === undefined ? "use one of them" : `did you mean "${closest}"?`,
    limit,
  );
}

function signedSize(options: OptionSet, option: OptionValue, text: string): number {
  return text.startsWith("-") ? -options.sizeOf(option, text.slice(1)) : options.sizeOf(option, text);
}

/** The later one of rwmixread and rwmixwrite counts; together they are 100. */
function resolveMix(options: OptionSet): number {
  const option = options.latest(["rwmixread", "rwmixwrite"]);
  if (option === undefined) return 50;
  const percent = percentOf(option, option.text);
  return option.name === "rwmixread" ? percent : 100 - percent;
}

function percentPair(options: OptionSet): PerDirection<number> {
  return options.pair<number>("percentage_random", 100, percentOf);
}

function percentOf(option: OptionValue, text: string): number {
  const percent = parseDecimal(text.replace(/%$/, ""));
  if (percent !== undefined && percent >= 0 && percent <= 100) return percent;
  throw optionError(option, "expected a percentage", "write a number from 0 to 100", "allowed: 0 to 100");
}

/** The fields of a JobSpec that say how many I/Os are in flight and how they are submitted. */
export type QueuePart = Pick<
  JobSpec,
  "ioengine" | "submission" | "direct" | "iodepth" | "iodepthBatch" | "submitMode" | "numjobs"
>;

/** Engine, depth and clones; what the engine cannot do as fio does is added to `notes`. */
export function resolveQueue(options: OptionSet, dialect: Dialect, notes: string[]): QueuePart {
  const ioengine = options.text("ioengine") ?? dialect.defaultEngine;
  const submission = resolveEngine(options, ioengine, notes);
  const iodepth = resolveDepth(options, dialect, notes);
  const batch = options.integer("iodepth_batch", { min: 0, max: FIO_IODEPTH_MAX }) ?? 1;
  return {
    ioengine,
    submission,
    direct: resolveDirect(options, dialect),
    iodepth,
    // fio: 0 and anything above the depth mean the whole depth.
    iodepthBatch: batch === 0 || batch > iodepth ? iodepth : batch,
    submitMode: options.word("io_submit_mode", ["inline", "offload"], "inline"),
    numjobs: options.integer("numjobs", { min: 1, max: CLONES_MAX }) ?? 1,
  };
}

function resolveEngine(options: OptionSet, name: string, notes: string[]): JobSpec["submission"] {
  const engine = findEngine(name);
  if (engine !== undefined && "submission" in engine) {
    if (engine.note !== null) notes.push(`ioengine=${name} (${engine.note})`);
    return engine.submission;
  }
  const option = options.get("ioengine") ?? {
    name: "ioengine",
    text: name,
    at: { file: "" },
    path: "ioengine",
  };
  if (engine !== undefined) throw optionError(option, `ioengine ${name} ${engine.refused}`, engine.remedy);
  const closest = closestEngine(name);
  const remedy = closest === undefined ? `use one of ${usableEngines().join(", ")}` : `did you mean "${closest}"?`;
  throw optionError(option, "unknown ioengine", remedy);
}

function resolveDepth(options: OptionSet, dialect: Dialect, notes: string[]): number {
  const clamps = dialect.syntax === "fio";
  const depth =
    options.integer("iodepth", {
      min: 1,
      max: clamps ? FIO_IODEPTH_MAX : IODEPTH_MAX,
    }) ?? 1;
  if (depth <= IODEPTH_MAX) return depth;
  notes.push(`iodepth=${depth} (a queue holds ${IODEPTH_MAX}; the rest would only wait in front of it)`);
  return IODEPTH_MAX;
}

/** `buffered` is the negation of `direct`; the later one counts; `atomic` implies direct. */
function resolveDirect(options: OptionSet, dialect: Dialect): boolean {
  if (options.flag("atomic", false)) return true;
  const option = options.latest(["direct", "buffered"]);
  if (option === undefined) return dialect.defaultDirect;
  return option.name === "direct" ? options.flag("direct", false) : !options.flag("buffered", true);
}
