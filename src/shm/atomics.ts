/**
 * The only caller of `Atomics` and of the arena's wasm module.
 *
 * Every atomic of the program goes through these functions, so that a test can substitute an
 * instrumented module. They are thin enough for V8 to inline (the benchmarks compare them with bare calls).
 * 32-bit operations take the Int32Array and a word index and are sequentially consistent.
 */

/** Sequentially consistent load of a word. */
export function load(words: Int32Array, word: number): number {
  return Atomics.load(words, word);
}

/** Sequentially consistent store of a word; `value` is truncated to 32 bits. */
export function store(words: Int32Array, word: number, value: number): void {
  Atomics.store(words, word, value);
}

/** Adds and returns the value before. */
export function fetchAdd(words: Int32Array, word: number, value: number): number {
  return Atomics.add(words, word, value);
}

/** Sets bits and returns the value before. */
export function fetchOr(words: Int32Array, word: number, bits: number): number {
  return Atomics.or(words, word, bits);
}

/** Stores `next` if the word holds `expected`; true on success. */
export function compareExchange(words: Int32Array, word: number, expected: number, next: number): boolean {
  return Atomics.compareExchange(words, word, expected, next) === expected;
}

/** Sleeps while the word holds `value`, at most `timeoutMs`. */
export function wait(words: Int32Array, word: number, value: number, timeoutMs: number): void {
  Atomics.wait(words, word, value, timeoutMs);
}

/** Wakes all sleepers of the word. */
export function notify(words: Int32Array, word: number): void {
  Atomics.notify(words, word);
}

/** Exports of `arena.wat`; addresses and lengths are bytes below 2^32. */
export interface WasmOps {
  copy(dst: number, src: number, bytes: number): void;
  fill(dst: number, byte: number, bytes: number): void;
  /** Offset of the first difference, -1 = equal. */
  compare(a: number, b: number, bytes: number): number;
  /** Offset of the first byte other than `byte`, -1 = none. */
  findOther(at: number, byte: number, bytes: number): number;
  patternFill(
    dst: number,
    bytes: number,
    keyLo: number,
    keyHi: number,
    unit: number,
    version: number,
    streamOff: number,
  ): void;
  /** Offset of the first byte off the pattern, -1 = none; `follow` 1 takes versions from the data. */
  patternCheck(
    src: number,
    bytes: number,
    keyLo: number,
    keyHi: number,
    unit: number,
    version: number,
    streamOff: number,
    follow: number,
  ): number;
  /** Version used by the last patternCheck of this thread. */
  lastVersion(): number;
  /** Byte that the last failing patternCheck of this thread expected. */
  lastExpected(): number;
  /** 64-bit atomics; they return the low half seen and keep the high half for {@link hi}. `at` is 8-byte aligned. */
  load64(at: number): number;
  exchange64(at: number, lo: number, hi: number): number;
  store64(at: number, lo: number, hi: number): void;
  /** 1 when the word held (expLo, expHi) and was replaced. */
  cas64(at: number, expLo: number, expHi: number, lo: number, hi: number): number;
  hi(): number;
}

/** Instantiates the arena's operations for this thread. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): WasmOps {
  const instance = new WebAssembly.Instance(module, { arena: { memory } });
  return instance.exports as unknown as WasmOps;
}
