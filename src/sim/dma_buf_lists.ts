/**
 * Buffers of one clone as dma-bufs: their owner exports each, the device imports it once, and the memory goes back after the
 * last detach, however early the owner lets go.
 */
import { assert } from "../base/assert.ts";
import type { HostContext } from "../host/context.ts";
import type { DmaDevice } from "../host/dma/device.ts";
import { DmaBuf, type DmaBufRange, type Attachment as Import } from "../host/dma/dma_buf.ts";
import { sgSetDma } from "../host/dma/scatterlist.ts";
import { SG } from "../shm/layout.ts";
import { sgNext } from "../shm/sg_entry.ts";
import { entryAddr } from "./list_mapping.ts";
import type { System } from "./system.ts";

interface Imported {
  readonly buffer: DmaBuf;
  readonly attachment: Import;
}

/** Imports of one device, by the list that describes the buffer. */
export class DmaBufLists {
  readonly #ctx: HostContext;
  readonly #device: DmaDevice;
  readonly #rangesMax: number;
  readonly #imported = new Map<number, Imported>();
  /** Buffers whose memory has not gone back to its owner. */
  readonly #out = new Set<number>();

  constructor(system: System, ctx: HostContext, device: DmaDevice) {
    this.#ctx = ctx;
    this.#device = device;
    this.#rangesMax = system.machine.devices[device.index]?.maxSegments ?? 1;
  }

  /** Imports a buffer for both directions; its DMA addresses go to the list. `nents`, or -(failure code) with nothing imported. */
  map(sg: number, nents: number, _dir: number): number {
    const buffer = new DmaBuf(this.#ctx, this.#rangesOf(sg, nents), () => this.#out.delete(sg));
    const attachment = buffer.attach(this.#device, this.#rangesMax);
    if (typeof attachment === "number") return attachment;
    this.#out.add(sg);
    this.#imported.set(sg, { buffer, attachment });
    let entry = sg;
    for (const [index, { bytes }] of buffer.ranges.entries()) {
      sgSetDma(this.#ctx.arena, entry, attachment.dmaAddrs[index] as number, bytes);
      entry = sgNext(this.#ctx.arena, entry);
    }
    return nents;
  }

  /** The owner closes first, which is not the end; the detach is. */
  unmap(sg: number, _nents: number, _dir: number, _wrongSize = false): void {
    const imported = this.#imported.get(sg);
    if (imported === undefined) return;
    this.#imported.delete(sg);
    imported.buffer.close();
    imported.buffer.detach(imported.attachment);
    assert(!this.#out.has(sg), "the last detach gives the memory back");
  }

  #rangesOf(sg: number, nents: number): DmaBufRange[] {
    const { arena } = this.#ctx;
    const ranges: DmaBufRange[] = [];
    let entry = sg;
    for (let i = 0; i < nents; i += 1) {
      ranges.push({ phys: entryAddr(arena, entry), bytes: arena.u32[entry + SG.length] as number });
      entry = sgNext(arena, entry);
    }
    return ranges;
  }
}
