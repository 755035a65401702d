/**
 * A measurement row as models see it: the normalised fields of one published figure.
 *
 * Keys and values are those of the measurement vocabulary (docs: data/VOCABULARY.md). A predictor may read `topic`, `system`,
 * `workload`, `quantity` and `statistic`, never `id`, `group`, `source` or the value.
 */

/** Scalars of the system and workload parts. */
export type RowScalar = string | number | boolean;
/** Keys of the vocabulary that a row states; absent = not published or the default of the key. */
export type RowKeys = Readonly<Record<string, RowScalar>>;

/** What a predictor is given. */
export interface RowQuestion {
  readonly topic: string;
  readonly system: RowKeys;
  readonly workload: RowKeys;
  readonly quantity: string;
  readonly statistic: string;
}

/** The reasons for which a row may be unsupported: a closed list, and the size of an error is not in it. */
export type UnsupportedReason = "quantity-not-simulated" | "system-not-described" | "software-outside-model";

/** A prediction in the row's SI unit, or why there is none. */
export type Prediction =
  | { readonly status: "ok"; readonly valueSi: number }
  | { readonly status: "unsupported"; readonly reason: UnsupportedReason; readonly detail: string };

/** A prediction of `valueSi` (bytes_per_s, per_s, s, count or ratio). */
export function predicted(valueSi: number): Prediction {
  return { status: "ok", valueSi };
}

/** No prediction; `detail` names the key that decides. */
export function unsupported(reason: UnsupportedReason, detail: string): Prediction {
  return { status: "unsupported", reason, detail };
}

/** A number of a key, or the default. */
export function rowNumber(keys: RowKeys, key: string, otherwise: number): number {
  const value = keys[key];
  return typeof value === "number" ? value : otherwise;
}

/** A word of a key, or the default. */
export function rowText(keys: RowKeys, key: string, otherwise: string): string {
  const value = keys[key];
  return typeof value === "string" ? value : otherwise;
}

/** A switch of a key, or the default. */
export function rowFlag(keys: RowKeys, key: string, otherwise: boolean): boolean {
  const value = keys[key];
  return typeof value === "boolean" ? value : otherwise;
}
