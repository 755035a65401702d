/**
 * Reading a case's `given` by name: numbers may be JSON numbers or hexadecimal text, most fields have a default,
 * unknown fields are left alone.
 */
import { DMA_MAPPING_ERROR } from "../../base/addr.ts";

/** A JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** The case asks for something that no adapter knows: reported as unsupported, with the reason. */
export class Unsupported extends Error {
  override readonly name = "Unsupported";
}

/** The case cannot be read: reported as failed, with the message. */
export class UnreadableCase extends Error {
  override readonly name = "UnreadableCase";
}

const NUMBER = /^-?(0x[0-9a-f]+|\d+)$/i;
/** More entries, allocations or steps than this are a slip of the pen. */
const COUNT_MAX = 2 ** 22;
const ERROR_WORD = "DMA_MAPPING_ERROR";
const ALL_ONES = /^0xf{16}$/i;

/** Number of a JSON number or of decimal or hexadecimal text; undefined for anything else. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || !NUMBER.test(value)) return undefined;
  return value.startsWith("-") ? -Number(value.slice(1)) : Number(value);
}

/** True for a plain JSON object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** One object of a case's `given`, with its path for messages. */
export class Given {
  readonly fields: Fields;
  readonly path: string;

  constructor(fields: Fields, path = "given") {
    this.fields = fields;
    this.path = path;
  }

  /** True when the field is there and not null. */
  has(name: string): boolean {
    return this.raw(name) !== undefined;
  }

  /** The field as it stands; undefined when absent or null. */
  raw(name: string): unknown {
    return Object.hasOwn(this.fields, name) ? (this.fields[name] ?? undefined) : undefined;
  }

  number(name: string, fallback?: number): number {
    const value = this.raw(name);
    if (value === undefined && fallback !== undefined) return fallback;
    return this.#decode(value, name);
  }

  /** How many of something the case makes: a whole number that a run can hold. */
  count(name: string, fallback?: number): number {
    const value = this.number(name, fallback);
    if (Number.isInteger(value) && value >= 0 && value <= COUNT_MAX) return value;
    throw new UnreadableCase(`${this.path}.${name} is not a whole number from 0 to ${COUNT_MAX}`);
  }

  /** An address or a mask: all ones of 64 bits, or the word for it, is DMA_MAPPING_ERROR; larger values saturate there. */
  address(name: string, fallback?: number): number {
    const value = this.raw(name);
    if (value === undefined && fallback !== undefined) return fallback;
    return this.#saturate(value, name);
  }

  text(name: string, fallback?: string): string {
    const value = this.raw(name) ?? fallback;
    if (typeof value === "string") return value;
    if (typeof value === "number") return String(value);
    throw this.#unreadable(name, "text");
  }

  /** Booleans, 0 and 1; absent is false unless `fallback` says otherwise. */
  flag(name: string, fallback = false): boolean {
    const value = this.raw(name) ?? fallback;
    if (typeof value === "boolean") return value;
    if (value === 0 || value === 1) return value === 1;
    throw this.#unreadable(name, "true or false");
  }

  /** A list; a single value counts as a list of one. */
  list(name: string, fallback?: readonly unknown[]): readonly unknown[] {
    const value = this.raw(name);
    if (Array.isArray(value)) return value;
    if (value !== undefined) return [value];
    if (fallback !== undefined) return fallback;
    throw this.#unreadable(name, "a list");
  }

  numbers(name: string, fallback?: readonly number[]): number[] {
    return this.list(name, fallback).map((value, index) => this.#decode(value, `${name}[${index}]`));
  }

  /** Like {@link address} for every element. */
  addresses(name: string, fallback?: readonly number[]): number[] {
    return this.list(name, fallback).map((value, index) => this.#saturate(value, `${name}[${index}]`));
  }

  /** The objects of a list. */
  records(name: string, fallback?: readonly Fields[]): Given[] {
    return this.list(name, fallback).map((value, index) => {
      if (!isFields(value)) throw this.#unreadable(`${name}[${index}]`, "an object");
      return new Given(value, `${this.path}.${name}[${index}]`);
    });
  }

  /** Tuples of numbers, e.g. `[["0x1000", 4096]]`. */
  tuples(name: string): number[][] {
    return this.list(name).map((value, index) => {
      if (!Array.isArray(value)) throw this.#unreadable(`${name}[${index}]`, "a list");
      return value.map((item, at) => this.#saturate(item, `${name}[${index}][${at}]`));
    });
  }

  /** The object in a field; undefined when absent. */
  record(name: string): Given | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (!isFields(value)) throw this.#unreadable(name, "an object");
    return new Given(value, `${this.path}.${name}`);
  }

  /** Last byte that `mask_bits` (or a `mask` in full) lets a device name; may exceed what a Number holds exactly. */
  maskBits(fallback = 64): number {
    if (this.has("mask_bits")) return 2 ** this.number("mask_bits") - 1;
    return this.has("mask") ? this.number("mask") : 2 ** fallback - 1;
  }

  #decode(value: unknown, name: string): number {
    const decoded = numberOf(value);
    if (decoded === undefined) throw this.#unreadable(name, "a number");
    return decoded;
  }

  #saturate(value: unknown, name: string): number {
    if (value === ERROR_WORD || (typeof value === "string" && ALL_ONES.test(value))) return DMA_MAPPING_ERROR;
    return Math.min(this.#decode(value, name), DMA_MAPPING_ERROR);
  }

  #unreadable(name: string, wanted: string): UnreadableCase {
    return new UnreadableCase(`${this.path}.${name} is not ${wanted}`);
  }
}
