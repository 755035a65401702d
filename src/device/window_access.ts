/**
 * The device's side of moving windows: an access through a slot counts itself in, then checks the generation of its address.
 *
 * An entry with SG_FLAG.window names its WINDOW_SLOT and the generation with which the address was handed out. Between
 * {@link enterWindow} and {@link leaveWindows} the slot shows the same page: who closes it waits for the count. The
 * protocol's header is in host/p2p/windows.ts.
 */
import type { Arena } from "../shm/arena.ts";
import { fetchAdd, load } from "../shm/atomics.ts";
import { DMA_STATUS } from "../shm/dma_status.ts";
import { SG, WINDOW_SLOT } from "../shm/layout.ts";
import { SG_FLAG, sgNext } from "../shm/sg_entry.ts";

/**
 * Begins the accesses of a list entry; DMA_STATUS. `staleWindow`: the slot is closed or shows another page, and nothing is
 * counted. An entry without a window is always ok.
 */
export function enterWindow(arena: Arena, entry: number, write: boolean): number {
  const words = arena.i32;
  if (((words[entry + SG.flags] as number) & SG_FLAG.window) === 0) return DMA_STATUS.ok;
  const slot = arena.f64[(entry + SG.pfn) >>> 1] as number;
  // Count first, check second: who closes the slot stores first and reads the count second, so one of both sees the other.
  fetchAdd(words, slot + WINDOW_SLOT.inFlight, 1);
  if (load(words, slot + WINDOW_SLOT.epoch) !== words[entry + SG.offset]) {
    fetchAdd(words, slot + WINDOW_SLOT.inFlight, -1);
    return DMA_STATUS.staleWindow;
  }
  if (write) words[slot + WINDOW_SLOT.posted] = 1;
  return DMA_STATUS.ok;
}

/** What the device adds to an address behind its BAR: where the shown page lies; 0 for an entry without a window. Only after {@link enterWindow}. */
export function windowDelta(arena: Arena, entry: number): number {
  if (((arena.i32[entry + SG.flags] as number) & SG_FLAG.window) === 0) return 0;
  const slot = arena.f64[(entry + SG.pfn) >>> 1] as number;
  return (
    (arena.f64[(slot + WINDOW_SLOT.pagePhys) >>> 1] as number) -
    (arena.f64[(slot + WINDOW_SLOT.barPhys) >>> 1] as number)
  );
}

/** Ends the accesses of the first `entered` entries of the list at `sg`; their bytes have moved. */
export function leaveWindows(arena: Arena, sg: number, entered: number): void {
  let entry = sg;
  for (let i = 0; i < entered; i += 1) {
    if (((arena.i32[entry + SG.flags] as number) & SG_FLAG.window) !== 0) {
      const slot = arena.f64[(entry + SG.pfn) >>> 1] as number;
      fetchAdd(arena.i32, slot + WINDOW_SLOT.inFlight, -1);
    }
    if (i + 1 < entered) entry = sgNext(arena, entry);
  }
}
