/**
 * The functions of shm/atomics.ts beside bare `Atomics`: going through them must cost nothing.
 *
 * Measured: uncontended operations on one word of shared memory, on one thread.
 * Not measured: contention (suite ring).
 */
import { compareExchange, fetchAdd, load, store } from "../../src/shm/atomics.ts";
import { type BenchGroup, type BenchSuite, timed } from "../case.ts";

const OPS = 100_000;
const WORD = 16;

function addBare(words: Int32Array): void {
  for (let i = 0; i < OPS; i += 1) Atomics.add(words, WORD, 1);
}

function addOurs(words: Int32Array): void {
  for (let i = 0; i < OPS; i += 1) fetchAdd(words, WORD, 1);
}

function casBare(words: Int32Array): void {
  for (let i = 0; i < OPS; i += 1) {
    const seen = words[WORD] as number;
    if (Atomics.compareExchange(words, WORD, seen, (seen + 1) | 0) !== seen) return;
  }
}

function casOurs(words: Int32Array): void {
  for (let i = 0; i < OPS; i += 1) {
    const seen = words[WORD] as number;
    if (!compareExchange(words, WORD, seen, (seen + 1) | 0)) return;
  }
}

function loadStoreBare(words: Int32Array): void {
  for (let i = 0; i < OPS; i += 1) Atomics.store(words, WORD, (Atomics.load(words, WORD) + 1) | 0);
}

function loadStoreOurs(words: Int32Array): void {
  for (let i = 0; i < OPS; i += 1) store(words, WORD, (load(words, WORD) + 1) | 0);
}

/** `work` adds OPS to the word, whatever way it takes. */
function pair(title: string, bare: (words: Int32Array) => void, ours: (words: Int32Array) => void): BenchGroup {
  const words = new Int32Array(new SharedArrayBuffer(4096));
  let runs = 0;
  const sample = (work: (words: Int32Array) => void) => () => {
    runs += 1;
    return timed(OPS, () => work(words));
  };
  return {
    title,
    cases: [
      { name: `Atomics: ${title}`, sample: sample(bare) },
      { name: `shm/atomics: ${title}`, baseline: `Atomics: ${title}`, sample: sample(ours) },
    ],
    check: () =>
      words[WORD] === ((runs * OPS) | 0) ? null : `the word holds ${words[WORD]}, ${runs * OPS} were added`,
  };
}

function* groups(): Generator<BenchGroup> {
  yield pair("add", addBare, addOurs);
  yield pair("compare and exchange", casBare, casOurs);
  yield pair("load and store", loadStoreBare, loadStoreOurs);
}

export const ATOMICS: BenchSuite = { name: "atomics", title: "shm/atomics.ts beside bare Atomics", groups };
