/**
 * Pinning and mapping one scatterlist, and undoing both: what a driver does around dma_map_sg.
 */
import type { Phys } from "../base/addr.ts";
import { PAGE_BYTES } from "../base/addr.ts";
import { PATH } from "../base/cost.ts";
import type { HostContext } from "../host/context.ts";
import { sgSetDma } from "../host/dma/scatterlist.ts";
import { MAP_FAILURES } from "../host/status.ts";
import type { Memmap } from "../memory/memmap.ts";
import type { Arena } from "../shm/arena.ts";
import { SG } from "../shm/layout.ts";
import { sgNext } from "../shm/sg_entry.ts";
import type { DriverDma } from "./driver_dma.ts";

/** Maps lists of one device; a list is pinned as long as it is mapped (pin_user_pages). */
export class ListMapping {
  readonly #ctx: HostContext;
  readonly #dma: DriverDma;
  readonly #memmap: Memmap;
  readonly #raw: boolean;

  /** `raw`: nothing is mapped or pinned, and the device is told physical addresses. */
  constructor(ctx: HostContext, dma: DriverDma, memmap: Memmap, raw = false) {
    this.#raw = raw;
    this.#ctx = ctx;
    this.#dma = dma;
    this.#memmap = memmap;
  }

  /** DMA entries of the mapped list, or -(failure code) with nothing pinned or mapped. */
  map(sg: number, origNents: number, dir: number): number {
    if (this.#raw) return giveRaw(this.#ctx, sg, origNents);
    if (!this.#pin(sg, origNents)) return -MAP_FAILURES.noBacking.code;
    const nents = this.#dma.mapSg(sg, origNents, dir);
    if (nents < 0) this.#unpin(sg, origNents);
    return nents;
  }

  /** `wrongSize`: test hook, see DriverDma.unmapWrongSize. */
  unmap(sg: number, origNents: number, dir: number, wrongSize = false): void {
    if (this.#raw) return;
    if (wrongSize) this.#dma.unmapWrongSize(sg, origNents, dir);
    else this.#dma.unmapSg(sg, origNents, dir);
    this.#unpin(sg, origNents);
  }

  #pin(sg: number, nents: number): boolean {
    const arena = this.#ctx.arena;
    let entry = sg;
    for (let i = 0; i < nents; i += 1) {
      const length = arena.u32[entry + SG.length] as number;
      if (!this.#memmap.pinPages(arena, entryAddr(arena, entry), length, this.#ctx.lockOwner)) {
        this.#unpin(sg, i);
        return false;
      }
      entry = sgNext(arena, entry);
    }
    return true;
  }

  #unpin(sg: number, nents: number): void {
    const arena = this.#ctx.arena;
    let entry = sg;
    for (let i = 0; i < nents; i += 1) {
      this.#memmap.unpinPages(arena, entryAddr(arena, entry), arena.u32[entry + SG.length] as number);
      entry = sgNext(arena, entry);
    }
  }
}

/** Physical address of an entry's first byte (sg_phys). */
export function entryAddr(arena: Arena, entry: number): Phys {
  return (arena.f64[(entry + SG.pfn) >>> 1] as number) * PAGE_BYTES + (arena.u32[entry + SG.offset] as number);
}

/** Physical address of byte `offset` of a list. */
export function physAt(arena: Arena, sg: number, offset: number): Phys {
  let left = offset;
  let entry = sg;
  while (left >= (arena.u32[entry + SG.length] as number)) {
    left -= arena.u32[entry + SG.length] as number;
    entry = sgNext(arena, entry);
  }
  return entryAddr(arena, entry) + left;
}

/**
 * The unsafe hack that the DMA API exists to replace: physical addresses as if they were bus addresses. No IOVA, no offset, no
 * bounce, no cache maintenance, no pin.
 */
function giveRaw({ arena, cost }: HostContext, sg: number, nents: number): number {
  let entry = sg;
  for (let i = 0; i < nents; i += 1) {
    sgSetDma(arena, entry, entryAddr(arena, entry), arena.u32[entry + SG.length] as number);
    entry = sgNext(arena, entry);
  }
  cost.path = PATH.direct;
  return nents;
}
