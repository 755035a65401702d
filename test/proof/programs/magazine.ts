/**
 * IOVA magazines at the depot: CPU 0 frees with two full magazines (one goes to the depot), CPU 1 allocates with two empty
 * ones (one comes from the depot), a third thread trims the depot.
 */
import type { DmaDomain } from "#dmasim/host/dma/device.js";
import { DEPOT_TRIM_NS, depotWord, trimDepot } from "#dmasim/host/iommu/depot.js";
import { initDomainIova } from "#dmasim/host/iommu/iova.js";
import { allocIovaFast, freeIovaFast, rcacheWord } from "#dmasim/host/iommu/magazine.js";
import type { Arena } from "#dmasim/shm/arena.js";
import { MAGAZINE_PFNS } from "#dmasim/shm/capacities.js";
import { CPU_RCACHE, DEPOT, MAGAZINE } from "#dmasim/shm/layout.js";
import type { Program } from "../program.ts";
import { contextOf } from "./context.ts";

const DOMAIN: DmaDomain = {
  index: 0,
  mode: "strict",
  unit: 0,
  addressBits: 48,
  pageShifts: [12],
  forcedac: false,
  cpus: 2,
};
/** Full magazines in the depot: one more than there are CPUs, so that the trim finds one to free. */
const IN_DEPOT = 3;
const LIMIT_PFN = 2 ** 36 - 1;
const FREED_PFN = 1;
const FIRST_PFN = [10_000, 20_000] as const;
/** Larger than every pfn of the set-up: the tree gave it. */
const TREE_PFN = 2 ** 20;
/** Results: pfns freed, ranges allocated, magazines trimmed. */
const FREED = 0;
const ALLOCATED = 1;
const TRIMMED = 2;

/** Pfns of the magazine at `word`. */
function held(arena: Arena, word: number): number[] {
  if (word === 0) return [];
  const first = (word + MAGAZINE.pfns) >>> 1;
  return Array.from(arena.f64.subarray(first, first + (arena.i32[word + MAGAZINE.size] as number)));
}

function inDepot(arena: Arena): number[] {
  const magazines: number[] = [];
  for (let word = arena.i32[depotWord(0, 0) + DEPOT.head] as number; word !== 0 && magazines.length < 8; ) {
    magazines.push(word);
    word = arena.i32[word + MAGAZINE.next] as number;
  }
  return magazines;
}

function magazinesOf(arena: Arena): number[] {
  const loaded = [0, 1].flatMap((cpu) => {
    const word = rcacheWord(0, cpu, 0);
    return [arena.i32[word + CPU_RCACHE.loaded] as number, arena.i32[word + CPU_RCACHE.prev] as number];
  });
  return [...loaded, ...inDepot(arena)];
}

export const magazine: Program = {
  setUp(arena) {
    initDomainIova(arena, DOMAIN, 1);
    const free = (cpu: 0 | 1, pfns: number) => {
      for (let i = 0; i < pfns; i += 1) freeIovaFast(contextOf(arena, cpu), DOMAIN, FIRST_PFN[cpu] + i, 1);
    };
    free(0, 2 * MAGAZINE_PFNS);
    free(1, (2 + IN_DEPOT) * MAGAZINE_PFNS);
    for (let i = 0; i < 2 * MAGAZINE_PFNS; i += 1) allocIovaFast(contextOf(arena, 1), DOMAIN, 1, LIMIT_PFN, false);
  },
  roles: {
    free({ arena, put }) {
      freeIovaFast(contextOf(arena, 0), DOMAIN, FREED_PFN, 1);
      put(FREED, 1);
    },
    alloc({ arena, put }) {
      put(ALLOCATED, allocIovaFast(contextOf(arena, 1), DOMAIN, 1, LIMIT_PFN, false));
    },
    trim({ arena, thread, put }) {
      put(TRIMMED, trimDepot({ ...contextOf(arena, thread), nowNs: 2 * DEPOT_TRIM_NS }, DOMAIN));
    },
  },
  judge(arena, results) {
    const magazines = magazinesOf(arena);
    const allocated = results[ALLOCATED] as number;
    const isCached = allocated > 0 && allocated < TREE_PFN;
    const pfns = [...magazines.flatMap((word) => held(arena, word)), ...(isCached ? [allocated] : [])];
    if (new Set(magazines).size !== magazines.length || new Set(pfns).size !== pfns.length) return "a pfn twice";
    const trimmed = (results[TRIMMED] as number) * MAGAZINE_PFNS;
    // The two full magazines of CPU 0, and those of the depot.
    if (pfns.length !== (2 + IN_DEPOT) * MAGAZINE_PFNS + (results[FREED] as number) - trimmed) return "pfns lost";
    if (inDepot(arena).length !== arena.i32[depotWord(0, 0) + DEPOT.size]) return "the depot miscounts";
    return allocated < TREE_PFN ? "every pfn once" : "every pfn once, one from the tree";
  },
};
