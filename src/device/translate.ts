/**
 * Translation of a device access: IOTLB, else walk and fill, then the permission.
 *
 * Both clocks use this one function: the virtual loop at the virtual instant of an access, engines of the wall clock
 * when they get there. It says what happened (`hit`, `levels`), and timing says what that costs.
 */
import { alignDownWide, type Iova, lowBits, type Phys } from "../base/addr.ts";
import { type PageTableFormat, PROT } from "../pagetable/format.ts";
import { pageBytes } from "../pagetable/page_size.ts";
import { WalkResult, walk } from "../pagetable/walker.ts";
import type { Arena } from "../shm/arena.ts";
import { DMA_STATUS } from "../shm/dma_status.ts";
import { beginFill, type CachedPage, fillIotlb, lookupIotlb } from "./iotlb.ts";

/** Largest page whose offset a 32-bit mask can take. */
const MASKABLE_BYTES = 2 ** 30;

/** Result record of {@link translate}; made once per engine and overwritten. */
export interface Translation extends CachedPage {
  /** Physical address of the access. */
  phys: Phys;
  /** Bytes from `phys` for which the translation holds. */
  bytesToPageEnd: number;
  /** The IOTLB had it. */
  hit: boolean;
  /** Table entries that the walker read, 0 on a hit. */
  levels: number;
  readonly walk: WalkResult;
}

/** A result record to pass to {@link translate} again and again. */
export function makeTranslation(): Translation {
  return {
    pagePhys: 0,
    pageShift: 0,
    prot: 0,
    slot: 0,
    phys: 0,
    bytesToPageEnd: 0,
    hit: false,
    levels: 0,
    walk: new WalkResult(),
  };
}

/**
 * Translates `iova` for a device write or read. Returns a DMA_STATUS: ok fills `out`; notPresent and permission leave
 * only `hit` and `levels`. A page that the access may not use is not kept by the IOTLB.
 */
export function translate(
  arena: Arena,
  unit: number,
  domain: number,
  format: PageTableFormat,
  iova: Iova,
  write: boolean,
  out: Translation,
): number {
  const wanted = write ? PROT.write : PROT.read;
  out.levels = 0;
  out.hit = lookupIotlb(arena, unit, domain, iova, out);
  if (!out.hit) {
    const generation = beginFill(arena, unit);
    const found = walk(arena, domain, format, iova, out.walk);
    out.levels = out.walk.levels;
    if (!found) return DMA_STATUS.notPresent;
    out.pagePhys = out.walk.phys;
    out.pageShift = out.walk.pageShift;
    out.prot = out.walk.prot;
    if ((out.prot & wanted) !== 0) fillIotlb(arena, unit, domain, iova, out, generation);
  }
  if ((out.prot & wanted) === 0) return DMA_STATUS.permission;
  const bytes = pageBytes(out.pageShift);
  const offset = bytes > MASKABLE_BYTES ? iova - alignDownWide(iova, bytes) : lowBits(iova, bytes);
  out.phys = out.pagePhys + offset;
  out.bytesToPageEnd = bytes - offset;
  return DMA_STATUS.ok;
}
