/**
 * The memory image: one hash over all bytes of simulated memory.
 *
 * Untouched memory is zero, and a chunk of zeros is skipped, so the hash depends on contents alone:
 * neither on what was committed without being written, nor on the order in which chunks were handed out.
 * Control words are not part of it. Take it while no thread copies.
 */
import { createHash } from "node:crypto";
import type { Arena } from "../shm/arena.ts";
import { CHUNK_BYTES, CONTROL_BYTES } from "../shm/capacities.ts";
import { chunkPhys, chunksUsed } from "./backing.ts";

const FOUR_GIB = 2 ** 32;

/** SHA-256 (hex) over (address as 8 bytes, 64 KiB) of every chunk that is not all zero, in physical-address order. */
export function memoryImage(arena: Arena): string {
  const hash = createHash("sha256");
  const address = Buffer.alloc(8);
  for (const chunk of chunksByAddress(arena)) {
    const at = CONTROL_BYTES + chunk * CHUNK_BYTES;
    if (arena.ops.findOther(at, 0, CHUNK_BYTES) < 0) continue;
    const phys = chunkPhys(arena, chunk);
    const high = Math.floor(phys / FOUR_GIB);
    address.writeUInt32LE(phys - high * FOUR_GIB, 0);
    address.writeUInt32LE(high, 4);
    hash.update(address);
    hash.update(arena.u8.subarray(at, at + CHUNK_BYTES));
  }
  return hash.digest("hex");
}

/** Committed chunks in rising order of address; chunks that lost their race hold nothing. */
function chunksByAddress(arena: Arena): number[] {
  const chunks: number[] = [];
  const used = chunksUsed(arena);
  for (let chunk = 0; chunk < used; chunk += 1) if (!Number.isNaN(chunkPhys(arena, chunk))) chunks.push(chunk);
  return chunks.sort((a, b) => chunkPhys(arena, a) - chunkPhys(arena, b));
}
