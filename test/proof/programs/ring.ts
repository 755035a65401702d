/** Single-producer single-consumer ring: three messages of two words through two slots. */
import { COPY_CMD, REGIONS, RING } from "#dmasim/shm/layout.js";
import { ringConsumed, ringPeek, ringPublish, ringRelease, ringReserve } from "#dmasim/shm/ring.js";
import type { Program, World } from "../program.ts";

const RING_WORD = REGIONS.copyRings.word;
const SLOTS = REGIONS.copyCommands.word;
const SLOT_WORDS = COPY_CMD.WORDS;
const DEPTH = 2;
const MESSAGES = 3;
/** Results: 1 for each message that was whole, and after them this. */
const MISCOUNTED = MESSAGES + 1;

function produce({ arena, rest }: World): void {
  const words = arena.i32;
  for (let n = 1; n <= MESSAGES; n += 1) {
    let slot = ringReserve(words, RING_WORD, SLOTS, SLOT_WORDS, DEPTH, 0);
    for (; slot < 0; slot = ringReserve(words, RING_WORD, SLOTS, SLOT_WORDS, DEPTH, 0)) rest();
    words[slot] = n;
    words[slot + 1] = ~n;
    ringPublish(words, RING_WORD, 1);
  }
}

function consume({ arena, put, rest }: World): void {
  const words = arena.i32;
  for (let n = 1; n <= MESSAGES; n += 1) {
    let slot = ringPeek(words, RING_WORD, SLOTS, SLOT_WORDS, DEPTH);
    for (; slot < 0; slot = ringPeek(words, RING_WORD, SLOTS, SLOT_WORDS, DEPTH)) rest();
    put(n, words[slot] === n && words[slot + 1] === ~n ? 1 : 0);
    ringRelease(words, RING_WORD);
  }
}

/** Anybody may count what was consumed; the count never falls. */
function watch({ arena, put }: World): void {
  let last = 0;
  for (let look = 0; look < MESSAGES; look += 1) {
    const consumed = ringConsumed(arena.i32, RING_WORD);
    if (consumed < last || consumed > MESSAGES) put(MISCOUNTED, 1);
    last = consumed;
  }
}

export const ring: Program = {
  setUp(arena) {
    arena.i32[RING_WORD + RING.tail] = 0;
  },
  roles: { produce, consume, watch },
  judge(_arena, results) {
    for (let n = 1; n <= MESSAGES; n += 1) if (results[n] !== 1) return "another message, or half of one";
    return results[MISCOUNTED] === 0 ? "in order" : "miscounted";
  },
};
