/**
 * The verification pattern: what every byte of a transfer must be.
 *
 * A stream is made of 512-byte units; the content of a unit is a function of (key, unit, version), where the key
 * mixes the run's seed with the device. The first word of a unit carries version and unit in clear,
 * so a reader can tell a stale version and a misdirected unit from corruption. Buffers are
 * `POISON` before a device writes them and surrounded by `GUARD`: bytes left POISON were under-copied,
 * GUARD bytes that changed were over-copied (after dmatest's three classes).
 */
import type { Phys } from "../base/addr.ts";
import { mix32 } from "../base/prng.ts";
import type { Arena } from "../shm/arena.ts";
import { commit, lookup, toChunkEnd } from "./backing.ts";

/** Bytes that share one version and one header. */
export const UNIT_BYTES = 512;
/** Byte of a buffer before a device writes it. */
export const POISON = 0xa5;
/** Byte around a buffer. */
export const GUARD = 0x5a;
/** Version argument of {@link checkPattern} that takes each unit's version from its own header. */
export const VERSION_FOLLOW = 0xffffffff;

/** Key of everything that `device` holds under `seed`. */
export function patternKey(seed: number, device: number): { readonly lo: number; readonly hi: number } {
  const lo = mix32(seed ^ mix32(device + 1));
  return { lo, hi: mix32(lo ^ 0x5bd1e995) };
}

/** Writes bytes [streamOff, streamOff + bytes) of the stream that starts at `unit`; false when out of backing. */
export function fillPattern(
  arena: Arena,
  dst: Phys,
  bytes: number,
  keyLo: number,
  keyHi: number,
  unit: number,
  version: number,
  streamOff: number,
): boolean {
  let done = 0;
  while (done < bytes) {
    const piece = Math.min(bytes - done, toChunkEnd(dst + done));
    const to = commit(arena, dst + done);
    if (to < 0) return false;
    arena.ops.patternFill(to, piece, keyLo, keyHi, unit, version, streamOff + done);
    done += piece;
  }
  return true;
}

/** Offset of the first byte that differs from the stream, -1 when none does. Uncommitted memory is zero and differs. */
export function checkPattern(
  arena: Arena,
  at: Phys,
  bytes: number,
  keyLo: number,
  keyHi: number,
  unit: number,
  version: number,
  streamOff: number,
): number {
  const follow = version === VERSION_FOLLOW ? 1 : 0;
  let done = 0;
  while (done < bytes) {
    const piece = Math.min(bytes - done, toChunkEnd(at + done));
    const from = lookup(arena, at + done);
    if (from < 0) return done;
    const bad = arena.ops.patternCheck(from, piece, keyLo, keyHi, unit, version, streamOff + done, follow);
    if (bad >= 0) return done + bad;
    done += piece;
  }
  return -1;
}
