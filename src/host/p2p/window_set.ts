/**
 * One BAR with moving windows: what it is made of, which of it a client can use, and its initial state.
 *
 * ```
 * device memory  | page 0 | page 1 | page 2 | ...                          | (private: fictitious addresses)
 *                      \_____   \________
 * BAR                  | slot 0 | slot 1 | ...
 * ```
 */
import { PAGE_BYTES, type Pfn, type Phys } from "../../base/addr.ts";
import type { Arena } from "../../shm/arena.ts";
import { REGIONS, WINDOW_SET, WINDOW_SLOT } from "../../shm/layout.ts";
import { PEER_ROUTE } from "../context.ts";
import { MAP_FAILURES } from "../status.ts";

/** Immutable description; the state lies in the arena. */
export interface WindowSet {
  readonly index: number;
  /** Device that owns the memory. */
  readonly device: number;
  readonly name: string;
  /** CPU physical address of slot 0. */
  readonly barStart: Phys;
  /** PCI bus address of the BAR minus its CPU address. */
  readonly busOffset: number;
  /** Bytes of a window page, a power of two. */
  readonly pageBytes: number;
  /** Slots of the BAR; 0 = the device has no aperture on the bus. */
  readonly slots: number;
  /** Slots from the first on that a 32-bit BAR register can place. */
  readonly slotsBar: number;
  /** Slots from the first on that the bridges above forward. */
  readonly slotsBridge: number;
  /** First WINDOW_SLOT and first page word of this BAR. */
  readonly slotBase: number;
  readonly pageBase: number;
  /** Window pages of the device memory. */
  readonly pages: number;
  /** Fictitious physical address of page 0. */
  readonly memoryStart: Phys;
  /** Bytes from page 0 on that the device lets others see; the rest is its own. */
  readonly exposableBytes: number;
  /** Slot n shows page n for good: the mapping was made when the driver came up. Absent: slots move. */
  readonly isFixed?: boolean;
  /** Pages that cannot be shown migrate to RAM (HMM) instead of being refused. */
  readonly migrates: boolean;
  /** RAM for them, in window pages. */
  readonly ramStart: Phys;
  readonly ramPages: number;
}

/** Who wants to reach a page. */
export interface WindowClient {
  readonly device: number;
  /** PEER_ROUTE to the BAR. */
  readonly route: number;
  /** Last address of a slot that it can put on the bus; all of them when it uses IOVAs. */
  readonly addressLast: number;
}

/** Why a page cannot be shown to a client; 0 = it can. */
export const UNEXPOSABLE = Object.freeze({
  none: 0,
  range: 1,
  aperture: 2,
  bar32: 3,
  bridgeWindow: 4,
  clientWidth: 5,
  route: 6,
  /** Every slot in reach is pinned or in use: may pass. */
  busy: 7,
  /** No RAM left to migrate to: may pass. */
  noRam: 8,
});

/** Codes of MAP_FAILURES at the index that UNEXPOSABLE gives. */
const FAILURES: readonly number[] = [
  0,
  MAP_FAILURES.windowRange.code,
  MAP_FAILURES.windowAperture.code,
  MAP_FAILURES.windowBar32.code,
  MAP_FAILURES.windowBridge.code,
  MAP_FAILURES.windowClient.code,
  MAP_FAILURES.peerUnsupported.code,
  MAP_FAILURES.windowBusy.code,
  MAP_FAILURES.windowBusy.code,
];

/** Failure code of a mapping that met UNEXPOSABLE `reason`. */
export function windowFailure(reason: number): number {
  return FAILURES[reason] as number;
}

// Region words as module constants: reading them through REGIONS costs microseconds in hot loops.
const SETS_WORD = REGIONS.windowSets.word;
const SLOTS_WORD = REGIONS.windowSlots.word;
const PAGES_WORD = REGIONS.windowPages.word;
const RAM_WORD = REGIONS.windowRam.word;

/** Word index of the WINDOW_SET record. */
export function windowSetWord(set: WindowSet): number {
  return SETS_WORD + set.index * WINDOW_SET.WORDS;
}

/** Word index of slot `slot`'s WINDOW_SLOT record. */
export function windowSlotWord(set: WindowSet, slot: number): number {
  return SLOTS_WORD + (set.slotBase + slot) * WINDOW_SLOT.WORDS;
}

/** Word that holds slot + 1 of a device page. */
export function windowPageWord(set: WindowSet, page: number): number {
  return PAGES_WORD + set.pageBase + page;
}

/** Word that links RAM page `page` into the free list. */
export function windowRamWord(set: WindowSet, page: number): number {
  return RAM_WORD + set.index * (REGIONS.windowRam.count / REGIONS.windowSets.count) + page;
}

/** Window page of a (fictitious) page frame; negative or beyond `pages` when the frame is not this device's. */
export function windowPageOf(set: WindowSet, devicePfn: Pfn): number {
  return Math.floor((devicePfn * PAGE_BYTES - set.memoryStart) / set.pageBytes);
}

/** Slots from the first on that the client can drive: by bus address, or by CPU address through the host bridge. */
export function slotsInReach(set: WindowSet, client: WindowClient): number {
  const placed = Math.min(set.slots, set.slotsBar, set.slotsBridge);
  const offset = client.route === PEER_ROUTE.busAddr ? set.busOffset : 0;
  const room = client.addressLast + 1 - (set.barStart + offset);
  return Math.max(0, Math.min(placed, Math.floor(room / set.pageBytes)));
}

/** UNEXPOSABLE of a page for a client, before anybody looks for a slot. */
export function unexposable(set: WindowSet, page: number, client: WindowClient): number {
  if (page < 0 || page >= set.pages || (page + 1) * set.pageBytes > set.exposableBytes) return UNEXPOSABLE.range;
  if (set.slots === 0) return UNEXPOSABLE.aperture;
  if (set.slotsBar === 0) return UNEXPOSABLE.bar32;
  if (set.slotsBridge === 0) return UNEXPOSABLE.bridgeWindow;
  if (client.route === PEER_ROUTE.notSupported) return UNEXPOSABLE.route;
  return slotsInReach(set, client) === 0 ? UNEXPOSABLE.clientWidth : UNEXPOSABLE.none;
}

/** Coordinator: every slot closed and free, every RAM page free. */
export function initWindowSet(arena: Arena, set: WindowSet): void {
  const words = arena.i32;
  for (let slot = set.slots - 1; slot >= 0; slot -= 1) {
    const at = windowSlotWord(set, slot);
    arena.f64[(at + WINDOW_SLOT.barPhys) >>> 1] = set.barStart + slot * set.pageBytes;
    words[at + WINDOW_SLOT.next] = slot + 1 === set.slots ? 0 : slot + 2;
  }
  const base = windowSetWord(set);
  words[base + WINDOW_SET.free] = set.slots === 0 ? 0 : 1;
  for (let page = 0; page < set.ramPages; page += 1) {
    words[windowRamWord(set, page)] = page + 1 === set.ramPages ? 0 : page + 2;
  }
  words[base + WINDOW_SET.ramFree] = set.ramPages === 0 ? 0 : 1;
}
