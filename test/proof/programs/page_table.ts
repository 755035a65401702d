/** Mappers of neighbouring pages that meet at every absent table of an empty domain, and a walk meanwhile. */
import { CostRecord } from "#dmasim/base/cost.js";
import { framesUsed } from "#dmasim/pagetable/frames.js";
import { mapRange } from "#dmasim/pagetable/mapper.js";
import { vtdSecondLevel } from "#dmasim/pagetable/vtd.js";
import { WalkResult, walk } from "#dmasim/pagetable/walker.js";
import type { Arena } from "#dmasim/shm/arena.js";
import { domainWord } from "#dmasim/shm/domain_record.js";
import { DOMAIN } from "#dmasim/shm/layout.js";
import type { Program, World } from "../program.ts";

const LEVELS = 3;
const FORMAT = vtdSecondLevel(LEVELS);
const PAGE = 4096;
const READ_WRITE = 3;
const ROOT = domainWord(0) + DOMAIN.rootFrame;
/** Result of a walk; threads report the bytes that they mapped under their number. */
const WALKED = 8;
const ABSENT = 1;
const RIGHT = 2;
const WRONG = 3;

function iovaOf(thread: number): number {
  return (thread + 1) * PAGE;
}

function physOf(thread: number): number {
  return 2 ** 33 + thread * PAGE;
}

function seen(arena: Arena, thread: number): number {
  const result = new WalkResult();
  if (!walk(arena, 0, FORMAT, iovaOf(thread), result)) return ABSENT;
  return result.phys === physOf(thread) ? RIGHT : WRONG;
}

function map({ arena, thread, put }: World): void {
  const cost = new CostRecord();
  put(thread, mapRange(arena, thread, 0, FORMAT, iovaOf(thread), physOf(thread), PAGE, READ_WRITE, cost));
}

export const pageTable: Program = {
  // rootTable's plain load; the word changes once.
  racy: [[ROOT, ROOT + 1]],
  setUp(arena) {
    arena.i32[ROOT] = 0;
  },
  roles: {
    map,
    walk: ({ arena, put }) => put(WALKED, seen(arena, 0)),
  },
  judge(arena, results) {
    for (let thread = 0; thread < WALKED; thread += 1) {
      if (results[thread] !== 0 && seen(arena, thread) !== RIGHT) return "a mapping vanished";
    }
    if (results[WALKED] === WRONG) return "a walk saw what nobody mapped";
    if (framesUsed(arena) !== LEVELS) return "a table leaked";
    return results[WALKED] === ABSENT ? "mapped, walked too early" : "mapped";
  },
};
