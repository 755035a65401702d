/**
 * Latencies of single accesses: idle, fenced, under load, and of a device's DMA.
 *
 * A posted write is done when the memory controller has it (ADR domain on Optane); under load it waits behind others:
 * queueing u / (1 - u) times one constant. Times ns, rates bytes per ns.
 */
import type { Constants } from "../calibration/constant.ts";
import { LINE_BYTES } from "./core.ts";
import type { CpuMemory, Media } from "./cpu_memory.ts";
import { queueing } from "./knee.ts";

/** Latencies over the memory of one socket; reads its constants once. */
export class AccessLatency {
  readonly #memory: CpuMemory;
  readonly #clwbNs: number;
  readonly #ntExtraNs: number;
  readonly #pmemExtraNs: number;
  readonly #fenceNs: number;
  readonly #burstShare: number;
  readonly #queueNs: number;
  readonly #loadedPmemNs: number;
  readonly #iioToMcNs: number;

  constructor(constants: Constants, memory: CpuMemory) {
    this.#memory = memory;
    this.#clwbNs = constants.get("write.clwb_ns");
    this.#ntExtraNs = constants.get("write.nt_extra_ns");
    this.#pmemExtraNs = constants.get("write.pmem_extra_ns");
    this.#fenceNs = constants.get("write.fence_ns");
    this.#burstShare = constants.get("write.burst_share");
    this.#queueNs = constants.get("dram.queue_ns");
    this.#loadedPmemNs = constants.get("pmem.loaded_write_ns");
    this.#iioToMcNs = constants.get("host.iio_to_mc_ns");
  }

  /** One dependent load with nothing else running. */
  readNs(media: Media, sequential: boolean, remote: boolean): number {
    const part = media === "dram" ? this.#memory.dram : this.#memory.pmem;
    return (sequential ? part.sequentialNs : part.randomNs) + (remote ? this.#memory.link.hopNs : 0);
  }

  /** One line stored and accepted by the memory controller. */
  writeNs(media: Media, flushed: boolean, remote: boolean): number {
    const storeNs = this.#clwbNs + (flushed ? 0 : this.#ntExtraNs);
    return storeNs + (media === "pmem" ? this.#pmemExtraNs : 0) + (remote ? this.#memory.link.hopNs : 0);
  }

  /**
   * `accessBytes` stored, then a fence: the way of the first line, then on Optane each whole media line at the pace of its
   * one module and the rest at the pace of the core, which is the pace of DRAM as well.
   */
  fencedWriteNs(media: Media, flushed: boolean, remote: boolean, accessBytes: number): number {
    const { core, pmem } = this.#memory;
    const lines = Math.max(1, Math.ceil(accessBytes / LINE_BYTES));
    const coreNs = LINE_BYTES / core.storeRate(flushed, Number.POSITIVE_INFINITY, 0);
    const mediaLines = pmem.mediaLineBytes / LINE_BYTES;
    const whole = media === "pmem" ? Math.floor(lines / mediaLines) * mediaLines : 0;
    const rest = Math.max(0, lines - whole - (whole === 0 ? 1 : 0));
    const moduleNs = pmem.writeLineNs(flushed) * this.#burstShare;
    return this.writeNs(media, flushed, remote) + this.#fenceNs + whole * moduleNs + rest * coreNs;
  }

  /** A stream's write while `load` bytes per ns go to the same memory. */
  loadedWriteNs(media: Media, remote: boolean, load: number): number {
    const idle = media === "dram" ? this.writeNs("dram", false, remote) : this.#pmemLoadedIdleNs(remote);
    return idle + this.#queueNs * queueing(load / this.#ceiling(media, remote, 0));
  }

  /** A read while `load` bytes per ns go to the same memory. */
  loadedReadNs(media: Media, sequential: boolean, remote: boolean, load: number): number {
    return this.readNs(media, sequential, remote) + this.#queueNs * queueing(load / this.#ceiling(media, remote, 1));
  }

  /** What memory adds to a device's read beyond a hit in the LLC. */
  deviceReadExtraNs(media: Media, remote: boolean, llcHit: boolean, load: number): number {
    const hopNs = remote ? this.#memory.link.hopNs : 0;
    if (llcHit) return hopNs;
    const overDramNs = media === "pmem" ? this.#memory.pmem.randomNs - this.#memory.dram.randomNs : 0;
    // About half of a core's DRAM read is the way to the LLC, which the hit pays as well.
    const missNs = this.#memory.dram.randomNs / 2 + overDramNs;
    return hopNs + missNs + this.#queueNs * queueing(load / this.#ceiling(media, remote, 1));
  }

  /** From the IIO to the memory controller: a device's posted write gives its buffer back then. */
  deviceWriteNs(media: Media, remote: boolean, load: number): number {
    const hopNs = remote ? this.#memory.link.hopNs : 0;
    const extraNs = media === "pmem" ? this.#pmemExtraNs : 0;
    return this.#iioToMcNs + extraNs + hopNs + this.#queueNs * queueing(load / this.#ceiling(media, remote, 0));
  }

  #pmemLoadedIdleNs(remote: boolean): number {
    return this.#loadedPmemNs + (remote ? this.#memory.link.hopNs : 0);
  }

  /** What the memory carries of large sequential accesses of a few threads. */
  #ceiling(media: Media, remote: boolean, readShare: number): number {
    const { dram, pmem, link } = this.#memory;
    // Few writers a module: the load that queues here is not what evicts lines early.
    let ceiling: number;
    if (media === "dram") ceiling = readShare > 0 ? dram.readCeiling() : dram.writeCeiling();
    else if (readShare > 0) ceiling = pmem.readCeiling(LINE_BYTES, true, 1);
    else ceiling = pmem.writeCeiling(LINE_BYTES, true, 1, false);
    return remote ? Math.min(ceiling, link.rate) : ceiling;
  }
}
