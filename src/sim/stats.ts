/**
 * Counters of a job: what a run measures, in a form that crosses threads and adds up.
 */
import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from "hdr-histogram-js";
import { PATH_NAMES, type PathName } from "../base/cost.ts";
import { LatencyCounts } from "./latency_counts.ts";
import type { DirectionResult, LatencySummary } from "./result.ts";

const LATENCY_NS_MAX = 2 ** 42;
const PERCENTILES = [1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 99.5, 99.9, 99.95, 99.99];

/** One direction of one job. */
export class DirectionStats {
  ios = 0;
  bytes = 0;
  /** Time from the first submission to the last completion. */
  firstNs = Number.POSITIVE_INFINITY;
  lastNs = 0;
  #latency: Histogram | null = null;
  readonly #counts = new LatencyCounts();

  record(startNs: number, endNs: number, bytes: number): void {
    this.ios += 1;
    this.bytes += bytes;
    if (startNs < this.firstNs) this.firstNs = startNs;
    if (endNs > this.lastNs) this.lastNs = endNs;
    const latencyNs = endNs - startNs;
    if (this.#counts.record(latencyNs)) return;
    this.#latency ??= newHistogram();
    this.#latency.recordValue(Math.min(Math.round(latencyNs), LATENCY_NS_MAX));
  }

  /** Everything recorded is in the histogram; null when nothing was. */
  #drained(): Histogram | null {
    if (this.ios === 0) return this.#latency;
    this.#latency ??= newHistogram();
    this.#counts.drain(this.#latency);
    return this.#latency;
  }

  add(other: DirectionPlain): void {
    this.ios += other.ios;
    this.bytes += other.bytes;
    this.firstNs = Math.min(this.firstNs, other.firstNs);
    this.lastNs = Math.max(this.lastNs, other.lastNs);
    if (other.latency === null) return;
    this.#latency ??= newHistogram();
    this.#latency.add(decodeFromCompressedBase64(other.latency));
  }

  plain(): DirectionPlain {
    const histogram = this.#drained();
    const latency = histogram === null ? null : encodeIntoCompressedBase64(histogram);
    return { ios: this.ios, bytes: this.bytes, firstNs: this.firstNs, lastNs: this.lastNs, latency };
  }

  result(): DirectionResult {
    const seconds = this.ios === 0 ? 0 : (this.lastNs - this.firstNs) / 1e9;
    return {
      io_bytes: this.bytes,
      bw_bytes: seconds > 0 ? Math.round(this.bytes / seconds) : 0,
      iops: seconds > 0 ? round(this.ios / seconds, 3) : 0,
      total_ios: this.ios,
      runtime: round(seconds * 1000, 3),
      clat_ns: summary(this.#drained()),
    };
  }
}

/** What crosses a thread border. */
export interface DirectionPlain {
  readonly ios: number;
  readonly bytes: number;
  readonly firstNs: number;
  readonly lastNs: number;
  readonly latency: string | null;
}

/** JobStats as structured clone carries them between threads. */
export interface JobPlain {
  readonly read: DirectionPlain;
  readonly write: DirectionPlain;
  readonly paths: readonly number[];
  readonly commands: number;
  readonly mapNs: number;
  readonly unmapNs: number;
  readonly faults: number;
  readonly retries: number;
  readonly verifiedIos: number;
  readonly errors: number;
  readonly errorText: string | null;
  readonly cut: boolean;
  readonly foundDepth: number;
  readonly depthMet: boolean;
}

/**
 * One job's counters on one thread; `add` sums threads, `plain` sends them. Times are nanoseconds of the run's clock.
 */
export class JobStats {
  readonly read = new DirectionStats();
  readonly write = new DirectionStats();
  /** Bytes by PATH. */
  readonly paths = new Float64Array(PATH_NAMES.length);
  commands = 0;
  mapNs = 0;
  unmapNs = 0;
  faults = 0;
  retries = 0;
  verifiedIos = 0;
  errors = 0;
  errorText: string | null = null;
  /** The limit ended the job before its own end. */
  cut = false;
  /** Depth that a latency target settled on; 0 = none asked for. */
  foundDepth = 0;
  depthMet = false;

  fail(text: string): void {
    this.errors += 1;
    this.errorText ??= text;
  }

  add(other: JobPlain): void {
    this.read.add(other.read);
    this.write.add(other.write);
    for (let i = 0; i < this.paths.length; i += 1) this.paths[i] = (this.paths[i] as number) + (other.paths[i] ?? 0);
    this.commands += other.commands;
    this.mapNs += other.mapNs;
    this.unmapNs += other.unmapNs;
    this.faults += other.faults;
    this.retries += other.retries;
    this.verifiedIos += other.verifiedIos;
    this.errors += other.errors;
    this.errorText ??= other.errorText;
    this.cut ||= other.cut;
    this.foundDepth = Math.max(this.foundDepth, other.foundDepth);
    this.depthMet ||= other.depthMet;
  }

  plain(): JobPlain {
    return {
      read: this.read.plain(),
      write: this.write.plain(),
      paths: [...this.paths],
      commands: this.commands,
      mapNs: this.mapNs,
      unmapNs: this.unmapNs,
      faults: this.faults,
      retries: this.retries,
      verifiedIos: this.verifiedIos,
      errors: this.errors,
      errorText: this.errorText,
      cut: this.cut,
      foundDepth: this.foundDepth,
      depthMet: this.depthMet,
    };
  }

  /** Share of the bytes that went each way. */
  pathShares(): Record<PathName, number> {
    const total = this.paths.reduce((sum, bytes) => sum + bytes, 0);
    const share = (index: number): number => (total === 0 ? 0 : round((this.paths[index] as number) / total, 6));
    return { direct: share(0), iommu: share(1), bounce: share(2), p2p: share(3), cpu: share(4), staged: share(5) };
  }
}

function newHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATENCY_NS_MAX,
    numberOfSignificantValueDigits: 3,
    bitBucketSize: 32,
  });
}

function summary(histogram: Histogram | null): LatencySummary {
  const percentile: Record<string, number> = {};
  if (histogram === null || histogram.totalCount === 0) return { min: 0, max: 0, mean: 0, stddev: 0, percentile };
  for (const p of PERCENTILES) percentile[p.toFixed(6)] = histogram.getValueAtPercentile(p);
  return {
    min: histogram.minNonZeroValue,
    max: histogram.maxValue,
    mean: round(histogram.mean, 3),
    stddev: round(histogram.stdDeviation, 3),
    percentile,
  };
}

function round(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}
