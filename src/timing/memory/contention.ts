/**
 * Cores and a device on the same memory channels (host network contention).
 *
 * Cores are closed loops over their fill buffers: what the device takes of the channels lengthens their latency. A device's
 * posted writes keep their rate until the longer wait at the memory controller uses up the IIO's buffer (Vuppalapati et al.,
 * SIGCOMM 2024: blue and red regime). Times ns, rates bytes per ns.
 */
import type { Constants } from "../calibration/constant.ts";
import type { CpuMemory, CpuStream } from "./cpu_memory.ts";
import { HostCredits } from "./credits.ts";
import { kneeMin, queueing } from "./knee.ts";

/** Least share of the channels that cores keep: controllers do not starve reads. */
const CORE_SHARE_MIN = 0.2;

/** One socket's cores beside one device. */
export class HostContention {
  readonly #memory: CpuMemory;
  readonly #credits: HostCredits;
  readonly #queueNs: number;
  readonly #knee: number;

  constructor(constants: Constants, memory: CpuMemory) {
    this.#memory = memory;
    this.#credits = new HostCredits(constants);
    this.#queueNs = constants.get("dram.queue_ns");
    this.#knee = constants.get("core.knee");
  }

  /** Bandwidth of the stream's cores alone over that beside a device that moves `deviceRate`; also the ratio of their latencies. */
  coreSlowdown(stream: CpuStream, deviceRate: number): number {
    return this.#coreRate(stream, 0) / this.#coreRate(stream, deviceRate);
  }

  /** Latency that a core's reads gain beside the device. */
  coreLatencyIncreaseNs(stream: CpuStream, deviceRate: number): number {
    const aloneNs = (this.#demand(stream) / this.#coreRate(stream, 0)) * this.#memory.dram.lineNs(0);
    return aloneNs * (this.coreSlowdown(stream, deviceRate) - 1);
  }

  /** A device's write rate alone over that beside the cores. */
  deviceSlowdown(stream: CpuStream, deviceRate: number): number {
    const { dram } = this.#memory;
    const used = (this.#coreRate(stream, deviceRate) + deviceRate) / dram.readCeiling();
    const alone = Math.min(deviceRate, this.#credits.writeCeiling(0));
    return alone / Math.min(alone, this.#credits.writeCeiling(this.#queueNs * queueing(used)));
  }

  #demand(stream: CpuStream): number {
    const { dram, core } = this.#memory;
    return stream.threads * core.readRate(dram.lineNs(0), 0, stream.threads, dram.readCeiling());
  }

  #coreRate(stream: CpuStream, deviceRate: number): number {
    const ceiling = this.#memory.dram.readCeiling();
    const left = Math.max(ceiling - deviceRate, ceiling * CORE_SHARE_MIN);
    return kneeMin(this.#demand(stream), left, this.#knee);
  }
}
