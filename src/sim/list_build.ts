/** Scatterlists of a clone's buffers: describes them, and finds bytes in them. */
import type { Phys } from "../base/addr.ts";
import { assert } from "../base/assert.ts";
import { sgMarkEnd, sgSetPhys } from "../host/dma/scatterlist.ts";
import type { Arena } from "../shm/arena.ts";
import { SG } from "../shm/layout.ts";
import { sgNext } from "../shm/sg_entry.ts";
import { entryAddr } from "./list_mapping.ts";
import { type BufferPlan, entryCount, entryPhys, firstEntryBytes, isPageless } from "./load/buffers.ts";

/** Describes `bytes` bytes of the buffer of command `tag` in the list at `sg`; its last entry, which has the end mark. */
export function describeBuffer(arena: Arena, plan: BufferPlan, tag: number, sg: number, bytes: number): number {
  const count = entryCount(plan, bytes);
  let entry = sg;
  let left = bytes;
  for (let i = 0; i < count; i += 1) {
    const length = Math.min(left, i === 0 ? firstEntryBytes(plan) : plan.entryBytes);
    sgSetPhys(arena, entry, entryPhys(plan, tag, i), length, !isPageless(plan, i));
    left -= length;
    if (i < count - 1) entry = sgNext(arena, entry);
  }
  assert(left === 0, "the entries cover the command");
  sgMarkEnd(arena, entry);
  return entry;
}

/** Physical address of byte `offset` of a list. */
export function addrAt(arena: Arena, sg: number, offset: number): Phys {
  let left = offset;
  let entry = sg;
  while (left >= (arena.u32[entry + SG.length] as number)) {
    left -= arena.u32[entry + SG.length] as number;
    entry = sgNext(arena, entry);
  }
  return entryAddr(arena, entry) + left;
}
