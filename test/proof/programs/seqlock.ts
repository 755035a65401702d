/** Two writes of a record of two words under a sequence lock against two reads of it. */
import { IOTLB_ENTRY, REGIONS } from "#dmasim/shm/layout.js";
import { readBegin, readValid, writeBegin, writeEnd } from "#dmasim/shm/seqlock.js";
import type { Program, World } from "../program.ts";

const SEQ = REGIONS.iotlb.word + IOTLB_ENTRY.seq;
const FIRST = REGIONS.iotlb.word + IOTLB_ENTRY.domain;
const SECOND = REGIONS.iotlb.word + IOTLB_ENTRY.info;
const TURNS = 2;
/** Results: reads of a whole record, torn ones, reads that had to be dropped, records that a writer found torn. */
const WHOLE = 0;
const TORN = 1;
const ABSENT = 2;

function write({ arena, thread, put }: World): void {
  const words = arena.i32;
  for (let turn = 1; turn <= TURNS; turn += 1) {
    const begun = writeBegin(words, SEQ);
    if (words[FIRST] !== words[SECOND]) put(TORN, 1);
    words[FIRST] = turn * 8 + thread;
    words[SECOND] = turn * 8 + thread;
    writeEnd(words, SEQ, begun);
  }
}

function read({ arena, put }: World): void {
  const words = arena.i32;
  for (let turn = 0; turn < TURNS; turn += 1) {
    const begun = readBegin(words, SEQ);
    const isSame = words[FIRST] === words[SECOND];
    if (!readValid(words, SEQ, begun)) put(ABSENT, 1);
    else put(isSame ? WHOLE : TORN, 1);
  }
}

export const seqlock: Program = {
  // A reader looks at the record while it may be written: that is what the sequence is for.
  racy: [[FIRST, SECOND + 1]],
  setUp(arena) {
    arena.i32[SEQ] = 0;
  },
  roles: { write, read },
  judge(_arena, results) {
    if (results[TORN] !== 0) return "torn record";
    return results[ABSENT] === 1 ? "a read dropped" : "whole records";
  },
};
