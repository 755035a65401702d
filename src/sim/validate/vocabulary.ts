/**
 * Checks of a row's keys against the vocabulary: a value of the wrong type or out of range is a mistake in the file, a word or a key
 * that the vocabulary does not have makes the row unsupported (a later edition of the vocabulary may have more).
 */
import { type Prediction, type RowKeys, type RowQuestion, type RowScalar, unsupported } from "./row.ts";
import { type KeyKind, SYSTEM_KEYS, WORKLOAD_KEYS } from "./vocabulary_keys.ts";

/** Keys whose unknown words name software, not hardware. */
const SOFTWARE_KEYS: ReadonlySet<string> = new Set(["app", "driver", "transport", "api", "os", "variant"]);

/** A value that its key cannot have. */
export interface KeyProblem {
  readonly part: "system" | "workload";
  readonly key: string;
  readonly value: RowScalar;
  readonly what: string;
  readonly limit: string;
}

/** The first value of the wrong type or out of its range; null when all fit. */
export function wrongValue(system: RowKeys, workload: RowKeys): KeyProblem | null {
  return wrongIn("system", system, SYSTEM_KEYS) ?? wrongIn("workload", workload, WORKLOAD_KEYS);
}

function wrongIn(part: "system" | "workload", keys: RowKeys, kinds: Readonly<Record<string, KeyKind>>) {
  for (const [key, value] of Object.entries(keys)) {
    const limit = violated(kinds[key], value);
    if (limit !== null) return { part, key, value, what: "not a value of this key", limit };
  }
  return null;
}

/** What the value should have been; null when it fits or the key is not known. */
function violated(kind: KeyKind | undefined, value: RowScalar): string | null {
  if (kind === undefined) return null;
  if (kind.kind === "switch") return typeof value === "boolean" ? null : "true or false";
  if (kind.kind !== "number") return typeof value === "string" ? null : "a word";
  const fits = typeof value === "number" && value >= kind.min && value <= kind.max;
  if (fits && (!kind.whole || Number.isInteger(value))) return null;
  return `a ${kind.whole ? "whole " : ""}number from ${kind.min} to ${kind.max}`;
}

/** Unsupported when the row uses a key or a word that the vocabulary does not have; null when it knows all. */
export function unknownWord({ system, workload }: RowQuestion): Prediction | null {
  return unknownIn(system, SYSTEM_KEYS) ?? unknownIn(workload, WORKLOAD_KEYS);
}

function unknownIn(keys: RowKeys, kinds: Readonly<Record<string, KeyKind>>): Prediction | null {
  for (const [key, value] of Object.entries(keys)) {
    const kind = kinds[key];
    if (kind === undefined) return unsupported("system-not-described", `no key "${key}" in the vocabulary`);
    if (kind.kind !== "word" || kind.words.includes(String(value))) continue;
    const reason = SOFTWARE_KEYS.has(key) ? "software-outside-model" : "system-not-described";
    return unsupported(reason, `${key} "${value}" is not in the vocabulary`);
  }
  return null;
}
