import { PEER_ROUTE } from "#dmasim/host/context.js";
import type { WindowClient, WindowSet } from "#dmasim/host/p2p/window_set.js";

export const K64 = 65536;
export const BAR = 0x4000000000;
export const VRAM = 2 ** 45;

/** A BAR of `slots` windows of 64 KiB in front of `pages` pages. */
export function windowSet(slots: number, pages: number, more: Partial<WindowSet> = {}): WindowSet {
  return {
    index: 0,
    device: 0,
    name: "gpu0",
    barStart: BAR,
    busOffset: 0,
    pageBytes: K64,
    slots,
    slotsBar: slots,
    slotsBridge: slots,
    slotBase: 0,
    pageBase: 0,
    pages,
    memoryStart: VRAM,
    exposableBytes: pages * K64,
    migrates: false,
    ramStart: 2 ** 33,
    ramPages: 4,
    ...more,
  };
}

/** A client below the same switch with a mask of 52 bits. */
export function windowClient(more: Partial<WindowClient> = {}): WindowClient {
  return { device: 1, route: PEER_ROUTE.busAddr, addressLast: 2 ** 52 - 1, ...more };
}

/** Fictitious frame of the first byte of window page `page`. */
export function pfnOfPage(page: number): number {
  return (VRAM + page * K64) / 4096;
}
