/**
 * dma_map_benchmark for people: the lines of the kernel's tool, then throughput and percentiles, which it does not print.
 */
import { formatCount, formatNs } from "../base/units.ts";
import type { MapBenchmarkResult } from "../sim/tools/map_benchmark_run.ts";
import { dataText, plural } from "./figures.ts";
import { labelled, plain, type Screen } from "./style.ts";
import { renderTable } from "./table.ts";

const PERCENTILES = ["50.000000", "99.000000", "99.900000"] as const;
const HEADS = ["min", "mean", "stddev", "p50", "p99", "p99.9", "max"];

/** Whole report, ending in a newline. */
export function renderMapBenchmark(screen: Screen, result: MapBenchmarkResult): string {
  const { machine, device, lines } = result;
  const { colors } = screen;
  const blocks = [
    [colors.dim(plain(`machine ${machine.name} · Linux ${machine.era} · IOMMU ${machine.iommu} · device ${device}`))],
    result.loops === 0 && result.error !== undefined ? ["ioctl: Cannot allocate memory"] : lines,
    latencies(screen, result),
    notes(screen, result),
  ];
  return `${blocks.map((block) => block.join("\n")).join("\n\n")}\n`;
}

function latencies(screen: Screen, { map_ns, unmap_ns, clock }: MapBenchmarkResult): string[] {
  const columns = [
    { head: clock === "virtual" ? "virtual" : "host", align: "left" as const },
    ...HEADS.map((head) => ({ head, align: "right" as const })),
  ];
  const rows = [["map", map_ns] as const, ["unmap", unmap_ns] as const].map(([name, ns]) => [
    name,
    formatNs(ns.min),
    formatNs(ns.mean),
    formatNs(ns.stddev),
    ...PERCENTILES.map((key) => formatNs(ns.percentile[key] ?? 0)),
    formatNs(ns.max),
  ]);
  return renderTable(screen, columns, rows, (cell) => cell);
}

function notes(screen: Screen, result: MapBenchmarkResult): string[] {
  const { loops, runtime_s, maps_per_s, bytes_per_s, integrity, clock, seconds } = result;
  const { red, yellow, green } = screen.colors;
  const leaked = integrity.leaks.reduce((sum, leak) => sum + leak.count, 0);
  const rate = `${formatCount(maps_per_s)} maps/s, ${dataText(bytes_per_s)}/s mapped; ${formatCount(loops)} loops`;
  const time = `${formatNs(runtime_s * 1e9)} of ${clock === "virtual" ? "virtual" : "host"} time`;
  const cut = `stopped after ${formatCount(loops)} loops of ${seconds} s (--limit-ios, --full)`;
  const interrupted = "interrupted; figures cover the loops until then";
  return [
    ...labelled(screen, "throughput", `${rate} in ${time}`),
    ...labelled(screen, "integrity", plural(leaked, "leak"), leaked > 0 ? red : green),
    ...(result.error === undefined ? [] : labelled(screen, "a thread ended", plain(result.error), red)),
    ...(result.scaled === true ? labelled(screen, "scaled", cut, yellow) : []),
    ...(result.partial === true ? labelled(screen, "partial", interrupted, yellow) : []),
  ];
}
