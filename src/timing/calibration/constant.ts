/**
 * Constants of the timing model: every number carries its unit, its source and how much it may be trusted.
 *
 * A calibrated constant was fitted once, per mechanism or per named system, to published rows (never to one row);
 * a literature constant is stated by a source; an assumed one waits for a source. Models read them by name through
 * {@link Constants}, so that a hold-out calibration can replace values and a report can list those that were used.
 */
import { assert } from "../../base/assert.ts";

/** How much a constant may be trusted. */
export type ConstantStatus = "calibrated" | "literature" | "assumed";

/** One number of the timing model. */
export interface Constant {
  readonly value: number;
  /** SI-like unit in words: `ns`, `GB/s`, `lines`, `ratio`. */
  readonly unit: string;
  readonly status: ConstantStatus;
  /** Paper, list message or specification section; of an assumed value the reason. */
  readonly source: string;
  /** Topics of the measurement vocabulary whose rows calibrated it; empty unless calibrated. */
  readonly topics: readonly string[];
  /** Bounds that a calibration may move it in; absent = a factor of two either way. */
  readonly range?: readonly [number, number];
}

/** Constants by dotted name: `mechanism.quantity` or `system.mechanism.quantity`. */
export type ConstantTable = Readonly<Record<string, Constant>>;

/** A constant that a source states. */
export function literature(value: number, unit: string, source: string): Constant {
  return { value, unit, status: "literature", source, topics: [] };
}

/** A constant fitted to the rows of `topics`. */
export function calibrated(
  value: number,
  unit: string,
  source: string,
  topics: readonly string[],
  range?: readonly [number, number],
): Constant {
  return range === undefined
    ? { value, unit, status: "calibrated", source, topics }
    : { value, unit, status: "calibrated", source, topics, range };
}

/** A constant without a source of its own. */
export function assumed(value: number, unit: string, reason: string): Constant {
  return { value, unit, status: "assumed", source: reason, topics: [] };
}

/** Values by name, with replaced ones; remembers which were asked for. */
export class Constants {
  readonly used = new Set<string>();
  readonly #table: ConstantTable;
  readonly #replaced: Readonly<Record<string, number>>;

  constructor(table: ConstantTable, replaced: Readonly<Record<string, number>> = {}) {
    this.#table = table;
    this.#replaced = replaced;
  }

  has(name: string): boolean {
    return this.#table[name] !== undefined;
  }

  /** Value of a constant that must exist. */
  get(name: string): number {
    const constant = this.#table[name];
    assert(constant !== undefined, "no such constant of the timing model");
    this.used.add(name);
    return this.#replaced[name] ?? constant.value;
  }

  /** Value of the first of `names` that exists: the named system's own, then its family's, then the general one. */
  first(...names: readonly string[]): number {
    for (const name of names) if (this.has(name)) return this.get(name);
    return this.get(names[names.length - 1] ?? "");
  }
}
