/**
 * DRAM of one socket: channels at a share of the bus rate, rows that stay open or not, banks.
 *
 * Sources: Yang et al., FAST 2020 data (shares); Vuppalapati et al., SIGCOMM 2024 (line and bank time, row misses); JEDEC DDR4/DDR5.
 * Times ns, rates bytes per ns.
 */
import type { Constants } from "../calibration/constant.ts";
import { LINE_BYTES } from "./core.ts";
import type { SocketShape } from "./socket_shape.ts";

/** Channels of one socket. */
export class Dram {
  readonly sequentialNs: number;
  readonly randomNs: number;
  readonly bankNs: number;
  readonly #channelRate: number;
  readonly #channels: number;
  readonly #parallelNs: number;
  readonly #readShare: number;
  readonly #writeShare: number;
  readonly #rowLines: number;

  constructor(constants: Constants, shape: SocketShape) {
    this.sequentialNs = constants.get(`${shape.uarch}.dram.read_sequential_ns`);
    this.randomNs = constants.get(`${shape.uarch}.dram.read_random_ns`);
    this.bankNs = constants.get("dram.bank_ns");
    this.#channels = shape.dramChannels;
    this.#channelRate = (shape.dramMts * constants.get("dram.bus_bytes")) / 1000;
    const parallel = constants.get("read.parallel_share");
    this.#parallelNs = this.sequentialNs + parallel * (this.randomNs - this.sequentialNs);
    this.#readShare = constants.get("dram.read_efficiency");
    this.#writeShare = constants.first(`${shape.platform}.dram.write_efficiency`, "dram.write_efficiency");
    this.#rowLines = constants.get("dram.row_bytes") / LINE_BYTES;
  }

  /** Nominal rate of all channels. */
  get peakRate(): number {
    return this.#channels * this.#channelRate;
  }

  /** Time that `bytes` occupy one channel. */
  channelNs(bytes: number): number {
    return bytes / this.#channelRate;
  }

  /** Latency of a line among others in flight: rows stay open for the covered part of a stream. */
  lineNs(coverage: number): number {
    return this.#parallelNs + coverage * (this.sequentialNs - this.#parallelNs);
  }

  /** Ceiling of reads, bytes per ns. The banks hide row changes of random reads. */
  readCeiling(): number {
    return this.peakRate * this.#readShare;
  }

  /** Ceiling of posted writes: the controller collects and orders them, so that the pattern matters little. */
  writeCeiling(): number {
    return this.peakRate * this.#writeShare;
  }

  /** Row misses per line of `streams` sequential streams: a row change per row, more when streams meet in a bank. */
  rowMissRatio(streams: number): number {
    return Math.min(1, streams ** 2 / this.#rowLines);
  }
}
