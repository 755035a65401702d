/**
 * dma-buf over memory without struct pages: the exporter owns the memory and its mappings, importers hold references.
 *
 * Source: drivers/dma-buf/dma-buf.c, and the phys-vector exporters of newer kernels (vfio, iommufd): the exporter maps physical
 * ranges for each importer by dma_map_phys, and memory goes back only after the last detach.
 */
import type { DmaAddr, Phys } from "../../base/addr.ts";
import { assert } from "../../base/assert.ts";
import type { HostContext } from "../context.ts";
import { MAP_FAILURES } from "../status.ts";
import { ATTR, DIR, type DmaDevice } from "./device.ts";
import { mapPhys, unmapPhys } from "./map.ts";

const EBUSY = -16;
const ENODEV = -19;

/** A physical range of the buffer, and where an importer finds it. */
export interface DmaBufRange {
  readonly phys: Phys;
  readonly bytes: number;
}

/** One importer's mapping: an address for each range, in their order. */
export interface Attachment {
  readonly device: DmaDevice;
  readonly dmaAddrs: readonly DmaAddr[];
}

/** One exported buffer. Control path: allocates. Return values are 0, -errno or -(failure code), never thrown. */
export class DmaBuf {
  readonly ranges: readonly DmaBufRange[];
  readonly #ctx: HostContext;
  readonly #onRelease: () => void;
  readonly #attachments = new Set<Attachment>();
  #closing = false;
  #released = false;

  /** `onRelease` gives the memory back to its owner; it is called once, when nobody can reach it any more. */
  constructor(ctx: HostContext, ranges: readonly DmaBufRange[], onRelease: () => void) {
    this.#ctx = ctx;
    this.ranges = ranges;
    this.#onRelease = onRelease;
  }

  get importers(): number {
    return this.#attachments.size;
  }

  get released(): boolean {
    return this.#released;
  }

  /**
   * dma_buf_attach and dma_buf_map_attachment. -ENODEV after the exporter closed; -(failure code) when the device cannot reach a
   * range, or takes fewer ranges than there are: then it must be given a buffer in one piece.
   */
  attach(device: DmaDevice, rangesMax: number): Attachment | number {
    if (this.#closing) return ENODEV;
    if (this.ranges.length > rangesMax) return -MAP_FAILURES.invalid.code;
    const dmaAddrs: DmaAddr[] = [];
    for (const { phys, bytes } of this.ranges) {
      const dmaAddr = mapPhys(this.#ctx, device, phys, bytes, DIR.bidirectional, ATTR.skipCpuSync);
      if (dmaAddr < 0) {
        this.#unmap(device, dmaAddrs);
        return dmaAddr;
      }
      dmaAddrs.push(dmaAddr);
    }
    const attachment = { device, dmaAddrs };
    this.#attachments.add(attachment);
    return attachment;
  }

  /** Ends one importer's access. The last one after {@link close} gives the memory back. */
  detach(attachment: Attachment): void {
    assert(this.#attachments.delete(attachment), "an importer detaches once");
    this.#unmap(attachment.device, attachment.dmaAddrs);
    this.#settle();
  }

  /** The exporter lets go (dma_buf_put): 0 when the memory went back at once, -EBUSY while importers still hold it. */
  close(): number {
    this.#closing = true;
    this.#settle();
    return this.#released ? 0 : EBUSY;
  }

  #settle(): void {
    if (!this.#closing || this.#released || this.#attachments.size > 0) return;
    this.#released = true;
    this.#onRelease();
  }

  #unmap(device: DmaDevice, dmaAddrs: readonly DmaAddr[]): void {
    for (const [index, dmaAddr] of dmaAddrs.entries()) {
      const { bytes } = this.ranges[index] as DmaBufRange;
      unmapPhys(this.#ctx, device, dmaAddr, bytes, DIR.bidirectional, ATTR.skipCpuSync);
    }
  }
}
