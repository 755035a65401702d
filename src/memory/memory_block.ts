/**
 * Memory hotplug: blocks that go online and offline as a whole, and what their struct pages cost.
 *
 * Sources: arch/x86/mm/init_64.c (probe_memory_block_size), mm/memory_hotplug.c (add_memory_resource,
 * mhp_supports_memmap_on_memory, offline_pages).
 */
import { alignDownWide, isPow2, type Phys, pfnOf } from "../base/addr.ts";
import type { Arena } from "../shm/arena.ts";
import { pinsOf } from "./memmap.ts";
import { memmapBytes, SECTION_BYTES, SUBSECTION_BYTES } from "./zone_device.ts";

const EINVAL = -22;
const EBUSY = -16;
const GIB = 2 ** 30;
/** Below this much memory a block is one section. */
const SMALL_MACHINE_BYTES = 64 * GIB;
const BLOCK_BYTES_MAX = 2 * GIB;

/** Size of a memory block on x86-64: one section below 64 GiB, else the largest up to 2 GiB to which memory's end is aligned. */
export function memoryBlockBytes(memoryEnd: Phys): number {
  if (memoryEnd < SMALL_MACHINE_BYTES) return SECTION_BYTES;
  let bytes = BLOCK_BYTES_MAX;
  while (bytes > SECTION_BYTES && alignDownWide(memoryEnd, bytes) !== memoryEnd) bytes /= 2;
  return bytes;
}

/** Where the struct pages of hot-added memory lie: System RAM that is there already, or each block itself. */
export type HotAddMemmap = "ram" | "block";

/** What a hot-add gives. */
export interface HotAddPlan {
  /** 0 or -EINVAL (not whole blocks). */
  readonly ret: number;
  readonly blocks: number;
  readonly memmapBytes: number;
  /** Bytes that the page allocator gets. */
  readonly usableBytes: number;
  /** Struct pages lie in the blocks (memmap_on_memory); false when it was not asked for or cannot be. */
  readonly memmapOnMemory: boolean;
}

/**
 * Plans the hot-add of [start, start + bytes). memmap_on_memory needs the struct pages of one block to be whole PMDs, which a
 * block of 128 MiB just gives (2 MiB).
 */
export function planHotAdd(start: Phys, bytes: number, blockBytes: number, memmap: HotAddMemmap): HotAddPlan {
  const whole = alignDownWide(start, blockBytes) === start && alignDownWide(bytes, blockBytes) === bytes && bytes > 0;
  if (!whole || !isPow2(blockBytes))
    return { ret: EINVAL, blocks: 0, memmapBytes: 0, usableBytes: 0, memmapOnMemory: false };
  const pages = memmapBytes(bytes, 4096);
  const perBlock = memmapBytes(blockBytes, 4096);
  const memmapOnMemory = memmap === "block" && alignDownWide(perBlock, SUBSECTION_BYTES) === perBlock;
  return {
    ret: 0,
    blocks: bytes / blockBytes,
    memmapBytes: pages,
    usableBytes: bytes - (memmapOnMemory ? pages : 0),
    memmapOnMemory,
  };
}

/** Outcome of one try to take blocks offline. */
export interface OfflineResult {
  /** 0, or -EBUSY while pages are pinned. */
  readonly ret: number;
  readonly pinnedPages: number;
  /** First pinned page frame; -1 = none. */
  readonly firstPfn: number;
}

/**
 * One try of offline_pages on [start, start + bytes): pages that nobody pins are migrated away, a pinned one cannot move. The
 * kernel repeats this until it works or its caller gives up.
 */
export function tryOffline(arena: Arena, start: Phys, bytes: number): OfflineResult {
  let pinnedPages = 0;
  let firstPfn = -1;
  const end = pfnOf(start + bytes);
  for (let pfn = pfnOf(start); pfn < end; pfn += 1) {
    if (pinsOf(arena, pfn) === 0) continue;
    if (firstPfn < 0) firstPfn = pfn;
    pinnedPages += 1;
  }
  return { ret: pinnedPages === 0 ? 0 : EBUSY, pinnedPages, firstPfn };
}
