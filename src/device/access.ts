/**
 * Where a device access lands: peer window, IOMMU, or physical memory; one object per engine.
 *
 * An address inside a peer window that the switch routes directly never reaches the IOMMU (that is
 * what a PCI bus address is); every other address of a translated device goes through its unit's
 * IOTLB and walker; without a domain the address is physical.
 */

import type { PhysMap } from "../memory/physmap.ts";
import type { PageTableFormat } from "../pagetable/format.ts";
import type { Arena } from "../shm/arena.ts";
import { DMA_STATUS } from "../shm/dma_status.ts";
import { PageLatch } from "./page_latch.ts";
import { makeTranslation, type Translation, translate } from "./translate.ts";

/** A BAR that the device reaches by bus address. */
export interface PeerWindow {
  readonly busStart: number;
  readonly busEnd: number;
  /** CPU physical address minus bus address. */
  readonly physDelta: number;
}

/** The translation a device is attached to. */
export interface Attachment {
  readonly unit: number;
  readonly domain: number;
  readonly format: PageTableFormat;
}

/** Resolves one engine's addresses. {@link resolve} fills fields and allocates nothing; counters never reset. */
export class DeviceAccess {
  /** Result of {@link resolve}: physical address, and bytes for which it holds. */
  phys = 0;
  bytes = 0;
  /** Levels the walker read; 0 = IOTLB hit or no translation. */
  walkLevels = 0;
  lookups = 0;
  misses = 0;
  readonly #arena: Arena;
  readonly #map: PhysMap;
  readonly #attachment: Attachment | null;
  readonly #windows: readonly PeerWindow[];
  readonly #translation: Translation = makeTranslation();
  /** Reads and writes walk pages of their own (a copy does both at a time). */
  readonly #readLatch: PageLatch;
  readonly #writeLatch: PageLatch;

  constructor(arena: Arena, map: PhysMap, attachment: Attachment | null, windows: readonly PeerWindow[]) {
    this.#arena = arena;
    this.#map = map;
    this.#attachment = attachment;
    this.#windows = windows;
    this.#readLatch = new PageLatch(arena, attachment?.unit ?? 0);
    this.#writeLatch = new PageLatch(arena, attachment?.unit ?? 0);
  }

  /** Resolves up to `bytes` bytes at `dmaAddr`; DMA_STATUS, with the result in the public fields. */
  resolve(dmaAddr: number, bytes: number, write: boolean): number {
    this.walkLevels = 0;
    const windows = this.#windows;
    for (let i = 0; i < windows.length; i += 1) {
      const window = windows[i] as PeerWindow;
      if (dmaAddr >= window.busStart && dmaAddr < window.busEnd) {
        this.phys = dmaAddr + window.physDelta;
        this.bytes = Math.min(bytes, window.busEnd - dmaAddr);
        return DMA_STATUS.ok;
      }
    }
    if (this.#attachment !== null) return this.#translate(this.#attachment, dmaAddr, bytes, write);
    this.phys = dmaAddr;
    this.bytes = bytes;
    return this.#map.decodes(dmaAddr, bytes) ? DMA_STATUS.ok : DMA_STATUS.busError;
  }

  #translate(attachment: Attachment, dmaAddr: number, bytes: number, write: boolean): number {
    this.lookups += 1;
    const latch = write ? this.#writeLatch : this.#readLatch;
    if (latch.holds(dmaAddr)) {
      this.phys = dmaAddr + latch.physDelta;
      const left = latch.end - dmaAddr;
      this.bytes = Math.min(bytes, left);
      return DMA_STATUS.ok;
    }
    latch.begin();
    const out = this.#translation;
    const status = translate(this.#arena, attachment.unit, attachment.domain, attachment.format, dmaAddr, write, out);
    if (!out.hit) {
      this.misses += 1;
      this.walkLevels = out.levels;
    }
    if (status !== DMA_STATUS.ok) return status;
    this.phys = out.phys;
    this.bytes = Math.min(bytes, out.bytesToPageEnd);
    if (!this.#map.decodes(out.phys, this.bytes)) return DMA_STATUS.busError;
    if (out.hit && this.#map.decodes(out.phys, out.bytesToPageEnd)) latch.keep(dmaAddr, out.phys, out.bytesToPageEnd);
    return DMA_STATUS.ok;
  }
}
