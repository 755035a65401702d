/** Runs dma_map_benchmark on a machine: schema `dmasim/map-benchmark@1`. */
import { packageVersion } from "../../base/version.ts";
import { findLeaks } from "../leaks.ts";
import type { Machine } from "../machine/description.ts";
import type { Clock, LatencySummary, Leak } from "../result.ts";
import { headLine, latencyFigures, type MapBenchmark, resultLines } from "./map_benchmark.ts";
import { planBenchmark, startArena } from "./map_benchmark_setup.ts";
import { type BenchmarkLimits, runBenchmarkVirtual } from "./map_benchmark_virtual.ts";
import { runBenchmarkWall } from "./map_benchmark_wall.ts";

/** Value of `schema`; the number rises when a key changes its meaning or goes. */
export const MAP_BENCHMARK_SCHEMA = "dmasim/map-benchmark@1";

/** How it runs. */
export interface MapBenchmarkOptions extends BenchmarkLimits {
  readonly clock: Clock;
  /** Host threads under the wall clock. */
  readonly workers: number;
  readonly device: string | null;
}

/** Parameters and figures under the names of struct map_benchmark, then what the tool does not print. */
export interface MapBenchmarkResult {
  readonly schema: typeof MAP_BENCHMARK_SCHEMA;
  readonly version: string;
  readonly clock: Clock;
  readonly machine: { readonly name: string; readonly era: string; readonly iommu: string };
  readonly device: string;
  readonly threads: number;
  readonly seconds: number;
  readonly node: number;
  readonly dma_bits: number;
  readonly dma_dir: number;
  readonly dma_trans_ns: number;
  readonly granule: number;
  readonly map_mode: number;
  readonly partial?: true;
  /** Iterations were cut short by the limit on them. */
  readonly scaled?: true;
  /** Why a thread ended early, in the kernel's words. */
  readonly error?: string;
  readonly avg_map_100ns: number;
  readonly map_stddev: number;
  readonly avg_unmap_100ns: number;
  readonly unmap_stddev: number;
  readonly loops: number;
  /** Seconds of the clock that the threads ran. */
  readonly runtime_s: number;
  readonly maps_per_s: number;
  readonly bytes_per_s: number;
  readonly map_ns: LatencySummary;
  readonly unmap_ns: LatencySummary;
  readonly integrity: { readonly leaks: readonly Leak[] };
  /** The lines of the kernel's tool. */
  readonly lines: readonly string[];
}

/** Benchmarks `machine`. Rejects with a DmasimError for parameters that the kernel refuses. */
export async function runMapBenchmark(
  machine: Machine,
  asked: MapBenchmark,
  options: MapBenchmarkOptions,
): Promise<MapBenchmarkResult> {
  const plan = planBenchmark(machine, options.device, asked);
  const arena = startArena(plan, asked, options.clock === "wall");
  const { sums, seconds, scaled, ctx } =
    options.clock === "virtual"
      ? await runBenchmarkVirtual(plan, arena, asked, options)
      : await runBenchmarkWall(plan, arena, asked, options, Math.min(options.workers, asked.threads));
  const map = latencyFigures(sums.map.sums);
  const unmap = latencyFigures(sums.unmap.sums);
  const loops = sums.map.stats.ios;
  return {
    schema: MAP_BENCHMARK_SCHEMA,
    version: packageVersion(),
    clock: options.clock,
    machine: {
      name: machine.name,
      era: machine.era,
      iommu: plan.device.domain === null ? "off" : plan.device.domain.mode,
    },
    device: plan.deviceName,
    threads: asked.threads,
    seconds: asked.seconds,
    node: asked.node,
    dma_bits: asked.dmaBits,
    dma_dir: asked.dmaDir,
    dma_trans_ns: asked.dmaTransNs,
    granule: asked.granule,
    map_mode: asked.mapMode,
    ...(options.signal.aborted ? { partial: true as const } : {}),
    ...(scaled ? { scaled: true as const } : {}),
    ...(sums.error === null ? {} : { error: sums.error }),
    avg_map_100ns: map.average,
    map_stddev: map.deviation,
    avg_unmap_100ns: unmap.average,
    unmap_stddev: unmap.deviation,
    loops,
    runtime_s: seconds,
    maps_per_s: seconds > 0 ? Math.round(loops / seconds) : 0,
    bytes_per_s: seconds > 0 ? Math.round(sums.map.stats.bytes / seconds) : 0,
    map_ns: sums.map.stats.result().clat_ns,
    unmap_ns: sums.unmap.stats.result().clat_ns,
    integrity: { leaks: findLeaks(ctx, plan.system) },
    lines: [headLine(machine.era, asked), ...resultLines(map, unmap)],
  };
}
