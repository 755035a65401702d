/**
 * Poisoned lines of persistent memory: media errors that the controller knows of (ACPI Address Range Scrub, badblocks).
 *
 * Words:      mediaPoison: lock, count and the first byte of every poisoned line.
 * Invariants: the first `count` places hold different lines of 64 bytes.
 * Ordering:   places change under the lock (rank 60, never beside a stripe of the media); a look without any poison loads `count` only.
 * Progress:   short lists under one lock; a full list is the status false.
 * Forbidden:  a reader that gets bytes of a line that was poisoned before its read began.
 * Proof:      test/unit/memory/media_poison.test.ts
 *
 * A device's read of a poisoned line is answered with a poisoned completion; a write of the whole line puts good data
 * there; a part of it does not. The CPU's own loads (machine checks) are not modelled.
 */
import { lowBits, type Phys } from "../base/addr.ts";
import type { Arena } from "../shm/arena.ts";
import { load } from "../shm/atomics.ts";
import { MEDIA_POISON, REGIONS } from "../shm/layout.ts";
import { lock, unlock } from "../shm/mutex.ts";

const BASE = REGIONS.mediaPoison.word;
const COUNT = BASE + MEDIA_POISON.count;
const LINES = (BASE + MEDIA_POISON.line) >>> 1;
const LINES_MAX = 128;
const LINE_BYTES = 64;

/** Poisons the line that holds `phys`; false when the list is full. */
export function poisonLine(arena: Arena, owner: number, phys: Phys): boolean {
  const line = phys - lowBits(phys, LINE_BYTES);
  lock(arena.i32, BASE + MEDIA_POISON.lock, owner);
  const count = arena.i32[COUNT] as number;
  const known = find(arena, line, count) >= 0;
  if (!known && count < LINES_MAX) {
    arena.f64[LINES + count] = line;
    arena.i32[COUNT] = count + 1;
  }
  unlock(arena.i32, BASE + MEDIA_POISON.lock, owner);
  return known || count < LINES_MAX;
}

/** True when a line of [phys, phys + bytes) is poisoned. */
export function isPoisoned(arena: Arena, owner: number, phys: Phys, bytes: number): boolean {
  if (load(arena.i32, COUNT) === 0) return false;
  lock(arena.i32, BASE + MEDIA_POISON.lock, owner);
  const count = arena.i32[COUNT] as number;
  let found = false;
  for (let i = 0; i < count && !found; i += 1) {
    const line = arena.f64[LINES + i] as number;
    found = line < phys + bytes && line + LINE_BYTES > phys;
  }
  unlock(arena.i32, BASE + MEDIA_POISON.lock, owner);
  return found;
}

/** A write of [phys, phys + bytes) has reached the medium: lines that it covers whole are good again. Returns how many. */
export function overwritePoison(arena: Arena, owner: number, phys: Phys, bytes: number): number {
  if (load(arena.i32, COUNT) === 0) return 0;
  lock(arena.i32, BASE + MEDIA_POISON.lock, owner);
  let cleared = 0;
  for (let i = (arena.i32[COUNT] as number) - 1; i >= 0; i -= 1) {
    const line = arena.f64[LINES + i] as number;
    if (line < phys || line + LINE_BYTES > phys + bytes) continue;
    const last = (arena.i32[COUNT] as number) - 1;
    arena.f64[LINES + i] = arena.f64[LINES + last] as number;
    arena.i32[COUNT] = last;
    cleared += 1;
  }
  unlock(arena.i32, BASE + MEDIA_POISON.lock, owner);
  return cleared;
}

/** Poisoned lines. */
export function poisonedLines(arena: Arena): number {
  return load(arena.i32, COUNT);
}

function find(arena: Arena, line: Phys, count: number): number {
  for (let i = 0; i < count; i += 1) if (arena.f64[LINES + i] === line) return i;
  return -1;
}
