/**
 * How long a peer's memory may be mapped: as long as its driver is there.
 *
 * Words:      DEVICE.peerMaps of the provider: live mappings, plus GOING once its driver wants to leave.
 * States:     open (n mappings) ─ closePeer ─► going (n mappings) ─ last unmap ─► drained (going, 0)
 * Invariants: no mapping begins after closePeer returned; the count is that of mappings begun and not ended.
 * Ordering:   one word, atomic additions: a mapping either counts before closePeer reads, or sees GOING.
 * Progress:   wait-free; the provider polls isPeerDrained and removes its BAR only then.
 * Forbidden:  ending a mapping twice; opening a provider with live mappings.
 * Proof:      test/litmus/peer_life.test.ts
 */
import type { Arena } from "../../shm/arena.ts";
import { fetchAdd, fetchOr, load, store } from "../../shm/atomics.ts";
import { DEVICE, REGIONS } from "../../shm/layout.ts";

const GOING = 2 ** 30;

/** Counts a mapping that begins; false when the provider is going. */
export function holdPeer(arena: Arena, provider: number): boolean {
  const word = wordOf(provider);
  if ((fetchAdd(arena.i32, word, 1) & GOING) === 0) return true;
  fetchAdd(arena.i32, word, -1);
  return false;
}

/** A mapping of {@link holdPeer} has ended. */
export function releasePeer(arena: Arena, provider: number): void {
  fetchAdd(arena.i32, wordOf(provider), -1);
}

/** The provider's driver is going: no mapping begins from now on. Live mappings that are left. */
export function closePeer(arena: Arena, provider: number): number {
  return fetchOr(arena.i32, wordOf(provider), GOING) & (GOING - 1);
}

/** True when the provider is going and its last mapping has ended. */
export function isPeerDrained(arena: Arena, provider: number): boolean {
  return load(arena.i32, wordOf(provider)) === GOING;
}

/** The provider's driver is back. */
export function openPeer(arena: Arena, provider: number): void {
  store(arena.i32, wordOf(provider), 0);
}

/** Live mappings of a provider's BARs. */
export function peerMappings(arena: Arena, provider: number): number {
  return load(arena.i32, wordOf(provider)) & (GOING - 1);
}

function wordOf(provider: number): number {
  return REGIONS.devices.word + provider * DEVICE.WORDS + DEVICE.peerMaps;
}
