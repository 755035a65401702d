/** A producer that rings and a worker that parks when it finds nothing, as the loops of `sim/virtual` and `sim/wall` do. */
import { parkBegin, parkCancel, parkSleep, ringBell } from "#dmasim/shm/doorbell.js";
import { COPY_CMD, REGIONS } from "#dmasim/shm/layout.js";
import { ringConsumed, ringPeek, ringPublish, ringRelease, ringReserve } from "#dmasim/shm/ring.js";
import type { Program, World } from "../program.ts";

const WORKER_WORD = REGIONS.workers.word;
const DEPTH = 2;
const MESSAGES = 2;
const DEADLINE_MS = 50;

function ringWord(ring: number): number {
  return REGIONS.copyRings.word + ring * REGIONS.copyRings.stride;
}

function slotsWord(ring: number): number {
  return REGIONS.copyCommands.word + ring * DEPTH * COPY_CMD.WORDS;
}

/** Thread 0 rings for work in ring 0, thread 2 in ring 1. */
function ringer({ arena, thread }: World): void {
  const words = arena.i32;
  const ring = ringWord(thread >> 1);
  for (let n = 1; n <= MESSAGES; n += 1) {
    words[ringReserve(words, ring, slotsWord(thread >> 1), COPY_CMD.WORDS, DEPTH, 0)] = n;
    ringPublish(words, ring, 1);
    ringBell(words, WORKER_WORD);
  }
}

function park(words: Int32Array, rings: number, put: World["put"]): void {
  const peek = (ring: number) => ringPeek(words, ringWord(ring), slotsWord(ring), COPY_CMD.WORDS, DEPTH);
  const hasWork = () => peek(0) >= 0 || (rings === 2 && peek(1) >= 0);
  let done = 0;
  while (done < MESSAGES * rings) {
    const before = done;
    for (let ring = 0; ring < rings; ring += 1) {
      for (let slot = peek(ring); slot >= 0; slot = peek(ring)) {
        put(ring * MESSAGES + (words[slot] as number), 1);
        ringRelease(words, ringWord(ring));
        done += 1;
      }
    }
    if (done > before) continue;
    const bells = parkBegin(words, WORKER_WORD);
    if (hasWork()) parkCancel(words, WORKER_WORD);
    else parkSleep(words, WORKER_WORD, bells, DEADLINE_MS);
  }
}

export const doorbell: Program = {
  setUp(arena) {
    arena.i32[slotsWord(0)] = 0;
  },
  roles: {
    ringer,
    parker: ({ arena, put }) => park(arena.i32, 1, put),
    parkerOfTwo: ({ arena, put }) => park(arena.i32, 2, put),
  },
  judge(arena, results) {
    for (let ring = 0; ring < 2; ring += 1) {
      const consumed = ringConsumed(arena.i32, ringWord(ring));
      for (let n = 1; n <= consumed; n += 1) if (results[ring * MESSAGES + n] !== 1) return "work lost";
      if (consumed !== MESSAGES && (ring === 0 || consumed !== 0)) return "work lost";
    }
    return "all work done";
  },
};
