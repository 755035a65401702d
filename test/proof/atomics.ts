/**
 * Takes the place of `shm/atomics.ts` in the code under proof: the same functions, each a point of the schedule while a
 * body runs.
 */
import { instantiate as instantiatePlain, type WasmOps } from "#dmasim/shm/atomics.js?production";
import { FOLLOWS, KIND } from "./control.ts";
import { current } from "./current.ts";

export function load(words: Int32Array, word: number): number {
  return current.turns === null ? Atomics.load(words, word) : current.turns.load(word);
}

export function store(words: Int32Array, word: number, value: number): void {
  if (current.turns === null) Atomics.store(words, word, value);
  else current.turns.store(word, value);
}

export function fetchAdd(words: Int32Array, word: number, value: number): number {
  return current.turns === null ? Atomics.add(words, word, value) : current.turns.fetchAdd(word, value);
}

export function fetchOr(words: Int32Array, word: number, bits: number): number {
  return current.turns === null ? Atomics.or(words, word, bits) : current.turns.fetchOr(word, bits);
}

export function compareExchange(words: Int32Array, word: number, expected: number, next: number): boolean {
  if (current.turns !== null) return current.turns.compareExchange(word, expected, next);
  return Atomics.compareExchange(words, word, expected, next) === expected;
}

export function wait(words: Int32Array, word: number, value: number, timeoutMs: number): void {
  if (current.turns === null) Atomics.wait(words, word, value, timeoutMs);
  else current.turns.wait(word, value, timeoutMs);
}

export function notify(words: Int32Array, word: number): void {
  if (current.turns === null) Atomics.notify(words, word);
  else current.turns.notify(word);
}

/** The arena's module with its 64-bit atomics as points, and its copies and fills of control words in the log. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): WasmOps {
  const plain = instantiatePlain(module, memory);
  let hi = 0;
  /** Keeps the high half, as the point of another operation may come before the caller asks for it. */
  const keep = (lo: number) => {
    hi = plain.hi();
    return lo;
  };
  return {
    ...plain,
    hi: () => hi,
    load64(at) {
      beforeWide(at, KIND.load);
      return keep(plain.load64(at));
    },
    exchange64(at, lo, high) {
      beforeWide(at, KIND.rmw);
      return keep(plain.exchange64(at, lo, high));
    },
    store64(at, lo, high) {
      beforeWide(at, KIND.store);
      plain.store64(at, lo, high);
    },
    cas64(at, expectedLo, expectedHi, lo, high) {
      current.turns?.point();
      const isEqual = plain.load64(at) === expectedLo && plain.hi() === expectedHi;
      noteWide(at, isEqual ? KIND.rmw : KIND.failed);
      return plain.cas64(at, expectedLo, expectedHi, lo, high);
    },
    fill(dst, byte, bytes) {
      note(dst, bytes, KIND.write);
      plain.fill(dst, byte, bytes);
    },
    copy(dst, src, bytes) {
      note(src, bytes, KIND.read);
      note(dst, bytes, KIND.write);
      plain.copy(dst, src, bytes);
    },
  };
}

function beforeWide(at: number, kind: number): void {
  current.turns?.point();
  noteWide(at, kind);
}

function noteWide(at: number, kind: number): void {
  const { turns } = current;
  if (turns === null) return;
  const word = at >>> 2;
  if (kind === KIND.rmw || kind === KIND.store) turns.wroteWide(kind, word);
  else {
    turns.log(kind, word, 0);
    turns.log(kind | FOLLOWS, word + 1, 0);
  }
}

/** Plain access to all words of a range; one point when they are racy. */
function note(at: number, bytes: number, kind: number): void {
  const { turns } = current;
  if (turns === null) return;
  const first = at >>> 2;
  const isRacy = turns.isRacy(first);
  const racyKind = kind === KIND.write ? KIND.racyWrite : KIND.racyRead;
  if (isRacy) turns.point();
  if (isRacy && kind === KIND.write) turns.wrote(racyKind, first);
  else turns.log(isRacy ? racyKind : kind, first, turns.raw[first] as number);
  const rest = isRacy ? racyKind | FOLLOWS : kind;
  for (let word = first + 1; word < (at + bytes) / 4; word += 1) turns.log(rest, word, turns.raw[word] as number);
}
