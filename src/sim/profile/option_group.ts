/** Shapes of the option table. */

/**
 * Form of a value: `set` and `optional` may stand without one; a plural takes `read,write[,trim]`; `sizepercent` is a size or
 * a percentage; the rest are fio's own types.
 */
export type OptionType =
  | "str"
  | "optional"
  | "set"
  | "bool"
  | "int"
  | "ints"
  | "float"
  | "percent"
  | "percents"
  | "size"
  | "sizes"
  | "sizepercent"
  | "sizerange"
  | "sizeranges"
  | "time"
  | "times"
  | "timerange"
  | "bssplit"
  | "distribution";

/** `honoured`: a job here does it. `ignored`: known, no meaning here. `refused`: would change the load, so a value is an error. */
export type OptionMeaning = "honoured" | "ignored" | "refused";

/** Options that share a meaning; `options` lists `name|alias=type` words. */
export interface OptionGroup {
  readonly meaning: OptionMeaning;
  /** One word: what part of the world the options belong to. */
  readonly reason: string;
  /** Way out of a refused option. */
  readonly remedy?: string;
  readonly options: string;
}
