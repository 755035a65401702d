/** Threads that commit the same chunk, whose directory table is missing too, then one of their own beside it. */

import { chunkPhys, commit, lookup } from "#dmasim/memory/backing.js";
import { CHUNK_BYTES } from "#dmasim/shm/capacities.js";
import type { Program, World } from "../program.ts";

const SHARED = 5 * 2 ** 32;

function own(thread: number): number {
  return SHARED + (thread + 1) * CHUNK_BYTES;
}

function commitBoth({ arena, thread, put }: World): void {
  put(thread * 2, commit(arena, SHARED));
  put(thread * 2 + 1, commit(arena, own(thread)));
}

export const chunk: Program = {
  setUp(arena) {
    lookup(arena, SHARED);
  },
  roles: { commit: commitBoth },
  judge(arena, results) {
    const threads = results[4] === 0 ? 2 : 3;
    const shared = results[0] as number;
    const seen = new Set<number>([shared]);
    for (let thread = 0; thread < threads; thread += 1) {
      const mine = results[thread * 2 + 1] as number;
      if (results[thread * 2] !== shared || lookup(arena, SHARED) !== shared) return "two chunks of one address";
      if (mine <= 0 || lookup(arena, own(thread)) !== mine) return "a chunk vanished";
      if (seen.has(mine)) return "one chunk of two addresses";
      seen.add(mine);
    }
    const lost = Array.from({ length: 2 * threads }, (_, index) => chunkPhys(arena, index)).filter(Number.isNaN);
    return lost.length > 0 ? "a race lost, its chunk unused" : "no race";
  },
};
