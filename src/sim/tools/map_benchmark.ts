/**
 * dma_map_benchmark's parameters and figures (kernel/dma/map_benchmark.c).
 *
 * All figures are integers of 100 ns. Division and square root truncate, and a truncated average overstates the
 * variance: both are reproduced, so that numbers can be compared with a real machine's.
 */
import type { Era } from "../../base/era.ts";
import { DIR_NAMES } from "../../host/dma/device.ts";

/** struct map_benchmark, the part that a caller fills. */
export interface MapBenchmark {
  readonly threads: number;
  readonly seconds: number;
  /** NUMA node, -1 = any. */
  readonly node: number;
  readonly dmaBits: number;
  /** DIR. */
  readonly dmaDir: number;
  /** Time that each buffer stays mapped. */
  readonly dmaTransNs: number;
  /** Pages of one mapping. */
  readonly granule: number;
  /** 0 = one buffer, 1 = a list of pages (7.x). */
  readonly mapMode: number;
}

/** The tool's defaults. */
export const MAP_BENCHMARK_DEFAULTS: MapBenchmark = Object.freeze({
  threads: 1,
  seconds: 20,
  node: -1,
  dmaBits: 32,
  dmaDir: 0,
  dmaTransNs: 0,
  granule: 1,
  mapMode: 0,
});

const THREADS_MAX = 1024;
const SECONDS_MAX = 300;
const TRANS_NS_MAX = 10_000_000;
const GRANULE_MAX = 1024;
const DIRS = 3;
const MODES = 2;
const UNIT_NS = 100;
/** A mask that covers less than the kernel's DMA zone of 16 MiB cannot be set. */
const ZONE_DMA_BITS = 24;

/** What the kernel says against the parameters; undefined when it takes them (else the call returns -EINVAL). */
export function refusal(asked: MapBenchmark, nodes = 1): string | undefined {
  if (asked.threads < 1 || asked.threads > THREADS_MAX) return "invalid thread number";
  if (asked.seconds < 1 || asked.seconds > SECONDS_MAX) return "invalid duration seconds";
  if (asked.dmaTransNs < 0 || asked.dmaTransNs > TRANS_NS_MAX) return "invalid transmission delay";
  if (asked.node !== -1 && (asked.node < 0 || asked.node >= nodes)) return "invalid numa node";
  if (asked.dmaDir < 0 || asked.dmaDir >= DIRS) return "invalid DMA direction";
  if (asked.granule < 1 || asked.granule > GRANULE_MAX) return "invalid granule size";
  if (asked.mapMode < 0 || asked.mapMode >= MODES) return "invalid map mode";
  return asked.dmaBits < ZONE_DMA_BITS ? "unsupported DMA mask" : undefined;
}

/** Sums that the threads of a benchmark add to, in units of 100 ns. */
export interface LatencySums {
  readonly sum: number;
  readonly sumOfSquares: number;
  readonly loops: number;
}

/** Average and standard deviation in units of 100 ns. */
export interface LatencyFigures {
  readonly average: number;
  readonly deviation: number;
}

/** Sums of latencies in nanoseconds. */
export function sumLatencies(latenciesNs: readonly number[]): LatencySums {
  const units = latenciesNs.map((ns) => Math.floor(ns / UNIT_NS));
  return {
    sum: units.reduce((sum, unit) => sum + unit, 0),
    sumOfSquares: units.reduce((sum, unit) => sum + unit * unit, 0),
    loops: units.length,
  };
}

/** Figures as the kernel computes them; zeros without a loop. */
export function latencyFigures({ sum, sumOfSquares, loops }: LatencySums): LatencyFigures {
  if (loops === 0) return { average: 0, deviation: 0 };
  const average = Math.floor(sum / loops);
  const variance = Math.floor(sumOfSquares / loops) - average * average;
  return { average, deviation: Math.floor(Math.sqrt(variance)) };
}

/** The two result lines of the tool. */
export function resultLines(map: LatencyFigures, unmap: LatencyFigures): string[] {
  return [latencyLine("map", map), latencyLine("unmap", unmap)];
}

/** First line of the tool's output; its form changed with the second mode. */
export function headLine(era: Era, asked: MapBenchmark): string {
  const newest = era === "7.x";
  const mode = newest ? `(${asked.mapMode === 1 ? "SG_MODE" : "SINGLE_MODE"})` : "";
  const dir = DIR_NAMES[asked.dmaDir] ?? "NONE";
  const granule = newest ? `granule:${asked.granule}` : `granule: ${asked.granule}`;
  return `dma mapping benchmark${mode}: threads:${asked.threads} seconds:${asked.seconds} node:${asked.node} dir:${dir} ${granule}`;
}

function latencyLine(what: string, { average, deviation }: LatencyFigures): string {
  return `average ${what} latency(us):${tenths(average)} standard deviation:${tenths(deviation)}`;
}

/** Units of 100 ns as microseconds with one decimal. */
function tenths(units: number): string {
  return (units / 10).toFixed(1);
}
