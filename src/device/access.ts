/**
 * Where a device access lands: peer window, IOMMU, or physical memory; one object per engine.
 *
 * An address inside a peer window that the switch routes directly never reaches the IOMMU (that is
 * what a PCI bus address is); every other address of a translated device goes through its unit's
 * IOTLB and walker; without a domain the address is physical.
 */
import type { PageTableFormat } from "../pagetable/format.ts";
import type { PhysMap } from "../memory/physmap.ts";
import type { Arena } from "../shm/arena.ts";
import { DMA_STATUS } from "../shm/dma_status.ts";
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

  constructor(arena: Arena, map: PhysMap, attachment: Attachment | null, windows: readonly PeerWindow[]) {
    this.#arena = arena;
    this.#map = map;
    this.#attachment = attachment;
    this.#windows = windows;
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
    const attachment = this.#attachment;
    if (attachment === null) {
      this.phys = dmaAddr;
      this.bytes = bytes;
    } else {
      const out = this.#translation;
      const status = translate(
        this.#arena,
        attachment.unit,
        attachment.domain,
        attachment.format,
        dmaAddr,
        write,
        out,
      );
      this.lookups += 1;
      if (!out.hit) {
        this.misses += 1;
        this.walkLevels = out.levels;
      }
      if (status !== DMA_STATUS.ok) return status;
      this.phys = out.phys;
      this.bytes = bytes < out.bytesToPageEnd ? bytes : out.bytesToPageEnd;
    }
    return this.#map.decodes(this.phys, this.bytes) ? DMA_STATUS.ok : DMA_STATUS.busError;
  }
}
