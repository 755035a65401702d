/** Architectures by the words of `--arch`. */
import { ARCHITECTURES, archNamed } from "../../host/arch/table.ts";
import type { ArchRow } from "../../host/arch/types.ts";

/** Rows of one name, or of `all`. Throws one DmasimError for an unknown name. */
export function archRows(word: string): readonly ArchRow[] {
  return word === "all" ? ARCHITECTURES : [archNamed(word)];
}
