/** One thread of dma_map_benchmark: its buffer, and the map and unmap that are timed (kernel/dma/map_benchmark.c). */
import { PAGE_BYTES, type Phys } from "../../base/addr.ts";
import type { HostContext } from "../../host/context.ts";
import { DIR, type DmaDevice } from "../../host/dma/device.ts";
import { mapPhys, mapSg, unmapPhys, unmapSg } from "../../host/dma/map.ts";
import { refusalText } from "../../host/dma/refusal.ts";
import { sgSetPhys } from "../../host/dma/scatterlist.ts";
import { allocSg, freeSg } from "../../host/dma/sg_table.ts";
import { fillPhys } from "../../memory/copy.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import type { MapBenchmark } from "./map_benchmark.ts";

/** Byte that the benchmark dirties its buffer with. */
const DIRT = 0x66;
const SG_MODE = 1;
/** dma_dir as the tool counts it, in this project's words. */
const DIRS = [DIR.bidirectional, DIR.toDevice, DIR.fromDevice] as const;

/** Where the buffers of all threads lie: `stride` bytes each from `start`. */
export interface BenchmarkBuffers {
  readonly start: Phys;
  readonly stride: number;
}

/** Bytes of a thread's buffer and the gaps in it: pages of a list lie apart, as pages of a busy machine do. */
export function bufferStride(asked: MapBenchmark): number {
  return asked.granule * PAGE_BYTES * (asked.mapMode === SG_MODE ? 2 : 1);
}

/** Timed operations of one thread; the caller names the CPU in `ctx` and reads the cost. */
export class BenchmarkThread {
  readonly #ctx: HostContext;
  readonly #device: DmaDevice;
  readonly #asked: MapBenchmark;
  readonly #dir: number;
  readonly #start: Phys;
  #sg = 0;
  #dmaAddr = 0;

  constructor(ctx: HostContext, device: DmaDevice, asked: MapBenchmark, buffers: BenchmarkBuffers, thread: number) {
    this.#ctx = ctx;
    this.#device = device;
    this.#asked = asked;
    this.#dir = DIRS[asked.dmaDir] ?? DIR.bidirectional;
    this.#start = buffers.start + thread * buffers.stride;
  }

  /** Bytes that one mapping covers. */
  get bytes(): number {
    return this.#asked.granule * PAGE_BYTES;
  }

  /** Builds the list of SG_MODE; false when no scatterlist is left. */
  open(): boolean {
    if (this.#asked.mapMode !== SG_MODE) return true;
    const { arena, lockOwner } = this.#ctx;
    this.#sg = allocSg(arena, lockOwner, this.#asked.granule);
    if (this.#sg <= 0) return false;
    let entry = this.#sg;
    for (let page = 0; page < this.#asked.granule; page += 1) {
      sgSetPhys(arena, entry, this.#pageAt(page), PAGE_BYTES, true);
      entry = sgNext(arena, entry);
    }
    return true;
  }

  close(): void {
    if (this.#sg > 0) freeSg(this.#ctx.arena, this.#ctx.lockOwner, this.#sg);
    this.#sg = 0;
  }

  /** The CPU writes the buffer before each mapping that the device reads; untimed. */
  get dirties(): boolean {
    return this.#dir !== DIR.fromDevice;
  }

  /** Really writes it. */
  dirty(): void {
    const { arena } = this.#ctx;
    if (this.#sg === 0) fillPhys(arena, this.#start, DIRT, this.bytes);
    else
      for (let page = 0; page < this.#asked.granule; page += 1) fillPhys(arena, this.#pageAt(page), DIRT, PAGE_BYTES);
  }

  /** Maps; positive or 0, or -(failure code). */
  map(): number {
    if (this.#sg > 0) {
      const nents = mapSg(this.#ctx, this.#device, this.#sg, this.#asked.granule, this.#dir, 0);
      return nents > 0 ? 0 : nents;
    }
    this.#dmaAddr = mapPhys(this.#ctx, this.#device, this.#start, this.bytes, this.#dir, 0);
    return this.#dmaAddr < 0 ? this.#dmaAddr : 0;
  }

  unmap(): void {
    if (this.#sg > 0) unmapSg(this.#ctx, this.#device, this.#sg, this.#asked.granule, this.#dir, 0);
    else unmapPhys(this.#ctx, this.#device, this.#dmaAddr, this.bytes, this.#dir, 0);
  }

  /** The kernel's words for a failure of {@link map}. */
  refusal(code: number): string {
    return refusalText(this.#ctx, this.#device, { bytes: this.bytes, phys: this.#start, attrs: 0 }, code);
  }

  #pageAt(page: number): Phys {
    return this.#start + page * 2 * PAGE_BYTES;
  }
}
