/** Block sizes of a job: fio's `bs`, `bsrange`, `bssplit`, `blockalign` become weighted size ranges per direction. */
import type { BlockSizeShare, JobRw, PerDirection } from "./job.ts";
import { type OptionSet, type OptionValue, optionError } from "./option_set.ts";

/** Default of fio's `bs`. */
const BLOCK_BYTES_DEFAULT = 4096;
/** Largest I/O that a job may issue: 1 GiB. */
const BLOCK_BYTES_MAX = 2 ** 30;
/** fio's BSSPLIT_MAX. */
const SPLIT_ENTRIES_MAX = 64;

/** The part of a JobSpec that this file resolves; sizes in bytes. */
export interface BlockShape {
  readonly blockSizes: PerDirection<readonly BlockSizeShare[]>;
  readonly blockAlignBytes: PerDirection<number>;
}

/** `bssplit` counts before `bsrange`, and `bsrange` before `bs`, whatever their order in the file. */
export function resolveBlockShape(options: OptionSet, rw: JobRw): BlockShape {
  const blockSizes = pickSequentialOrRandom(options, rw, resolveBlockSizes(options));
  const align = options.pair<number | null>("blockalign", null, (option, text) => blockBytes(options, option, text));
  return {
    blockSizes,
    blockAlignBytes: {
      read: align.read ?? blockBytesMin(blockSizes.read),
      write: align.write ?? blockBytesMin(blockSizes.write),
    },
  };
}

/** Smallest size that a job draws, bytes. */
export function blockBytesMin(shares: readonly BlockSizeShare[]): number {
  return Math.min(...shares.map((share) => share.bytesMin));
}

function resolveBlockSizes(options: OptionSet): PerDirection<readonly BlockSizeShare[]> {
  const fixed = options.pair<number>("bs", BLOCK_BYTES_DEFAULT, (option, text) => blockBytes(options, option, text));
  const range = rangePair(options);
  const split = options.pair<readonly BlockSizeShare[] | null>("bssplit", null, (option, text) =>
    parseSplit(options, option, text),
  );
  return {
    read: split.read ?? range.read ?? [fixedShare(fixed.read)],
    write: split.write ?? range.write ?? [fixedShare(fixed.write)],
  };
}

/** With `bs_is_seq_rand` the two values stand for sequential and random I/O instead of reads and writes. */
function pickSequentialOrRandom(
  options: OptionSet,
  rw: JobRw,
  sizes: PerDirection<readonly BlockSizeShare[]>,
): PerDirection<readonly BlockSizeShare[]> {
  if (!options.flag("bs_is_seq_rand", false)) return sizes;
  const picked = rw.startsWith("rand") ? sizes.write : sizes.read;
  return { read: picked, write: picked };
}

function fixedShare(bytes: number): BlockSizeShare {
  return { bytesMin: bytes, bytesMax: bytes, weight: 1 };
}

function blockBytes(options: OptionSet, option: OptionValue, text: string): number {
  return options.sizeOf(option, text, 1, BLOCK_BYTES_MAX);
}

/** fio separates the directions of `bsrange` by `,` or `/`. */
function rangePair(options: OptionSet): PerDirection<readonly BlockSizeShare[] | null> {
  const option = options.get("bsrange");
  if (option === undefined) return { read: null, write: null };
  const [read = "", write = read] = option.text.split(/[,/]/).map((text) => text.trim());
  return {
    read: parseRange(options, option, read),
    write: parseRange(options, option, write),
  };
}

function parseRange(options: OptionSet, option: OptionValue, text: string): readonly BlockSizeShare[] | null {
  if (text === "") return null;
  const ends = text.split(/[-:]/).map((end) => blockBytes(options, option, end));
  if (ends.length !== 2) throw optionError(option, "expected a range of sizes", "write e.g. bsrange=4k-64k");
  return [{ bytesMin: Math.min(...ends), bytesMax: Math.max(...ends), weight: 1 }];
}

interface SplitEntry {
  readonly bytes: number;
  /** Null where the percentage is absent; fio counts 0 as absent. */
  readonly percent: number | null;
}

function parseSplit(options: OptionSet, option: OptionValue, text: string): readonly BlockSizeShare[] {
  const entries = text.split(":").map((entry) => parseSplitEntry(options, option, entry));
  if (entries.length > SPLIT_ENTRIES_MAX) {
    throw optionError(option, "too many block sizes", "merge some of them", `at most ${SPLIT_ENTRIES_MAX}`);
  }
  return shareOut(option, entries);
}

function parseSplitEntry(options: OptionSet, option: OptionValue, entry: string): SplitEntry {
  const [size = "", share = "", ...more] = entry.split("/").map((text) => text.trim());
  const match = /^(\d+(?:\.\d+)?)?\s*%?$/.exec(share);
  if (size === "" || match === null || more.length > 0) {
    throw optionError(option, `"${entry}" is not size/percent`, "write e.g. bssplit=4k/60:64k/40");
  }
  const percent = Number(match[1] ?? 0);
  return {
    bytes: blockBytes(options, option, size),
    percent: percent === 0 ? null : percent,
  };
}

/** What the given percentages leave of 100 is divided evenly among the entries without one. */
function shareOut(option: OptionValue, entries: readonly SplitEntry[]): readonly BlockSizeShare[] {
  const given = entries.reduce((sum, entry) => sum + (entry.percent ?? 0), 0);
  const absent = entries.filter((entry) => entry.percent === null).length;
  if (given > 100) {
    throw optionError(
      option,
      `percentages add up to ${given}`,
      "lower them; leave one empty for the rest",
      "at most 100",
    );
  }
  const shares = entries.map((entry) => ({
    bytesMin: entry.bytes,
    bytesMax: entry.bytes,
    weight: entry.percent ?? (100 - given) / absent,
  }));
  return absent === 0 ? giveRestToLargest(shares, 100 - given) : shares.filter((share) => share.weight > 0);
}

/** fio draws from 0 to 99 and falls through to the entry with the largest share, so that one gets what is missing to 100. */
function giveRestToLargest(shares: readonly BlockSizeShare[], rest: number): readonly BlockSizeShare[] {
  if (rest === 0) return shares;
  const largest = shares.reduce((best, share) => (share.weight >= best.weight ? share : best));
  return shares.map((share) => (share === largest ? { ...share, weight: share.weight + rest } : share));
}
