/**
 * A walk in a table that leaves its tree meanwhile, and whose frame another domain then fills with entries of its own.
 * Tables have four entries, so that one is emptied and refilled in a few steps.
 */
import { CostRecord } from "#dmasim/base/cost.js";
import { treeFormat } from "#dmasim/pagetable/format.js";
import { mapRange, unmapRange } from "#dmasim/pagetable/mapper.js";
import { vtdSecondLevel } from "#dmasim/pagetable/vtd.js";
import { WalkResult, walk } from "#dmasim/pagetable/walker.js";
import type { Arena } from "#dmasim/shm/arena.js";
import { domainWord } from "#dmasim/shm/domain_record.js";
import { DOMAIN, REGIONS } from "#dmasim/shm/layout.js";
import type { Program } from "../program.ts";

const LEVELS = 3;
const FORMAT = treeFormat(
  { name: "four entries", levels: LEVELS, granuleShift: 12, pageShifts: [12], tableEntries: 4 },
  vtdSecondLevel(LEVELS),
);
const PAGE = 4096;
const SPAN = 4 * PAGE;
const READ_WRITE = 3;
const OWN = 2 ** 33;
const OTHER = 2 ** 34;
const ROOT = [0, 1].map((domain) => domainWord(domain) + DOMAIN.rootFrame);
/** Tables of both domains. */
const FRAMES = 2 * LEVELS;
/** Result of the walk. */
const WALKED = 0;
const ABSENT = 1;
const OWN_PAGE = 2;
const OTHER_PAGE = 3;

function map(arena: Arena, thread: number, domain: number, iova: number, phys: number): void {
  mapRange(arena, thread, domain, FORMAT, iova, phys, PAGE, READ_WRITE, new CostRecord());
}

export const tableReuse: Program = {
  racy: [
    ...ROOT.map((word) => [word, word + 1] as const),
    // Clearing a frame and linking it into the free list are plain; a late walk may look at it, and drops what it saw.
    [REGIONS.frames.word, REGIONS.frames.word + FRAMES * REGIONS.frames.stride],
  ],
  setUp(arena) {
    map(arena, 0, 0, 0, OWN);
    map(arena, 0, 1, SPAN, OTHER);
  },
  roles: {
    recycle({ arena, thread }) {
      unmapRange(arena, thread, 0, FORMAT, 0, SPAN, new CostRecord());
      map(arena, thread, 1, 0, OTHER + PAGE);
    },
    walk({ arena, put }) {
      const result = new WalkResult();
      if (!walk(arena, 0, FORMAT, 0, result)) put(WALKED, ABSENT);
      else put(WALKED, result.phys === OWN ? OWN_PAGE : OTHER_PAGE);
    },
  },
  judge(_arena, results) {
    if (results[WALKED] === OTHER_PAGE) return "page of another domain";
    return results[WALKED] === OWN_PAGE ? "own page" : "absent";
  },
};
