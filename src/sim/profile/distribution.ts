/** fio's `random_distribution` (HOWTO "I/O type"): how random offsets spread over the extent. */
import { closestWord } from "../../base/closest.ts";
import type { Distribution, PerDirection, ZoneShare } from "./job.ts";
import { type NumberRange, type OptionSet, type OptionValue, optionError } from "./option_set.ts";
import { parseDecimal } from "./quantities.ts";

/** fio's FIO_DEF_ZIPF and FIO_DEF_PARETO. */
const ZIPF_THETA_DEFAULT = 1.1;
const PARETO_H_DEFAULT = 0.2;
/** fio's ZONESPLIT_MAX. */
const ZONES_MAX = 256;
const KINDS = ["random", "zipf", "pareto", "normal", "zoned", "zoned_abs"];

/** The distribution of each direction; only zones may differ between them. */
export function resolveDistribution(options: OptionSet): PerDirection<Distribution> {
  const option = options.get("random_distribution");
  if (option === undefined) return both({ kind: "random" });
  const match = /^([a-z_]+)(?:[:=](.*))?$/i.exec(option.text.trim());
  const kind = (match?.[1] ?? "").toLowerCase();
  const rest = match?.[2] ?? "";
  if (kind === "random") return both({ kind });
  if (kind === "zoned" || kind === "zoned_abs") return zonePair(options, option, kind, rest);
  if (kind === "zipf" || kind === "pareto" || kind === "normal") return both(parseSkewed(option, kind, rest));
  const closest = closestWord(kind, KINDS);
  const remedy = closest === undefined ? "write e.g. zipf:1.2 or zoned:60/10:40/90" : `did you mean "${closest}"?`;
  throw optionError(option, "unknown random distribution", remedy, `allowed: ${KINDS.join(", ")}`);
}

function both(distribution: Distribution): PerDirection<Distribution> {
  return { read: distribution, write: distribution };
}

function parseSkewed(option: OptionValue, kind: "zipf" | "pareto" | "normal", rest: string): Distribution {
  const [value, centerText, extra] = rest.split(":");
  if (extra !== undefined) throw optionError(option, "too many values", `write ${kind}:value:center`);
  const center = centerText === undefined ? null : number(option, "center", centerText, { min: 0, max: 1 });
  if (kind === "zipf") return { kind, theta: zipfTheta(option, value), center };
  if (kind === "pareto") return { kind, h: paretoH(option, value), center };
  const deviation =
    value === undefined || value === "" ? 0 : number(option, "deviation", value, { min: 0, max: 99.999 });
  return { kind, deviationPercent: deviation, center };
}

function zipfTheta(option: OptionValue, text: string | undefined): number {
  const theta =
    text === undefined || text === "" ? ZIPF_THETA_DEFAULT : number(option, "theta", text, { min: 0, max: 100 });
  if (theta === 1) throw optionError(option, "zipf has no theta of exactly 1", "write 0.99 or 1.01");
  return theta;
}

function paretoH(option: OptionValue, text: string | undefined): number {
  const h = text === undefined || text === "" ? PARETO_H_DEFAULT : number(option, "h", text, { min: 0, max: 1 });
  if (h <= 0 || h >= 1)
    throw optionError(option, "pareto h is out of range", "write e.g. 0.2", "more than 0, less than 1");
  return h;
}

function number(option: OptionValue, what: string, text: string, range: NumberRange): number {
  const value = parseDecimal(text);
  if (value !== undefined && value >= range.min && value <= range.max) return value;
  throw optionError(option, `${what} is no number in range`, "write a decimal number", `${range.min} to ${range.max}`);
}

function zonePair(
  options: OptionSet,
  option: OptionValue,
  kind: "zoned" | "zoned_abs",
  text: string,
): PerDirection<Distribution> {
  const [read = "", write = read] = text.split(",").map((part) => part.trim());
  return {
    read: parseZones(options, option, kind, read),
    write: parseZones(options, option, kind, write),
  };
}

function parseZones(options: OptionSet, option: OptionValue, kind: "zoned" | "zoned_abs", text: string): Distribution {
  if (text === "") return { kind: "random" };
  const entries = text.split(":").map((entry) => parseZone(options, option, kind, entry));
  if (entries.length > ZONES_MAX) throw optionError(option, "too many zones", "merge some", `at most ${ZONES_MAX}`);
  const access = entries.reduce((sum, zone) => sum + zone.accessPercent, 0);
  if (access !== 100) {
    throw optionError(option, `shares of access add up to ${access}`, "make them add up to 100", "exactly 100");
  }
  return kind === "zoned" ? { kind, zones: fillSizes(option, entries) } : { kind, zones: entries };
}

function parseZone(options: OptionSet, option: OptionValue, kind: "zoned" | "zoned_abs", entry: string): ZoneShare {
  const match = /^\s*(\d+)%?\s*(?:\/\s*(\S*))?\s*$/.exec(entry);
  if (match === null) throw optionError(option, `"${entry}" is not access/size`, "write e.g. zoned:60/10:40/90");
  const sizeText = (match[2] ?? "").replace(/%$/, "");
  if (sizeText === "") return { accessPercent: Number(match[1]), size: 0 };
  const size = kind === "zoned" ? number(option, "zone share", sizeText, { min: 0, max: 100 }) : null;
  return {
    accessPercent: Number(match[1]),
    size: size ?? options.sizeOf(option, sizeText),
  };
}

/** Zones without a share get an even part of what the others leave of 100. */
function fillSizes(option: OptionValue, zones: readonly ZoneShare[]): readonly ZoneShare[] {
  const given = zones.reduce((sum, zone) => sum + zone.size, 0);
  const absent = zones.filter((zone) => zone.size === 0).length;
  if (given > 100) throw optionError(option, `zone sizes add up to ${given}`, "lower them", "at most 100");
  return zones.map((zone) => (zone.size === 0 ? { ...zone, size: (100 - given) / absent } : zone));
}
