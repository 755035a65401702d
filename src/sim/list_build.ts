/** Scatterlists of a clone's buffers. */
import { assert } from "../base/assert.ts";
import { sgMarkEnd, sgSetPhys, sgUnmarkEnd } from "../host/dma/scatterlist.ts";
import type { Arena } from "../shm/arena.ts";
import { sgNext } from "../shm/sg_entry.ts";
import { type BufferPlan, entryCount, entryPhys, firstEntryBytes, isPageless } from "./load/buffers.ts";

/**
 * Describes `bytes` bytes of the buffer at `place` in the list at `sg`; its last entry, which has the end mark. `marked` had
 * it before, 0 = the list is as allocated.
 */
export function describeBuffer(
  arena: Arena,
  plan: BufferPlan,
  place: number,
  sg: number,
  bytes: number,
  marked: number,
): number {
  if (marked !== 0) sgUnmarkEnd(arena, marked);
  const count = entryCount(plan, bytes);
  let entry = sg;
  let left = bytes;
  for (let i = 0; i < count; i += 1) {
    const length = Math.min(left, i === 0 ? firstEntryBytes(plan) : plan.entryBytes);
    sgSetPhys(arena, entry, entryPhys(plan, place, i), length, !isPageless(plan, i));
    left -= length;
    if (i < count - 1) entry = sgNext(arena, entry);
  }
  assert(left === 0, "the entries cover the command");
  sgMarkEnd(arena, entry);
  return entry;
}
