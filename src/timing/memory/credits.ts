/**
 * Credits of the host network: lines in flight between an agent and the memory controller.
 *
 * Domain-by-domain credit flow of Vuppalapati et al., SIGCOMM 2024: in use = rate x latency / line, at most the buffer; when a
 * buffer is full, its rate is credits x line / latency. Times ns, rates bytes per ns.
 */
import type { Constants } from "../calibration/constant.ts";
import { LINE_BYTES } from "./core.ts";

/** Buffers between devices and the memory controller. */
export class HostCredits {
  readonly iioWriteLines: number;
  readonly deviceReadLines: number;
  readonly #iioToMcNs: number;

  constructor(constants: Constants) {
    this.iioWriteLines = constants.get("host.iio_write_lines");
    this.deviceReadLines = constants.get("host.device_read_lines");
    this.#iioToMcNs = constants.get("host.iio_to_mc_ns");
  }

  /** Lines of the IIO's write buffer in use at `rate` with `queueNs` of waiting at the memory. */
  writeLinesInUse(rate: number, queueNs: number): number {
    return Math.min(this.iioWriteLines, (rate * (this.#iioToMcNs + queueNs)) / LINE_BYTES);
  }

  /** Bytes per ns that device writes reach at most with `queueNs` of waiting. */
  writeCeiling(queueNs: number): number {
    return (this.iioWriteLines * LINE_BYTES) / (this.#iioToMcNs + queueNs);
  }

  /** Bytes per ns that a core's reads reach with `lines` fill buffers at `latencyNs`. */
  readRate(lines: number, latencyNs: number): number {
    return (lines * LINE_BYTES) / latencyNs;
  }
}
