/**
 * The small on-device buffer in which media content is materialised before DMA and where arriving bytes are checked.
 *
 * One 64 KiB chunk an engine, at addresses above every memory that a machine can have, so that it is
 * never a DMA target itself.
 */
import type { Phys } from "../base/addr.ts";
import { assert } from "../base/assert.ts";
import { commit } from "../memory/backing.ts";
import type { Arena } from "../shm/arena.ts";
import { CHUNK_BYTES } from "../shm/capacities.ts";

/** Bytes of one engine's buffer; longer runs pass through it in pieces. */
export const DEVICE_BUFFER_BYTES = CHUNK_BYTES;
/** Above the page-table addresses (2^51) and below the 2^52 limit. */
const DEVICE_BUFFER_BASE = 2 ** 51 + 2 ** 50;

/** Physical address of the buffer of `engine`. */
export function deviceBufferPhys(engine: number): Phys {
  return DEVICE_BUFFER_BASE + engine * DEVICE_BUFFER_BYTES;
}

/** Commits the buffer; its arena byte stays valid for the run, and the buffer is contiguous there. */
export function commitDeviceBuffer(arena: Arena, engine: number): number {
  const byte = commit(arena, deviceBufferPhys(engine));
  assert(byte >= 0, "every engine has a device buffer");
  return byte;
}
