/**
 * Where a device access lands: peer window, IOMMU, inbound window, or physical memory; one object per engine.
 *
 * An address inside a peer window that the switch routes directly never reaches the IOMMU (that is
 * what a PCI bus address is); every other address of a translated device goes through its unit's
 * IOTLB and walker; without a domain the address is physical, or lies in one of the windows through which
 * the bus shows memory (dma-ranges). Outside those only MMIO answers, at its own address. Where nobody answers the access is a
 * bus error, or ones and lost writes for a device that does not look (memory/master_abort.ts).
 */

import { ABORT_AREA_BYTES, ABORT_ONES, ABORT_SINK } from "../memory/master_abort.ts";
import type { PhysMap } from "../memory/physmap.ts";
import type { PageTableFormat } from "../pagetable/format.ts";
import type { Arena } from "../shm/arena.ts";
import { DMA_STATUS } from "../shm/dma_status.ts";
import { PageLatch } from "./page_latch.ts";
import { makeTranslation, type Translation, translate } from "./translate.ts";

/** Bus addresses [busStart, busEnd) that stand for others: a BAR reached below the switch, or memory behind an offset. */
export interface BusWindow {
  readonly busStart: number;
  readonly busEnd: number;
  /** CPU physical address minus bus address. */
  readonly physDelta: number;
  /** Nobody answers there: a redirecting port sends the request to a root complex that does not forward it. */
  readonly aborts?: boolean;
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
  /** IOTLB entry that the last translation used or filled. */
  slot = 0;
  lookups = 0;
  misses = 0;
  readonly #arena: Arena;
  readonly #map: PhysMap;
  readonly #attachment: Attachment | null;
  readonly #windows: readonly BusWindow[];
  /** Windows onto memory of a bus with dma-ranges; null = every address is physical. */
  readonly #inbound: readonly BusWindow[] | null;
  readonly #ignoresAborts: boolean;
  readonly #translation: Translation = makeTranslation();
  /** Reads and writes walk pages of their own (a copy does both at a time). */
  readonly #readLatch: PageLatch;
  readonly #writeLatch: PageLatch;

  constructor(
    arena: Arena,
    map: PhysMap,
    attachment: Attachment | null,
    windows: readonly BusWindow[],
    inbound: readonly BusWindow[] | null = null,
    ignoresAborts = false,
  ) {
    this.#ignoresAborts = ignoresAborts;
    this.#arena = arena;
    this.#map = map;
    this.#attachment = attachment;
    this.#windows = windows;
    this.#inbound = inbound;
    this.#readLatch = new PageLatch(arena, attachment?.unit ?? 0);
    this.#writeLatch = new PageLatch(arena, attachment?.unit ?? 0);
  }

  /** Resolves up to `bytes` bytes at `dmaAddr`; DMA_STATUS, with the result in the public fields. */
  resolve(dmaAddr: number, bytes: number, write: boolean): number {
    this.walkLevels = 0;
    const windows = this.#windows;
    for (let i = 0; i < windows.length; i += 1) {
      const window = windows[i] as BusWindow;
      if (dmaAddr >= window.busStart && dmaAddr < window.busEnd) {
        if (window.aborts === true) return this.#absent(Math.min(bytes, window.busEnd - dmaAddr), write);
        this.phys = dmaAddr + window.physDelta;
        this.bytes = Math.min(bytes, window.busEnd - dmaAddr);
        return DMA_STATUS.ok;
      }
    }
    if (this.#attachment !== null) return this.#translate(this.#attachment, dmaAddr, bytes, write);
    if (this.#inbound !== null) return this.#enter(this.#inbound, dmaAddr, bytes, write);
    this.phys = dmaAddr;
    this.bytes = bytes;
    return this.#map.decodes(dmaAddr, bytes) ? DMA_STATUS.ok : this.#absent(bytes, write);
  }

  /** Nobody claims the access. */
  #absent(bytes: number, write: boolean): number {
    if (!this.#ignoresAborts) return DMA_STATUS.busError;
    this.phys = write ? ABORT_SINK : ABORT_ONES;
    this.bytes = Math.min(bytes, ABORT_AREA_BYTES);
    return DMA_STATUS.ok;
  }

  /** The first window that holds the address decides, as for the mapping code. */
  #enter(inbound: readonly BusWindow[], dmaAddr: number, bytes: number, write: boolean): number {
    let reach = bytes;
    let phys = -1;
    for (let i = 0; i < inbound.length && phys < 0; i += 1) {
      const window = inbound[i] as BusWindow;
      if (dmaAddr < window.busStart || dmaAddr >= window.busEnd) continue;
      phys = dmaAddr + window.physDelta;
      reach = Math.min(bytes, window.busEnd - dmaAddr);
    }
    if (phys < 0 && this.#map.regionAt(dmaAddr)?.kind !== "device") return this.#absent(bytes, write);
    this.phys = phys < 0 ? dmaAddr : phys;
    this.bytes = reach;
    return this.#map.decodes(this.phys, reach) ? DMA_STATUS.ok : this.#absent(reach, write);
  }

  #translate(attachment: Attachment, dmaAddr: number, bytes: number, write: boolean): number {
    this.lookups += 1;
    const latch = write ? this.#writeLatch : this.#readLatch;
    if (latch.holds(dmaAddr)) {
      this.phys = dmaAddr + latch.physDelta;
      this.slot = latch.slot;
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
    this.slot = out.slot;
    this.bytes = Math.min(bytes, out.bytesToPageEnd);
    if (!this.#map.decodes(out.phys, this.bytes)) return this.#absent(this.bytes, write);
    if (out.hit && this.#map.decodes(out.phys, out.bytesToPageEnd))
      latch.keep(dmaAddr, out.phys, out.bytesToPageEnd, out.slot);
    return DMA_STATUS.ok;
  }
}
