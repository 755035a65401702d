/**
 * A thread's view of the arena whose plain accesses are seen: they enter the log, from which races.ts works, and at the
 * words that a program declares as racy they are points of the schedule.
 */
import type { Arena } from "#dmasim/shm/arena.js";
import { FOLLOWS, KIND } from "./control.ts";
import { current } from "./current.ts";

/** For a thread's body; without one it is like the arena itself. */
export function watchedView(arena: Arena): Arena {
  return Object.create(arena, {
    i32: { value: watched(arena.i32, 1) },
    u32: { value: watched(arena.u32, 1) },
    f64: { value: watched(arena.f64, 2) },
    u8: { value: null },
  });
}

/** `words` is how many words of the arena an element has. */
function watched<T extends Int32Array | Uint32Array | Float64Array>(array: T, words: number): T {
  return new Proxy(array, {
    get(target, property) {
      const index = Number(property);
      if (Number.isNaN(index)) return Reflect.get(target, property, target);
      see(index * words, words, KIND.read, KIND.racyRead);
      return target[index];
    },
    set(target, property, value) {
      const index = Number(property);
      see(index * words, words, KIND.write, KIND.racyWrite);
      target[index] = value;
      return true;
    },
  }) as T;
}

function see(word: number, words: number, plain: number, racy: number): void {
  const { turns } = current;
  if (turns === null) return;
  const isRacy = turns.isRacy(word);
  if (isRacy) turns.point();
  const kind = isRacy ? racy : plain;
  if (kind === KIND.racyWrite) turns.wrote(kind, word);
  else turns.log(kind, word, turns.raw[word] as number);
  if (words === 2) turns.log(kind | FOLLOWS, word + 1, turns.raw[word + 1] as number);
}
