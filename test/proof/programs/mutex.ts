/** Two critical sections a thread; an increment under the lock is a plain load and a plain store. */
import { HEADER, REGIONS } from "#dmasim/shm/layout.js";
import { lock, lockOwner, unlock } from "#dmasim/shm/mutex.js";
import type { Program, World } from "../program.ts";

const LOCK = REGIONS.header.word + HEADER.frameLock;
const COUNTER = REGIONS.header.word + HEADER.frameUsed;
const SECTIONS = 2;

function enter({ arena, thread, put }: World): void {
  const words = arena.i32;
  for (let turn = 0; turn < SECTIONS; turn += 1) {
    lock(words, LOCK, thread);
    const seen = words[COUNTER] as number;
    words[COUNTER] = seen + 1;
    unlock(words, LOCK, thread);
  }
  put(thread, SECTIONS);
}

export const mutex: Program = {
  setUp(arena) {
    arena.i32[COUNTER] = 0;
  },
  roles: { enter },
  judge(arena, results) {
    if (lockOwner(arena.i32, LOCK) !== -1) return "still locked";
    const sections = results.reduce((sum, each) => sum + each, 0);
    return arena.i32[COUNTER] === sections ? "every section counted" : "sections overlapped";
  },
};
