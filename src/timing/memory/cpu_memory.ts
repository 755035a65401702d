/**
 * CPU traffic to the memory of one socket: what a number of threads reads, writes or copies.
 *
 * Every rate is the bend between what the threads can have in flight and what the memory carries. Rates are bytes per ns (GB/s)
 * inside, bytes per second in names that say so. Methods take plain numbers and a stream that the caller keeps, and allocate nothing.
 */
import type { Constants } from "../calibration/constant.ts";
import { CoreTraffic, LINE_BYTES } from "./core.ts";
import { Dram } from "./dram.ts";
import { kneeMin, overlapNs } from "./knee.ts";
import { Pmem } from "./pmem.ts";
import { SocketLink } from "./socket_link.ts";
import type { SocketShape } from "./socket_shape.ts";

/** Memory at the other end. */
export type Media = "dram" | "pmem";
/** `nt` non-temporal; `flushed` cached, then clwb or clflushopt; `cached` left to eviction. */
export type StoreKind = "nt" | "flushed" | "cached";

/** Equal threads, each with its own part of a region. */
export interface CpuStream {
  media: Media;
  /** Bytes of one access; Infinity = one endless stream. */
  accessBytes: number;
  sequential: boolean;
  threads: number;
  remote: boolean;
  store: StoreKind;
  /** Share of bytes that are read; 1 reads only, 0 writes only. */
  readShare: number;
}

/** Memory of one socket with the cores that use it; reads its constants once. */
export class CpuMemory {
  readonly core: CoreTraffic;
  readonly dram: Dram;
  readonly pmem: Pmem;
  readonly link: SocketLink;
  readonly #knee: number;
  readonly #overlap: number;
  readonly #evictedLines: number;

  constructor(constants: Constants, shape: SocketShape) {
    this.core = new CoreTraffic(constants, shape);
    this.dram = new Dram(constants, shape);
    this.pmem = new Pmem(constants, shape);
    this.link = new SocketLink(constants);
    this.#knee = constants.get("core.knee");
    this.#overlap = constants.get("mix.overlap");
    this.#evictedLines = constants.get("pmem.evicted_lines");
  }

  /** Bytes per second of all threads of `stream` together. */
  bandwidthBytesPerS(stream: CpuStream): number {
    return this.rate(stream) * 1e9;
  }

  /** Bytes per ns of all threads together. */
  rate(stream: CpuStream): number {
    if (stream.readShare >= 1) return this.#read(stream);
    if (stream.readShare <= 0) return this.#write(stream);
    return this.#mixed(stream);
  }

  /** Best rate of 1 to `threadsMax` threads; leaves that thread count in the stream. */
  bestRate(stream: CpuStream, threadsMax: number): number {
    let best = 0;
    let at = 1;
    for (let threads = 1; threads <= threadsMax; threads += 1) {
      stream.threads = threads;
      const rate = this.rate(stream);
      if (rate > best) {
        best = rate;
        at = threads;
      }
    }
    stream.threads = at;
    return best;
  }

  /**
   * Bytes per second that `threads` threads copy in pieces of `accessBytes`: a piece is loaded, then stored, so that
   * the times add; the memories' ceilings bound the sum of the threads.
   */
  copyBytesPerS(from: Media, to: Media, accessBytes: number, threads: number): number {
    const loadRate = this.#readDemand(from, accessBytes, true, 1, 0);
    const storeRate =
      to === "pmem" ? this.core.storeRate(false, accessBytes, 0) : this.#readDemand(to, accessBytes, true, 1, 0);
    const demand = threads / (1 / loadRate + 1 / storeRate);
    return kneeMin(demand, this.#copyCeiling(from, to, accessBytes, threads), this.#knee) * 1e9;
  }

  /** Bytes per second that the memories carry of a copy, whatever the threads could do. */
  copyCeilingBytesPerS(from: Media, to: Media, accessBytes: number, threads: number): number {
    return this.#copyCeiling(from, to, accessBytes, threads) * 1e9;
  }

  /** What both memories carry of a copy: one DRAM serves loads, reads for ownership and write-backs, pmem each way. */
  #copyCeiling(from: Media, to: Media, accessBytes: number, threads: number): number {
    const load = from === "dram" ? this.dram.readCeiling() : this.pmem.readCeiling(accessBytes, true, threads);
    if (to === "pmem") return Math.min(load, this.pmem.writeCeiling(accessBytes, true, threads, false));
    const own = 1 / this.dram.readCeiling() + 1 / this.dram.writeCeiling();
    return from === "dram" ? 1 / (1 / load + own) : Math.min(load, 1 / own);
  }

  #read(stream: CpuStream): number {
    const { media, accessBytes, sequential, threads } = stream;
    const hopNs = stream.remote ? this.link.hopNs : 0;
    const each = this.#readDemand(media, accessBytes, sequential, threads, hopNs);
    return kneeMin(threads * each, this.#readCeiling(stream), this.#knee);
  }

  /** What one of the threads would read with no ceiling. */
  #readDemand(media: Media, accessBytes: number, sequential: boolean, threads: number, hopNs: number): number {
    const coverage = this.core.coverage(accessBytes, sequential);
    if (media === "dram")
      return this.core.readRate(this.dram.lineNs(coverage) + hopNs, coverage, threads, this.dram.readCeiling());
    const ceiling = this.pmem.readCeiling(accessBytes, sequential, threads);
    return this.core.readRate(this.pmem.lineNs + hopNs, coverage, threads, ceiling);
  }

  #readCeiling(stream: CpuStream): number {
    const { media, accessBytes, sequential, threads } = stream;
    const ceiling =
      media === "dram" ? this.dram.readCeiling() : this.pmem.readCeiling(accessBytes, sequential, threads);
    return stream.remote ? Math.min(ceiling, this.link.rate) : ceiling;
  }

  #write(stream: CpuStream): number {
    const demand = stream.threads * this.#writeDemand(stream, stream.remote && stream.store === "nt");
    return kneeMin(demand, this.#writeCeiling(stream), this.#knee);
  }

  /** What one thread would store with no ceiling; cached stores fetch each line like a read that nothing foresees. */
  #writeDemand(stream: CpuStream, handshake: boolean): number {
    const { media, accessBytes, sequential, threads } = stream;
    const holdNs = handshake ? this.link.ntHoldNs : stream.remote ? this.link.hopNs : 0;
    if (stream.store === "cached") return this.#readDemand(media, LINE_BYTES, sequential, threads, holdNs);
    return this.core.storeRate(stream.store === "flushed", accessBytes, holdNs);
  }

  #writeCeiling(stream: CpuStream): number {
    const { media, accessBytes, sequential, threads, store } = stream;
    let ceiling: number;
    if (media === "pmem") {
      const flushed = store === "flushed";
      ceiling =
        store === "cached"
          ? this.pmem.evictionCeiling(this.#evictedLines)
          : this.pmem.writeCeiling(accessBytes, sequential, threads, flushed);
    } else {
      ceiling = this.dram.writeCeiling();
      if (store !== "nt") ceiling = 1 / (1 / ceiling + 1 / this.dram.readCeiling());
    }
    return stream.remote ? Math.min(ceiling / this.link.directoryWrites, this.link.rate) : ceiling;
  }

  /** Reads and cached stores together: they overlap in a core, share the media, and conflict when remote. */
  #mixed(stream: CpuStream): number {
    const { media, accessBytes, sequential, threads, readShare } = stream;
    const hopNs = stream.remote ? this.link.hopNs : 0;
    const load = this.#readDemand(media, accessBytes, sequential, threads, hopNs);
    const store = this.core.storeRate(stream.store === "flushed", accessBytes, hopNs);
    const coreNs = overlapNs(readShare / load, (1 - readShare) / store, this.#overlap);
    const writeCeiling = media === "pmem" ? this.pmem.evictionCeiling(this.#evictedLines) : this.dram.writeCeiling();
    const mediaNs = readShare / this.#readCeiling(stream) + (1 - readShare) / writeCeiling;
    const conflictNs = stream.remote ? this.link.conflictNsPerByte(threads) : 0;
    return kneeMin(threads / coreNs, 1 / (mediaNs + conflictNs), this.#knee);
  }
}
