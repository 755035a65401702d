/**
 * dmatest for people: the kernel's lines, then what they leave out.
 *
 * ```
 * dma0chan0-copy0: summary 100 tests, 0 failures 61234.56 iops 501234 KB/s (0)
 * ```
 */
import { formatNs } from "../base/units.ts";
import type { DmatestResult } from "../sim/tools/dmatest_result.ts";
import { renderHeader } from "./header.ts";
import { renderIntegrity } from "./integrity.ts";
import { renderHost, renderNotes } from "./notes.ts";
import { labelled, plain, type Screen } from "./style.ts";
import { renderTable } from "./table.ts";
import { renderTrust } from "./trust.ts";

const PERCENTILES = ["50.000000", "99.000000", "99.900000"] as const;

/** Whole report, ending in a newline. */
export function renderDmatest(screen: Screen, result: DmatestResult): string {
  const { run, lines } = result;
  const blocks = [
    renderHeader(screen, run),
    lines.map(plain),
    latencies(screen, result),
    [
      ...renderIntegrity(screen, run),
      ...renderTrust(screen, run),
      ...ignored(screen, result),
      ...renderNotes(screen, run),
      ...renderHost(screen, run),
    ],
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join("\n"))
    .join("\n\n")}\n`;
}

function latencies(screen: Screen, { threads, clock }: DmatestResult): string[] {
  const heads = ["min", "p50", "p99", "p99.9", "max"];
  const columns = [
    { head: `transfer (${clock === "virtual" ? "virtual" : "host"})`, align: "left" as const },
    ...heads.map((head) => ({ head, align: "right" as const })),
  ];
  const rows = threads.map(({ name, latency_ns: ns }) => [
    plain(name),
    formatNs(ns.min),
    ...PERCENTILES.map((key) => formatNs(ns.percentile[key] ?? 0)),
    formatNs(ns.max),
  ]);
  return renderTable(screen, columns, rows, (cell) => cell);
}

function ignored(screen: Screen, result: DmatestResult): string[] {
  if (result.ignored.length === 0) return [];
  return labelled(screen, "ignored", `${result.ignored.join(", ")}: no meaning for the modelled engine`);
}
