/**
 * Slots of a BAR with moving windows: open, close, drain, and the lists between. Everything here runs under the set's lock.
 *
 * ```
 * free ─ openSlot ─► open (LRU list) ─ closeSlot ─► closing (draining) ─ reapSlots ─► free
 * ```
 */
import type { Arena } from "../../shm/arena.ts";
import { load, store } from "../../shm/atomics.ts";
import { WINDOW_SET, WINDOW_SLOT } from "../../shm/layout.ts";
import type { HostContext } from "../context.ts";
import { type WindowSet, windowPageWord, windowSetWord, windowSlotWord } from "./window_set.ts";

/** Adds to a counter of the set. */
export function countWindow(arena: Arena, set: WindowSet, counter: number, by = 1): void {
  const word = windowSetWord(set) + counter;
  arena.i32[word] = ((arena.i32[word] as number) + by) | 0;
}

/** Makes an open slot the most recently used one. */
export function touchSlot(arena: Arena, set: WindowSet, slot: number): void {
  if (arena.i32[windowSetWord(set) + WINDOW_SET.lruTail] === slot + 1) return;
  unlinkSlot(arena, set, slot);
  appendSlot(arena, set, slot);
}

function appendSlot(arena: Arena, set: WindowSet, slot: number): void {
  const words = arena.i32;
  const base = windowSetWord(set);
  const at = windowSlotWord(set, slot);
  const tail = words[base + WINDOW_SET.lruTail] as number;
  words[at + WINDOW_SLOT.prev] = tail;
  words[at + WINDOW_SLOT.next] = 0;
  if (tail === 0) words[base + WINDOW_SET.lruHead] = slot + 1;
  else words[windowSlotWord(set, tail - 1) + WINDOW_SLOT.next] = slot + 1;
  words[base + WINDOW_SET.lruTail] = slot + 1;
}

function unlinkSlot(arena: Arena, set: WindowSet, slot: number): void {
  const words = arena.i32;
  const base = windowSetWord(set);
  const at = windowSlotWord(set, slot);
  const prev = words[at + WINDOW_SLOT.prev] as number;
  const next = words[at + WINDOW_SLOT.next] as number;
  if (prev === 0) words[base + WINDOW_SET.lruHead] = next;
  else words[windowSlotWord(set, prev - 1) + WINDOW_SLOT.next] = next;
  if (next === 0) words[base + WINDOW_SET.lruTail] = prev;
  else words[windowSlotWord(set, next - 1) + WINDOW_SLOT.prev] = prev;
}

/** Points a closed, drained slot at a page: register writes and a flush of the device's own TLB. */
export function openSlot(ctx: HostContext, set: WindowSet, slot: number, page: number): void {
  const { arena } = ctx;
  const at = windowSlotWord(set, slot);
  arena.i32[at + WINDOW_SLOT.page] = page;
  arena.f64[(at + WINDOW_SLOT.pagePhys) >>> 1] = set.memoryStart + page * set.pageBytes;
  arena.i32[at + WINDOW_SLOT.pins] = 0;
  arena.i32[at + WINDOW_SLOT.users] = 0;
  arena.i32[windowPageWord(set, page)] = slot + 1;
  appendSlot(arena, set, slot);
  // The page's address is in place before an access can find the generation.
  store(arena.i32, at + WINDOW_SLOT.epoch, ((arena.i32[at + WINDOW_SLOT.epoch] as number) + 1) | 0);
  countWindow(arena, set, WINDOW_SET.open);
  if (set.isFixed === true) return;
  countWindow(arena, set, WINDOW_SET.remaps);
  ctx.cost.windowRemaps += 1;
}

/** From here on no access enters through the slot's addresses; those that are in go on. Puts it on the closing list. */
export function closeSlot(ctx: HostContext, set: WindowSet, slot: number): void {
  const { arena } = ctx;
  const words = arena.i32;
  const base = windowSetWord(set);
  const at = windowSlotWord(set, slot);
  store(words, at + WINDOW_SLOT.epoch, ((words[at + WINDOW_SLOT.epoch] as number) + 1) | 0);
  words[windowPageWord(set, words[at + WINDOW_SLOT.page] as number)] = 0;
  unlinkSlot(arena, set, slot);
  words[at + WINDOW_SLOT.next] = words[base + WINDOW_SET.closing] as number;
  words[base + WINDOW_SET.closing] = slot + 1;
  countWindow(arena, set, WINDOW_SET.open, -1);
  if (load(words, at + WINDOW_SLOT.inFlight) !== 0) countWindow(arena, set, WINDOW_SET.drains);
}

/** Frees the closing slots through which nothing is in flight any more; how many. */
export function reapSlots(ctx: HostContext, set: WindowSet): number {
  const { arena } = ctx;
  const words = arena.i32;
  const base = windowSetWord(set);
  let reaped = 0;
  let link = base + WINDOW_SET.closing;
  for (let slot = words[link] as number; slot !== 0; slot = words[link] as number) {
    const at = windowSlotWord(set, slot - 1);
    if (load(words, at + WINDOW_SLOT.inFlight) !== 0) {
      link = at + WINDOW_SLOT.next;
      continue;
    }
    words[link] = words[at + WINDOW_SLOT.next] as number;
    words[at + WINDOW_SLOT.next] = words[base + WINDOW_SET.free] as number;
    words[base + WINDOW_SET.free] = slot;
    readBack(ctx, set, at);
    reaped += 1;
  }
  return reaped;
}

/** True while the slot drains. */
export function isClosing(arena: Arena, set: WindowSet, slot: number): boolean {
  const words = arena.i32;
  let at = words[windowSetWord(set) + WINDOW_SET.closing] as number;
  while (at !== 0 && at !== slot + 1) at = words[windowSlotWord(set, at - 1) + WINDOW_SLOT.next] as number;
  return at !== 0;
}

/** Posted writes may still be in the fabric: a read through the slot comes back behind them. */
function readBack(ctx: HostContext, set: WindowSet, at: number): void {
  const words = ctx.arena.i32;
  if (words[at + WINDOW_SLOT.posted] === 0) return;
  words[at + WINDOW_SLOT.posted] = 0;
  countWindow(ctx.arena, set, WINDOW_SET.readBacks);
  ctx.cost.windowReadBacks += 1;
}

/** A closed, drained slot below `reach`, taken off the free list; -1 when none is left. Evicts the least recently used page that nobody uses. */
export function claimSlot(ctx: HostContext, set: WindowSet, reach: number): number {
  const free = takeFree(ctx, set, 1, reach);
  if (free >= 0) return free;
  const words = ctx.arena.i32;
  reapSlots(ctx, set);
  let slot = words[windowSetWord(set) + WINDOW_SET.lruHead] as number;
  while (slot !== 0) {
    const at = windowSlotWord(set, slot - 1);
    const next = words[at + WINDOW_SLOT.next] as number;
    const isUsed = ((words[at + WINDOW_SLOT.pins] as number) | (words[at + WINDOW_SLOT.users] as number)) !== 0;
    ctx.cost.slotsProbed += 1;
    if (!isUsed && slot <= reach) {
      closeSlot(ctx, set, slot - 1);
      countWindow(ctx.arena, set, WINDOW_SET.evictions);
      reapSlots(ctx, set);
      const claimed = takeFree(ctx, set, 1, reach);
      if (claimed >= 0) return claimed;
    }
    slot = next;
  }
  return takeFree(ctx, set, 1, reach);
}

/** Slot `slot` itself, off the free list; -1 while it drains. For windows that do not move. */
export function takeSlot(ctx: HostContext, set: WindowSet, slot: number): number {
  reapSlots(ctx, set);
  return takeFree(ctx, set, slot + 1, slot + 1);
}

/** The first free slot of number `first` to `last`, counted from 1; -1 = none. */
function takeFree(ctx: HostContext, set: WindowSet, first: number, last: number): number {
  const words = ctx.arena.i32;
  let link = windowSetWord(set) + WINDOW_SET.free;
  for (let slot = words[link] as number; slot !== 0; slot = words[link] as number) {
    const next = windowSlotWord(set, slot - 1) + WINDOW_SLOT.next;
    if (slot >= first && slot <= last) {
      words[link] = words[next] as number;
      return slot - 1;
    }
    link = next;
  }
  return -1;
}
