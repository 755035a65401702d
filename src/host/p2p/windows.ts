/**
 * Moving windows: the address at which another device reaches a page of device memory that is larger than its BAR.
 *
 * Words:      slot.epoch, page, pagePhys, pins, users and the lists (holder of the set's lock, rank 40); slot.inFlight
 *             (engines, fetch-add); slot.posted (engines set it, the holder clears it).
 * States:     free (epoch even, no page) - open (odd: the generation of its addresses) - closing (even, draining).
 * Invariants: an address is (slot, generation); an access moves bytes only while epoch = generation held when it was
 *             counted in; page and pagePhys change only while the slot is closed and inFlight is 0; a page has one open
 *             slot at most; a slot with pins or users is never evicted, one with pins never revoked.
 * Ordering:   engines add to inFlight, then load epoch; who closes stores epoch, then loads inFlight: all sequentially
 *             consistent, so either the engine sees the slot closed or the closer sees the engine. A drained slot is read
 *             back before it is reused, behind the posted writes.
 * Progress:   engines are wait-free and take no lock; nobody waits under the lock: a slot that drains is left on the
 *             closing list, and the next one who needs a slot looks again.
 * Forbidden:  a byte moved through a slot after it shows another page; waiting, copying or user code under the lock.
 * Proof:      test/litmus/windows.test.ts, test/scenario/windows.test.ts, test/proof
 */
import type { Pfn, Phys } from "../../base/addr.ts";
import { COST_LOCK } from "../../base/cost.ts";
import { load } from "../../shm/atomics.ts";
import { WINDOW_SET, WINDOW_SLOT } from "../../shm/layout.ts";
import { lock, unlock } from "../../shm/mutex.ts";
import type { HostContext } from "../context.ts";
import {
  slotsInReach,
  UNEXPOSABLE,
  unexposable,
  type WindowClient,
  type WindowSet,
  windowPageOf,
  windowPageWord,
  windowRamWord,
  windowSetWord,
  windowSlotWord,
} from "./window_set.ts";
import {
  claimSlot,
  closeSlot,
  countWindow,
  isClosing,
  openSlot,
  reapSlots,
  takeSlot,
  touchSlot,
} from "./window_slots.ts";

/** What {@link resolvePeerPage} answers. */
export const RESOLVED = Object.freeze({
  /** At a peer address, valid for one generation. */
  mapped: 1,
  /** In RAM: the caller moves the bytes, and back. */
  migrated: 2,
  refused: 3,
});

/** Result record of {@link resolvePeerPage}; made once and overwritten. */
export class PeerPage {
  /** RESOLVED. */
  kind = 0;
  /** CPU physical address of the page's first byte: in the BAR, or in RAM. */
  phys: Phys = 0;
  /** Slot and its generation; the RAM page when migrated. */
  slot = 0;
  generation = 0;
  /** UNEXPOSABLE; also of a migrated page, which says why it could not be shown. */
  reason = 0;
}

/**
 * Finds or makes the way of `client` to the window page that holds `devicePfn`, and counts one use of it. Give it back with
 * {@link releasePeerPage}. A refusal with reason busy or noRam may pass.
 */
export function resolvePeerPage(
  ctx: HostContext,
  set: WindowSet,
  devicePfn: Pfn,
  client: WindowClient,
  out: PeerPage,
): number {
  const page = windowPageOf(set, devicePfn);
  const reason = unexposable(set, page, client);
  enter(ctx, set);
  out.reason = reason;
  if (reason === UNEXPOSABLE.none) showPage(ctx, set, page, client, out);
  else if (reason === UNEXPOSABLE.range && (page < 0 || page >= set.pages)) out.kind = RESOLVED.refused;
  else out.kind = set.migrates ? RESOLVED.migrated : RESOLVED.refused;
  if (out.kind === RESOLVED.migrated) takeRam(ctx, set, out);
  if (out.kind === RESOLVED.refused) {
    countWindow(ctx.arena, set, out.reason >= UNEXPOSABLE.busy ? WINDOW_SET.busy : WINDOW_SET.refused);
  }
  leave(ctx, set);
  return out.kind;
}

/** Gives one use back; false when the page was revoked meanwhile (the importer is told). */
export function releasePeerPage(ctx: HostContext, set: WindowSet, slot: number, generation: number): boolean {
  const words = ctx.arena.i32;
  const at = windowSlotWord(set, slot);
  enter(ctx, set);
  const held = words[at + WINDOW_SLOT.epoch] === generation;
  if (held) words[at + WINDOW_SLOT.users] = (words[at + WINDOW_SLOT.users] as number) - 1;
  else countWindow(ctx.arena, set, WINDOW_SET.told);
  leave(ctx, set);
  return held;
}

/** Gives a RAM page back; `bytes` were moved to and from it. */
export function releaseRam(ctx: HostContext, set: WindowSet, page: number, bytes: number): void {
  const base = windowSetWord(set);
  const words = ctx.arena.i32;
  enter(ctx, set);
  words[windowRamWord(set, page)] = words[base + WINDOW_SET.ramFree] as number;
  words[base + WINDOW_SET.ramFree] = page + 1;
  countWindow(ctx.arena, set, WINDOW_SET.ramUsed, -1);
  const total = (base + WINDOW_SET.migratedBytes) >>> 1;
  ctx.arena.f64[total] = (ctx.arena.f64[total] as number) + bytes;
  leave(ctx, set);
}

/** Long-term pin on a resolved page (dma_buf_pin); false when its generation has gone. */
export function pinPeerPage(ctx: HostContext, set: WindowSet, slot: number, generation: number): boolean {
  return changePins(ctx, set, slot, generation, 1);
}

/** Takes a pin back; false when there was none of that generation. */
export function unpinPeerPage(ctx: HostContext, set: WindowSet, slot: number, generation: number): boolean {
  return changePins(ctx, set, slot, generation, -1);
}

/** What {@link beginRevoke} answers instead of a slot. */
export const REVOKE = Object.freeze({ notShown: -1, pinned: -2 });

/**
 * The exporter takes a page back (move_notify): its addresses are dead for every access that has not begun. The slot that
 * drains, or a REVOKE value. It is over once {@link revokeDone} says so.
 */
export function beginRevoke(ctx: HostContext, set: WindowSet, devicePfn: Pfn): number {
  const words = ctx.arena.i32;
  const page = windowPageOf(set, devicePfn);
  if (page < 0 || page >= set.pages) return REVOKE.notShown;
  enter(ctx, set);
  const slot = (words[windowPageWord(set, page)] as number) - 1;
  let answer: number = slot;
  if (slot < 0) answer = REVOKE.notShown;
  else if ((words[windowSlotWord(set, slot) + WINDOW_SLOT.pins] as number) !== 0) {
    answer = REVOKE.pinned;
    countWindow(ctx.arena, set, WINDOW_SET.pinned);
  } else {
    closeSlot(ctx, set, slot);
    countWindow(ctx.arena, set, WINDOW_SET.revokes);
    ctx.cost.windowRevokes += 1;
  }
  leave(ctx, set);
  return answer;
}

/** True once nothing moves through the slot that {@link beginRevoke} returned: drained, read back, free. Does not wait. */
export function revokeDone(ctx: HostContext, set: WindowSet, slot: number): boolean {
  if (load(ctx.arena.i32, windowSlotWord(set, slot) + WINDOW_SLOT.inFlight) !== 0) return false;
  enter(ctx, set);
  reapSlots(ctx, set);
  const done = !isClosing(ctx.arena, set, slot);
  leave(ctx, set);
  return done;
}

/** Page shown by a slot of this generation, -1 when the generation has gone. For checks. */
export function shownPage(ctx: HostContext, set: WindowSet, slot: number, generation: number): number {
  const at = windowSlotWord(set, slot);
  const page = ctx.arena.i32[at + WINDOW_SLOT.page] as number;
  return load(ctx.arena.i32, at + WINDOW_SLOT.epoch) === generation ? page : -1;
}

function showPage(ctx: HostContext, set: WindowSet, page: number, client: WindowClient, out: PeerPage): void {
  const { arena } = ctx;
  const reach = slotsInReach(set, client);
  let slot = (arena.i32[windowPageWord(set, page)] as number) - 1;
  const isShown = slot >= 0;
  if (!isShown) slot = set.isFixed === true ? takeSlot(ctx, set, page) : claimSlot(ctx, set, reach);
  if (slot < 0 || slot >= reach) {
    refuse(set, out, slot < 0 ? UNEXPOSABLE.busy : UNEXPOSABLE.clientWidth);
    return;
  }
  if (isShown) {
    countWindow(arena, set, WINDOW_SET.hits);
    touchSlot(arena, set, slot);
  } else openSlot(ctx, set, slot, page);
  const at = windowSlotWord(set, slot);
  arena.i32[at + WINDOW_SLOT.users] = (arena.i32[at + WINDOW_SLOT.users] as number) + 1;
  out.kind = RESOLVED.mapped;
  out.slot = slot;
  out.generation = arena.i32[at + WINDOW_SLOT.epoch] as number;
  out.phys = set.barStart + slot * set.pageBytes;
}

/** A busy window passes: only what can never be shown migrates. */
function refuse(set: WindowSet, out: PeerPage, reason: number): void {
  out.reason = reason;
  out.kind = set.migrates && reason !== UNEXPOSABLE.busy ? RESOLVED.migrated : RESOLVED.refused;
}

function takeRam(ctx: HostContext, set: WindowSet, out: PeerPage): void {
  const words = ctx.arena.i32;
  const base = windowSetWord(set);
  const page = (words[base + WINDOW_SET.ramFree] as number) - 1;
  if (page < 0) {
    out.kind = RESOLVED.refused;
    out.reason = UNEXPOSABLE.noRam;
    return;
  }
  words[base + WINDOW_SET.ramFree] = words[windowRamWord(set, page)] as number;
  countWindow(ctx.arena, set, WINDOW_SET.ramUsed);
  countWindow(ctx.arena, set, WINDOW_SET.migrated);
  out.slot = page;
  out.generation = 0;
  out.phys = set.ramStart + page * set.pageBytes;
}

function changePins(ctx: HostContext, set: WindowSet, slot: number, generation: number, by: number): boolean {
  const words = ctx.arena.i32;
  const at = windowSlotWord(set, slot);
  enter(ctx, set);
  const pins = (words[at + WINDOW_SLOT.pins] as number) + by;
  const held = words[at + WINDOW_SLOT.epoch] === generation && pins >= 0;
  if (held) words[at + WINDOW_SLOT.pins] = pins;
  leave(ctx, set);
  return held;
}

function enter(ctx: HostContext, set: WindowSet): void {
  lock(ctx.arena.i32, windowSetWord(set) + WINDOW_SET.lock, ctx.lockOwner);
  ctx.cost.addLock(COST_LOCK.window, set.index, 1);
}

function leave(ctx: HostContext, set: WindowSet): void {
  unlock(ctx.arena.i32, windowSetWord(set) + WINDOW_SET.lock, ctx.lockOwner);
}
