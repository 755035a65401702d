/**
 * Copying between a list and a buffer of the program (sg_pcopy_to_buffer, sg_pcopy_from_buffer,
 * sg_zero_buffer). The CPU does it, so page-less entries refuse. For checks and tools: payload moves through
 * memory/copy.ts.
 */
import { PAGE_BYTES, type Phys } from "../../base/addr.ts";
import { commit, lookup, toChunkEnd } from "../../memory/backing.ts";
import type { Arena } from "../../shm/arena.ts";
import { MAP_FAILURES } from "../status.ts";
import { SgMiter } from "./sg_iterate.ts";

/**
 * Copies list to buffer from byte `skip` on. Bytes copied: what both hold, 0 when the list ends before `skip`;
 * -(noPage) when the range touches a page-less entry.
 */
export function sgCopyToBuffer(arena: Arena, sg: number, nents: number, buffer: Uint8Array, skip: number): number {
  return copyPieces(new SgMiter(arena, sg, nents), buffer.length, skip, (phys, at, bytes) => {
    const from = lookup(arena, phys);
    if (from < 0) buffer.fill(0, at, at + bytes);
    else buffer.set(arena.u8.subarray(from, from + bytes), at);
    return true;
  });
}

/** Copies buffer to list from byte `skip` on; returns like {@link sgCopyToBuffer}, or -(noBacking). */
export function sgCopyFromBuffer(arena: Arena, sg: number, nents: number, buffer: Uint8Array, skip: number): number {
  return copyPieces(new SgMiter(arena, sg, nents), buffer.length, skip, (phys, at, bytes) => {
    const to = commit(arena, phys);
    if (to < 0) return false;
    arena.u8.set(buffer.subarray(at, at + bytes), to);
    return true;
  });
}

/** Zeroes `bytes` of the list from byte `skip` on; returns like {@link sgCopyFromBuffer}. */
export function sgZero(arena: Arena, sg: number, nents: number, bytes: number, skip: number): number {
  return copyPieces(new SgMiter(arena, sg, nents), bytes, skip, (phys, _at, piece) => {
    const to = commit(arena, phys);
    if (to < 0) return false;
    arena.ops.fill(to, 0, piece);
    return true;
  });
}

/** Handles one physically contiguous piece inside a chunk; `at` is its place in the buffer. False = no backing. */
type PieceCopy = (phys: Phys, at: number, bytes: number) => boolean;

function copyPieces(miter: SgMiter, bytesMax: number, skip: number, copy: PieceCopy): number {
  if (!miter.skip(skip)) return 0;
  let done = 0;
  while (done < bytesMax && miter.next()) {
    if (!miter.hasPage) return -MAP_FAILURES.noPage.code;
    const phys = miter.pfn * PAGE_BYTES + miter.pageOffset;
    const bytes = Math.min(miter.length, bytesMax - done);
    if (!copyRun(phys, done, bytes, copy)) return -MAP_FAILURES.noBacking.code;
    done += bytes;
  }
  return done;
}

function copyRun(phys: Phys, at: number, bytes: number, copy: PieceCopy): boolean {
  for (let done = 0; done < bytes; ) {
    const piece = Math.min(bytes - done, toChunkEnd(phys + done));
    if (!copy(phys + done, at + done, piece)) return false;
    done += piece;
  }
  return true;
}
