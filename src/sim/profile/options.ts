/**
 * fio's job options as data (fio HOWTO "Job file parameters" and "I/O engine specific parameters").
 *
 * The table knows every option, so that any job file parses and a misspelt option is told apart from one without meaning here.
 */
import { closestWord } from "../../base/closest.ts";
import type { OptionGroup, OptionMeaning, OptionType } from "./option_group.ts";
import { ENGINE_OPTIONS } from "./options_engine.ts";
import { HONOURED_OPTIONS } from "./options_honoured.ts";
import { IGNORED_OPTIONS } from "./options_ignored.ts";
import { REFUSED_OPTIONS } from "./options_refused.ts";

/** One option; `reason` is the word that notes and refusals are grouped by, `remedy` what to do about a refusal. */
export interface FioOption {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly type: OptionType;
  readonly meaning: OptionMeaning;
  readonly reason: string;
  readonly remedy: string | null;
}

/** Every known option, in the order of the groups. */
export const FIO_OPTIONS: readonly FioOption[] = Object.freeze(
  [...HONOURED_OPTIONS, ...REFUSED_OPTIONS, ...IGNORED_OPTIONS, ...ENGINE_OPTIONS].flatMap(expandGroup),
);

const BY_NAME: ReadonlyMap<string, FioOption> = new Map(
  FIO_OPTIONS.flatMap((option) => [option.name, ...option.aliases].map((name) => [name, option] as const)),
);

function expandGroup(group: OptionGroup): FioOption[] {
  return group.options.split(/\s+/).map((word) => {
    const [names = "", type = "str"] = word.split("=");
    const [name = "", ...aliases] = names.split("|");
    const remedy = group.remedy ?? null;
    return {
      name,
      aliases,
      type: type as OptionType,
      meaning: group.meaning,
      reason: group.reason,
      remedy,
    };
  });
}

/** The option of a name or alias; undefined when fio has none of that name. */
export function findOption(name: string): FioOption | undefined {
  return BY_NAME.get(name);
}

/** The known name nearest to a misspelt one; undefined when none is near. */
export function closestOption(name: string): string | undefined {
  return closestWord(name, BY_NAME.keys());
}

/** True when an option of this type may be written without `=value`. */
export function mayStandAlone(option: FioOption): boolean {
  return option.type === "set" || option.type === "bool" || option.type === "optional";
}

/** True when a refused option's value leaves the load as it is. */
export function isNeutral(text: string): boolean {
  return /^(none|0+(\.0+)?[a-z%]*)?$/i.test(text.trim());
}
