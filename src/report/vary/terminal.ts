/**
 * One load at many values for people: verdict, why, one row for each value, trust.
 *
 * ```
 *  STRICT COSTS 5.9×: limited by invalidation queue 0 (98 %)
 *  iommu.mode  GB/s    IOPS     p50     p99  map/unmap ns  miss/IO  of best          limited by
 * ```
 */
import { formatCount, formatNumber } from "../../base/units.ts";
import type { RunResult } from "../../sim/result.ts";
import type { VaryResult, VaryRun } from "../../sim/vary/result.ts";
import { gigabytes, shareText } from "../figures.ts";
import { describeLoad } from "../load.ts";
import { labelled, plain, type Screen, wrap, wrapParts } from "../style.ts";
import { type Column, renderTable } from "../table.ts";
import { renderTrust } from "../trust.ts";
import { renderLimits } from "../verdict.ts";
import { latencyText, limitText, mapCosts, rowsOf, type VaryRow } from "./figures.ts";
import { bestOf, judgeVaried, lastKey, nameOf, runsText, timesText } from "./verdict.ts";

const BAR_WIDTH = 8;
const GAINS_SHOWN = 4;
const FIGURES: readonly Column[] = [
  { head: "GB/s", align: "right" },
  { head: "IOPS", align: "right" },
  { head: "p50", align: "right" },
  { head: "p99", align: "right" },
  { head: "map/unmap ns", align: "right" },
  { head: "miss/IO", align: "right" },
  { head: "of best", align: "left" },
  { head: "limited by", align: "left" },
];

/** Whole report, ending in a newline; `notes` say what was chosen for the user. */
export function renderVaried(screen: Screen, varied: VaryResult, notes: readonly string[]): string {
  const rows = rowsOf(varied.runs);
  const blocks = [
    renderHead(screen, varied, rows),
    renderVerdict(screen, varied, rows),
    renderRows(screen, varied, rows),
    renderEnd(screen, varied, rows, notes),
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join("\n"))
    .join("\n\n")}\n`;
}

function renderHead(screen: Screen, varied: VaryResult, rows: readonly VaryRow[]): string[] {
  const [first] = rows;
  if (first === undefined) return [];
  const { machine, profile, seed, virtual } = first.result;
  const parts = [
    `machine ${machine.name}`,
    `Linux ${machine.era}`,
    loadText(rows),
    `seed ${seed}`,
    `${runsText(varied)} over ${varied.keys.map(lastKey).join(" and ")}`,
    virtual === null ? "WALL (host)" : "VIRTUAL",
  ];
  return wrapParts(
    parts.filter((part) => part !== "").map((part) => plain(part.replace("{}", profile.name))),
    screen.width,
  ).map((line) => screen.colors.dim(line));
}

/** The load in words where it is the same in all runs, else its name. */
function loadText(rows: readonly VaryRow[]): string {
  const texts = new Set(rows.map(({ result }) => describeLoad(result.profile)));
  return texts.size === 1 ? `{}: ${[...texts][0]}` : "{}";
}

function renderVerdict(screen: Screen, varied: VaryResult, rows: readonly VaryRow[]): string[] {
  const { level, words } = judgeVaried(varied);
  const { colors } = screen;
  const paint = level === "warn" ? colors.yellow : colors.cyan;
  const lines = wrap(plain(words), screen.width - 1).map((line) => ` ${colors.bold(paint(line))}`);
  if (rows.length < 2) return lines;
  const worst = rows.reduce((low, row) => (row.bytesPerS < low.bytesPerS ? row : low));
  const best = bestOf(rows);
  lines.push(...gainLines(screen, rows, worst));
  const limits = best.result.bottleneck;
  if (limits === null) return lines;
  if (worst.result.bottleneck !== null) lines.push(...labelled(screen, "why", worst.result.bottleneck.why));
  const [, ...after] = renderLimits(screen, { ...limits, why: "" });
  return [...lines, ...labelled(screen, "best", `${nameOf(best.run)}: ${limits.why}`), ...after];
}

/** What the other values gain over the worst: measured in these runs, not guessed. */
function gainLines(screen: Screen, rows: readonly VaryRow[], worst: VaryRow): string[] {
  const gains = [...rows]
    .filter((row) => row !== worst && worst.bytesPerS > 0)
    .sort((a, b) => b.bytesPerS - a.bytesPerS)
    .slice(0, GAINS_SHOWN)
    .map((row) => `${nameOf(row.run)} ${timesText(row.bytesPerS / worst.bytesPerS)}`);
  if (gains.length === 0) return [];
  return labelled(screen, "moves it", `${gains.join(" · ")} (of ${nameOf(worst.run)})`, screen.colors.green);
}

function renderRows(screen: Screen, varied: VaryResult, rows: readonly VaryRow[]): string[] {
  if (varied.runs.length === 0) return [];
  const keys: Column[] = varied.keys.map((key) => ({ head: lastKey(key), align: "left" }));
  const best = Math.max(0, ...rows.map(({ bytesPerS }) => bytesPerS));
  const cells = varied.runs.map((run) => {
    const row = rows.find((each) => each.run === run);
    return [...varied.keys.map((key) => String(run.params[key])), ...figureCells(run, row, best)].map(plain);
  });
  const bars = varied.keys.length + FIGURES.length - 2;
  const { colors } = screen;
  return renderTable(screen, [...keys, ...FIGURES], cells, (cell, at, column) => {
    if (varied.runs[at]?.error !== undefined) return colors.yellow(cell);
    return column === bars ? colors.cyan(cell) : cell;
  });
}

function figureCells(run: VaryRun, row: VaryRow | undefined, best: number): string[] {
  if (row === undefined)
    return ["–", "–", "–", "–", "–", "–", "", `refused: ${run.error?.message.split("\n")[0] ?? ""}`];
  const { result } = row;
  const [mapNs, unmapNs] = mapCosts(result);
  const share = best === 0 ? 0 : row.bytesPerS / best;
  return [
    gigabytes(row.bytesPerS),
    formatCount(row.iops),
    latencyText(result, "50.000000"),
    latencyText(result, "99.000000"),
    `${formatNumber(Math.round(mapNs))} / ${formatNumber(Math.round(unmapNs))}`,
    missText(result),
    `${barText(share)} ${shareText(share).padStart(5)}`,
    limitText(result),
  ];
}

/** IOTLB misses of an I/O. */
function missText({ counters, jobs }: RunResult): string {
  const ios = jobs.reduce((sum, { read, write }) => sum + read.total_ios + write.total_ios, 0);
  const misses = counters.iotlb?.misses ?? 0;
  return ios === 0 || misses === 0 ? "–" : formatNumber(Math.round((misses / ios) * 100) / 100);
}

function barText(share: number): string {
  const full = Math.round(share * BAR_WIDTH);
  return (share > 0 && full === 0 ? "▏" : "█".repeat(full)).padEnd(BAR_WIDTH);
}

function renderEnd(screen: Screen, varied: VaryResult, rows: readonly VaryRow[], notes: readonly string[]): string[] {
  const [first] = rows;
  if (first === undefined) return [];
  const several = new Set(rows.flatMap(({ result }) => result.jobs.map(({ jobname }) => jobname))).size > 1;
  const { payload } = first.result.host;
  const said = [
    ...(several ? ["latencies are those of each run's slowest job"] : []),
    ...(payload ? [] : ["no bytes moved, which changes no figure; a run without --vary moves and checks them"]),
    ...notes,
  ];
  const partial = `interrupted: ${runsText(varied)} had finished`;
  const scaled = first.result.scaled;
  return [
    ...renderTrust(screen, bestOf(rows).result),
    ...(varied.partial === true ? labelled(screen, "partial", partial, screen.colors.yellow) : []),
    ...(scaled === undefined
      ? []
      : labelled(screen, "scaled", `stopped at ${scaled.limit} (--full)`, screen.colors.yellow)),
    ...said.flatMap((note, index) => labelled(screen, index === 0 ? "notes" : "", note)),
  ];
}
