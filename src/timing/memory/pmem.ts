/**
 * Optane modules: 256 byte media lines behind a small combining buffer, interleaved 4 KiB each.
 *
 * Mechanisms (Yang et al., FAST 2020; Izraelevitz et al. 2019): a partial media line costs a whole one; many writers evict
 * each other's lines from the buffer before they are full; many readers of one module lose lines before all four are read; a
 * random access is on one module, so that few threads leave others idle; cached stores read each line first.
 * Times ns, rates bytes per ns.
 */
import type { Constants } from "../calibration/constant.ts";
import { LINE_BYTES } from "./core.ts";
import { balance } from "./knee.ts";
import type { SocketShape } from "./socket_shape.ts";

/** Modules of one interleaved region. */
export class Pmem {
  readonly sequentialNs: number;
  readonly randomNs: number;
  readonly modules: number;
  readonly mediaLineBytes: number;
  readonly #parallelNs: number;
  readonly #moduleRead: number;
  readonly #moduleWrite: number;
  readonly #rfoLineNs: number;
  readonly #bufferBytes: number;
  readonly #interleaveBytes: number;
  readonly #postedBytes: number;
  readonly #randomReadBytes: number;
  readonly #writersHalf: number;
  readonly #writersExponent: number;
  readonly #writersLoss: number;
  readonly #spread: number;
  readonly #readersFree: number;
  readonly #readersLoss: number;

  constructor(constants: Constants, shape: SocketShape) {
    const second = shape.pmemMedia === "optane_200";
    this.modules = shape.pmemDimms;
    this.mediaLineBytes = constants.get("pmem.line_bytes");
    this.sequentialNs = constants.get("pmem.read_sequential_ns");
    this.randomNs = constants.get("pmem.read_random_ns");
    this.#parallelNs = this.sequentialNs + constants.get("read.parallel_share") * (this.randomNs - this.sequentialNs);
    this.#moduleRead =
      constants.get("pmem.module_read_bytes_per_ns") * (second ? constants.get("optane_200.pmem.read_scale") : 1);
    this.#moduleWrite =
      constants.get("pmem.module_write_bytes_per_ns") * (second ? constants.get("optane_200.pmem.write_scale") : 1);
    this.#rfoLineNs = constants.get("pmem.rfo_line_ns");
    this.#bufferBytes = constants.get("pmem.buffer_bytes");
    this.#interleaveBytes = constants.get("pmem.interleave_bytes");
    this.#postedBytes = constants.get("pmem.posted_bytes");
    this.#randomReadBytes = constants.get("pmem.random_read_bytes");
    this.#writersHalf = constants.get("pmem.writers_half");
    this.#writersExponent = constants.get("pmem.writers_exponent");
    this.#writersLoss = constants.get("pmem.writers_loss");
    this.#spread = constants.get("pmem.spread_exponent");
    this.#readersFree = constants.get("pmem.readers_free");
    this.#readersLoss = constants.get("pmem.readers_loss");
  }

  /** Latency of a line among others in flight: most of them wait for the media read of their XPLine. */
  get lineNs(): number {
    return this.#parallelNs;
  }

  /** Media bytes moved per byte asked for: 4 for single lines, 1 from 256 bytes on (whole media lines). */
  mediaShare(accessBytes: number, sequential: boolean): number {
    if (sequential || accessBytes === Number.POSITIVE_INFINITY) return 1;
    const lines = Math.ceil(accessBytes / this.mediaLineBytes);
    return (lines * this.mediaLineBytes) / accessBytes;
  }

  /** Ceiling of reads of `threads` threads. */
  readCeiling(accessBytes: number, sequential: boolean, threads: number): number {
    const readers = threads / this.modules;
    const again = 1 + this.#readersLoss * Math.max(0, 1 - this.#readersFree / readers);
    const inFlight = Math.max(1, this.#randomReadBytes / accessBytes);
    const busy = sequential ? 1 : this.#busyShare(accessBytes, threads * inFlight);
    return (this.modules * this.#moduleRead * busy) / (again * this.mediaShare(accessBytes, sequential));
  }

  /** Ceiling of posted writes of `threads` threads; `flushed` = cached stores and clwb, which read each line first. */
  writeCeiling(accessBytes: number, sequential: boolean, threads: number, flushed: boolean): number {
    const inFlight = Math.max(1, this.#postedBytes / accessBytes);
    const busy = sequential ? 1 : this.#busyShare(accessBytes, threads * inFlight);
    return (this.modules * busy * this.mediaLineBytes) / this.#mediaLineNs(accessBytes, sequential, threads, flushed);
  }

  /** Module time of one line of a lone sequential writer. */
  writeLineNs(flushed: boolean): number {
    return (this.#mediaLineNs(this.mediaLineBytes, true, 1, flushed) * LINE_BYTES) / this.mediaLineBytes;
  }

  /** Ceiling of lines evicted from CPU caches in no order, `mediaLines` lines of media work each. */
  evictionCeiling(mediaLines: number): number {
    return (this.modules * this.#moduleWrite) / mediaLines;
  }

  /**
   * Media writes per byte when every half of each media line of a window is written in two passes: a line that random
   * replacement evicted in between is written twice. Survival h of a line: h = exp(-(window / buffer) (1 - h)).
   */
  twoPassAmplification(windowBytes: number): number {
    const load = windowBytes / this.#bufferBytes;
    if (load <= 1) return 1;
    let survive = 0;
    for (let i = 0; i < 200; i += 1) survive = Math.exp(-load * (1 - survive));
    return 2 - survive;
  }

  /** Module time of 256 bytes written: media, early evictions, and per line the read for ownership. */
  #mediaLineNs(accessBytes: number, sequential: boolean, threads: number, flushed: boolean): number {
    const mediaNs = this.mediaLineBytes / this.#moduleWrite;
    const share = this.mediaShare(accessBytes, sequential);
    const ownNs = flushed ? (this.#rfoLineNs * this.mediaLineBytes) / LINE_BYTES : 0;
    const active = mediaNs / (mediaNs + ownNs / 2);
    const crowd = (threads * active) / this.modules ** this.#spread / this.#writersHalf;
    const odds = crowd ** this.#writersExponent;
    const evicted = share > 1 ? 0 : this.#writersLoss * (odds / (1 + odds));
    return mediaNs * share * (1 + evicted) + ownNs;
  }

  /** Share of modules that random accesses keep busy; a long access spans several. */
  #busyShare(accessBytes: number, customers: number): number {
    const spans = Math.min(this.modules, Math.max(1, accessBytes / this.#interleaveBytes));
    return balance(customers * spans, this.modules);
  }
}
