/**
 * The small language in which `layout.ts` declares bytes: records made of named fields, and regions made of records.
 *
 * A field is addressed by its word index inside the record (`RECORD.field`), a record by the word
 * index of its first word. Word indexes stay below 2^30, so they are small integers for V8.
 * A `f64` field is 8-byte aligned and read through the Float64Array at `(base + RECORD.field) >>> 1`.
 */
import { assert } from "../base/assert.ts";

/** How a field is stored; `line` and `pad` only move what follows. */
export type FieldKind = "u32" | "f64" | "mutex" | "line" | "pad";

/** Who stores to the field; everyone may read. */
export type Owner = "coordinator" | "producer" | "consumer" | "worker" | "holder" | "any" | "cpu" | "engine" | "mapper";

/** A field before its record places it. */
export interface FieldSpec {
  readonly kind: FieldKind;
  readonly owner: Owner;
  readonly note: string;
  /** Array length in elements of the kind. */
  readonly count: number;
  /** Lock rank, for `mutex` fields (DESIGN section 5). */
  readonly rank: number;
}

/** A field of one word, or an array of `count` words. */
export function u32(owner: Owner, note: string, count = 1): FieldSpec {
  return { kind: "u32", owner, note, count, rank: 0 };
}

/** A field of one 64-bit number, or an array of `count`; 8-byte aligned. */
export function f64(owner: Owner, note: string, count = 1): FieldSpec {
  return { kind: "f64", owner, note, count, rank: 0 };
}

/** A lock word; rank orders acquisition (rising only). */
export function mutex(rank: number, note: string): FieldSpec {
  return { kind: "mutex", owner: "holder", note, count: 1, rank };
}

/** Starts a new 64-byte line: what follows has another writer than what stands before. */
export function line(note = ""): FieldSpec {
  return { kind: "line", owner: "any", note, count: 0, rank: 0 };
}

/** A field at its place: first word and words, counted inside the record. */
export interface PlacedField extends FieldSpec {
  readonly name: string;
  readonly word: number;
  readonly words: number;
}

/** What tools print of a record; hot code uses the word indexes alone. */
export interface RecordMeta {
  readonly name: string;
  readonly fields: readonly PlacedField[];
}

/** Word index of every field, plus the record's size. */
export type LayoutRecord<F> = { readonly [K in keyof F]: number } & {
  readonly WORDS: number;
  readonly BYTES: number;
  readonly META: RecordMeta;
};

/** Words of a 64-byte cache line. */
export const LINE_WORDS = 16;

/** Places the fields in order and asserts that the record has exactly `bytes` bytes. */
export function defineRecord<const F extends Readonly<Record<string, FieldSpec>>>(
  name: string,
  bytes: number,
  fields: F,
): LayoutRecord<F> {
  const placed: PlacedField[] = [];
  const words: Record<string, number> = {};
  let at = 0;
  for (const [field, spec] of Object.entries(fields)) {
    if (spec.kind === "line") at = Math.ceil(at / LINE_WORDS) * LINE_WORDS;
    if (spec.kind === "f64" && at % 2 === 1) at += 1;
    const size = spec.count * (spec.kind === "f64" ? 2 : 1);
    if (spec.kind !== "line") placed.push({ ...spec, name: field, word: at, words: size });
    words[field] = at;
    at += size;
  }
  assert(at * 4 <= bytes, `record ${name} fits its declared ${bytes} bytes (needs ${at * 4})`);
  assert(bytes % 4 === 0, `record ${name} is made of whole words`);
  const meta: RecordMeta = Object.freeze({ name, fields: Object.freeze(placed) });
  return Object.freeze({ ...words, WORDS: bytes / 4, BYTES: bytes, META: meta }) as LayoutRecord<F>;
}

/** A region before it is placed: `count` records of one kind. */
export interface RegionSpec {
  readonly record: { readonly BYTES: number; readonly META: RecordMeta };
  readonly count: number;
  readonly note: string;
}

/** A placed array of records. `word + index * stride` is the base of one of them. */
export interface Region {
  readonly name: string;
  readonly note: string;
  readonly record: RecordMeta;
  readonly byte: number;
  readonly word: number;
  /** Words from one record to the next. */
  readonly stride: number;
  readonly count: number;
  readonly bytes: number;
}

const REGION_ALIGN = 4096;

/** Places regions one after the other, each on a page boundary, and asserts that they end at or below `limitBytes`. */
export function placeRegions<const R extends Readonly<Record<string, RegionSpec>>>(
  limitBytes: number,
  specs: R,
): { readonly [K in keyof R]: Region } {
  const placed: Record<string, Region> = {};
  let byte = 0;
  for (const [name, spec] of Object.entries(specs)) {
    const bytes = spec.record.BYTES * spec.count;
    placed[name] = Object.freeze({
      name,
      note: spec.note,
      record: spec.record.META,
      byte,
      word: byte / 4,
      stride: spec.record.BYTES / 4,
      count: spec.count,
      bytes,
    });
    byte = Math.ceil((byte + bytes) / REGION_ALIGN) * REGION_ALIGN;
  }
  assert(byte <= limitBytes, `control regions end below ${limitBytes} (they need ${byte})`);
  // The copy has fixed property slots; an object that was filled key by key stays a hash table for V8.
  return Object.freeze({ ...placed }) as { readonly [K in keyof R]: Region };
}
