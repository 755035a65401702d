/**
 * A DAX file: its pages are persistent memory itself, so that a pin holds filesystem blocks and not a page-cache copy.
 *
 * Sources: fs/dax.c (dax_layout_busy_page), mm/gup.c (check_and_migrate_movable_pages, FOLL_LONGTERM on FS_DAX),
 * drivers/dax/device.c. Pins are the memmap's, shared with everything else that pins.
 */
import { PAGE_BYTES, type Phys, pfnOf } from "../base/addr.ts";
import type { Arena } from "../shm/arena.ts";
import { type Memmap, pinsOf } from "./memmap.ts";

/** A piece of the file: file bytes [offset, offset + bytes) lie at `phys`. */
export interface DaxExtent {
  readonly offset: number;
  readonly phys: Phys;
  readonly bytes: number;
}

/** `fsdax`: a file of a filesystem that may move its blocks; `devdax`: a character device with a fixed layout. */
export type DaxMode = "fsdax" | "devdax";

const EFAULT = -14;
const EOPNOTSUPP = -95;
const EBUSY = -16;
const EINVAL = -22;

/** Pins and truncations of one file. Return values are 0 or -errno, never thrown. */
export class DaxFile {
  readonly mode: DaxMode;
  readonly #memmap: Memmap;
  readonly #arena: Arena;
  readonly #owner: number;
  #extents: readonly DaxExtent[];

  constructor(mode: DaxMode, memmap: Memmap, arena: Arena, owner: number, extents: readonly DaxExtent[]) {
    this.mode = mode;
    this.#memmap = memmap;
    this.#arena = arena;
    this.#owner = owner;
    this.#extents = extents;
  }

  get bytes(): number {
    return this.#extents.reduce((end, extent) => Math.max(end, extent.offset + extent.bytes), 0);
  }

  /** Pieces of memory behind file bytes [offset, offset + bytes); null when the file ends before. */
  resolve(offset: number, bytes: number): readonly DaxExtent[] | null {
    const pieces: DaxExtent[] = [];
    let at = offset;
    while (at < offset + bytes) {
      const extent = this.#extents.find((each) => at >= each.offset && at < each.offset + each.bytes);
      if (extent === undefined) return null;
      const into = at - extent.offset;
      const length = Math.min(extent.bytes - into, offset + bytes - at);
      pieces.push({ offset: at, phys: extent.phys + into, bytes: length });
      at += length;
    }
    return pieces;
  }

  /**
   * pin_user_pages on a mapping of the file. -EFAULT beyond its end or without struct pages; -EOPNOTSUPP for a long-term pin
   * (RDMA, V4L2) of a filesystem's file, whose blocks could then never be given back.
   */
  pin(offset: number, bytes: number, longterm: boolean): number {
    const pieces = this.resolve(offset, bytes);
    if (pieces === null || pieces.some(({ phys }) => !this.#memmap.hasPage(phys))) return EFAULT;
    if (longterm && this.mode === "fsdax") return EOPNOTSUPP;
    for (const [index, { phys, bytes: length }] of pieces.entries()) {
      if (this.#memmap.pinPages(this.#arena, phys, length, this.#owner)) continue;
      for (const held of pieces.slice(0, index)) this.#memmap.unpinPages(this.#arena, held.phys, held.bytes);
      return EFAULT;
    }
    return 0;
  }

  /** Gives back a pin of the same range; -EINVAL when it was not held. */
  unpin(offset: number, bytes: number): number {
    const pieces = this.resolve(offset, bytes);
    if (pieces === null) return EINVAL;
    const held = pieces.map(({ phys, bytes: length }) => this.#memmap.unpinPages(this.#arena, phys, length));
    return held.every(Boolean) ? 0 : EINVAL;
  }

  /** First pinned page at or behind `offset` (dax_layout_busy_page), -1 = none. */
  busyPage(offset: number): number {
    for (const extent of this.#extents) {
      const skip = Math.max(0, offset - extent.offset);
      const end = pfnOf(extent.phys + extent.bytes - 1);
      for (let pfn = pfnOf(extent.phys + skip); skip < extent.bytes && pfn <= end; pfn += 1) {
        if (pinsOf(this.#arena, pfn) > 0) return pfn;
      }
    }
    return -1;
  }

  /**
   * One try to cut the file to `bytes` (whole pages): -EBUSY while a page that would go is pinned, and then nothing has changed;
   * the filesystem waits for the last unpin and tries again. -EINVAL for device-DAX, which has no truncate.
   */
  truncate(bytes: number): number {
    if (this.mode === "devdax" || bytes < 0 || Math.floor(bytes / PAGE_BYTES) * PAGE_BYTES !== bytes) return EINVAL;
    if (this.busyPage(bytes) >= 0) return EBUSY;
    this.#extents = this.#extents
      .filter((extent) => extent.offset < bytes)
      .map((extent) => ({ ...extent, bytes: Math.min(extent.bytes, bytes - extent.offset) }));
    return 0;
  }
}
