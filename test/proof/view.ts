/**
 * A thread's view of the arena whose plain accesses are seen: they enter the log, from which races.ts works, and at the
 * words that a program declares as racy they are points of the schedule.
 */
import type { Arena } from "#dmasim/shm/arena.js";
import { FOLLOWS, KIND } from "./control.ts";
import { current } from "./current.ts";

/** Half-open range of arena words. */
export type WordRange = readonly [start: number, end: number];

export function watchedView(arena: Arena, racy: readonly WordRange[]): Arena {
  return Object.create(arena, {
    i32: { value: watched(arena.i32, 1, racy) },
    u32: { value: watched(arena.u32, 1, racy) },
    f64: { value: watched(arena.f64, 2, racy) },
    u8: { value: null },
  });
}

/** `words` is how many words of the arena an element has. */
function watched<T extends Int32Array | Uint32Array | Float64Array>(
  array: T,
  words: number,
  racy: readonly WordRange[],
): T {
  const isRacy = (word: number) => racy.some(([start, end]) => word >= start && word < end);
  return new Proxy(array, {
    get(target, property) {
      const index = Number(property);
      if (Number.isNaN(index)) return Reflect.get(target, property, target);
      see(index * words, words, isRacy(index * words), KIND.read, KIND.racyRead);
      return target[index];
    },
    set(target, property, value) {
      const index = Number(property);
      see(index * words, words, isRacy(index * words), KIND.write, KIND.racyWrite);
      target[index] = value;
      return true;
    },
  }) as T;
}

function see(word: number, words: number, isRacy: boolean, plain: number, racy: number): void {
  const { turns } = current;
  if (turns === null) return;
  if (isRacy) turns.point();
  const kind = isRacy ? racy : plain;
  if (kind === KIND.racyWrite) turns.wrote(kind, word);
  else turns.log(kind, word, turns.raw[word] as number);
  if (words === 2) turns.log(kind | FOLLOWS, word + 1, turns.raw[word + 1] as number);
}
