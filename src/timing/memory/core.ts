/**
 * One core's side of memory traffic: lines in flight and the time of a store.
 *
 * A load stream is bound by Little's law over the line fill buffers (Vuppalapati et al., SIGCOMM 2024) plus lines of the
 * L2 prefetcher. The prefetcher needs a few lines to follow a stream and steps back with the square of the memory's idle share.
 * Times ns, rates bytes per ns.
 */
import type { Constants } from "../calibration/constant.ts";
import type { SocketShape } from "./socket_shape.ts";

/** Cacheline, bytes. */
export const LINE_BYTES = 64;

/** What one core can have under way. */
export class CoreTraffic {
  readonly lines: number;
  readonly #prefetchLines: number;
  readonly #trainingLines: number;
  readonly #ntLineNs: number;
  readonly #ntAccessNs: number;
  readonly #clwbLineNs: number;

  constructor(constants: Constants, shape: SocketShape) {
    this.lines = constants.get(`${shape.uarch}.core.lines`);
    this.#prefetchLines = shape.prefetch ? Math.min(constants.get("core.prefetch_lines"), this.lines) : 0;
    this.#trainingLines = constants.get("core.prefetch_training_lines");
    this.#ntLineNs = constants.get("core.nt_line_ns");
    this.#ntAccessNs = constants.get("core.nt_access_ns");
    this.#clwbLineNs = constants.get("core.clwb_line_ns");
  }

  /** Share of an access's lines that the prefetcher brings: none of a short or random one, all of an endless stream. */
  coverage(accessBytes: number, sequential: boolean): number {
    const lines = accessBytes / LINE_BYTES;
    if (!sequential && accessBytes < 4096) return 0;
    return lines === Number.POSITIVE_INFINITY ? 1 : Math.max(0, 1 - this.#trainingLines / lines);
  }

  /**
   * Bytes per ns that one of `threads` equal threads reads: b = a + c (1 - k b)^2 with a of the fill buffers, c of
   * the prefetcher at rest and k b the share of `capacity` in use.
   */
  readRate(latencyNs: number, coverage: number, threads: number, capacity: number): number {
    const demand = (this.lines * LINE_BYTES) / latencyNs;
    const extra = (this.#prefetchLines * coverage * LINE_BYTES) / latencyNs;
    const load = threads / capacity;
    if (extra === 0 || load * demand >= 1) return demand;
    const half = 2 * extra * load + 1;
    return (half - Math.sqrt(1 + 4 * extra * load * (1 - load * demand))) / (2 * extra * load * load);
  }

  /** Bytes per ns that one thread stores without fences; `extraLineNs` = time that each line's buffer is held longer. */
  storeRate(flushed: boolean, accessBytes: number, extraHoldNs: number): number {
    const lineNs = (flushed ? this.#clwbLineNs : this.#ntLineNs) + extraHoldNs / this.lines;
    const lines = accessBytes / LINE_BYTES;
    const accessNs = flushed || lines === Number.POSITIVE_INFINITY ? 0 : this.#ntAccessNs / Math.max(lines, 1);
    return LINE_BYTES / (lineNs + accessNs);
  }
}
