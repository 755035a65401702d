/** A line per mapping path: what it carried, and the counters of the mechanisms behind it. */

import { PATH_NAMES, type PathName } from "../base/cost.ts";
import { formatCount } from "../base/units.ts";
import type { RunResult } from "../sim/result.ts";
import { dataText, shareText } from "./figures.ts";
import { labelled, plain, type Screen } from "./style.ts";
import { type Column, renderTable } from "./table.ts";

/** Counter groups that explain a path; every other group is listed below the table. */
const PATH_COUNTERS: Readonly<Record<PathName, readonly string[]>> = {
  direct: [],
  iommu: ["iommu", "iotlb", "iova"],
  bounce: ["swiotlb"],
  p2p: ["p2p"],
  cpu: [],
  staged: [],
};

const COLUMNS: readonly Column[] = [
  { head: "path", align: "left" },
  { head: "I/Os", align: "right" },
  { head: "share", align: "right" },
  { head: "data", align: "right" },
  { head: "jobs", align: "right" },
  { head: "counters", align: "left" },
];

interface PathTotal {
  ios: number;
  bytes: number;
  jobs: number;
}

/** Table of the paths that were used, and the remaining counters. */
export function renderPathTable(screen: Screen, result: RunResult): string[] {
  const totals = PATH_NAMES.map((path) => ({ path, total: totalOf(result, path) })).filter(
    (entry) => entry.total.jobs > 0,
  );
  const iosOfAll = totals.reduce((sum, entry) => sum + entry.total.ios, 0);
  const rows = totals.map(({ path, total }) => [
    path,
    formatCount(total.ios),
    shareText(iosOfAll === 0 ? 0 : total.ios / iosOfAll),
    dataText(total.bytes),
    String(total.jobs),
    countersText(result, PATH_COUNTERS[path]),
  ]);
  const shown = new Set<string>(totals.flatMap(({ path }) => PATH_COUNTERS[path]));
  const rest = Object.keys(result.counters).filter((group) => !shown.has(group));
  const restText = countersText(result, rest);
  return [
    ...(rows.length === 0
      ? []
      : renderTable(screen, COLUMNS, rows, (cell, _row, column) => paintCell(screen, cell, column))),
    ...(restText === "" ? [] : labelled(screen, "counters", restText)),
  ];
}

function paintCell(screen: Screen, cell: string, column: number): string {
  return column === 0 ? screen.colors.bold(cell) : cell;
}

function totalOf(result: RunResult, path: PathName): PathTotal {
  const total: PathTotal = { ios: 0, bytes: 0, jobs: 0 };
  for (const job of result.jobs) {
    const share = job.path[path];
    if (share === 0) continue;
    total.ios += (job.read.total_ios + job.write.total_ios) * share;
    total.bytes += (job.read.io_bytes + job.write.io_bytes) * share;
    total.jobs += 1;
  }
  return total;
}

/** `iotlb hits 5.6 M, misses 67 k · iova tree 12`; counters that stayed 0 are left out. */
function countersText(result: RunResult, groups: readonly string[]): string {
  return groups
    .map((group) => {
      const entries = Object.entries(result.counters[group] ?? {}).filter(([, value]) => value !== 0);
      if (entries.length === 0) return "";
      const words = entries.map(([name, value]) => `${name.replaceAll("_", " ")} ${formatCount(value)}`);
      return plain(`${group} ${words.join(", ")}`);
    })
    .filter((text) => text !== "")
    .join(" · ");
}
