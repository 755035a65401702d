/** Previews of mappings from short words. */
import { previewMapping } from "#dmasim/sim/mapping/preview.js";
import { type MapWords, resolveMapRequest } from "#dmasim/sim/mapping/request.js";
import { type MappingSurvey, surveyMapping } from "#dmasim/sim/mapping/survey.js";
import type { Mapped, MappingPreview, RefusalView } from "#dmasim/sim/mapping/view.js";

/** Words of a request; `set` is `path: value` as `--set` takes them. */
export interface PreviewWords extends Omit<MapWords, "entries" | "set"> {
  readonly set?: Readonly<Record<string, string | number | boolean>>;
}

function wordsOf(entries: readonly string[], { set = {}, ...words }: PreviewWords): MapWords {
  return { ...words, entries, set: Object.entries(set).map(([path, value]) => ({ path, value: String(value) })) };
}

export function preview(entries: readonly string[], words: PreviewWords = {}): MappingPreview {
  return previewMapping(resolveMapRequest(wordsOf(entries, words)));
}

export function survey(entries: readonly string[], words: PreviewWords = {}): MappingSurvey {
  return surveyMapping(resolveMapRequest(wordsOf(entries, words)));
}

/** The mapping of a preview that succeeded and left nothing behind. */
export function mappedOf({ mapped, refusal, leaks }: MappingPreview): Mapped {
  if (mapped === null) throw new Error(`refused: ${refusal?.name}: ${refusal?.comparison}`);
  if (leaks.length > 0) throw new Error(`leaks: ${JSON.stringify(leaks)}`);
  return mapped;
}

/** The refusal of a preview that left nothing behind. */
export function refusalOf({ refusal, leaks }: MappingPreview): RefusalView {
  if (refusal === null) throw new Error("the list was mapped");
  if (leaks.length > 0) throw new Error(`leaks: ${JSON.stringify(leaks)}`);
  return refusal;
}

/** Entries of 4 KiB in ram0, `step` bytes apart. */
export function pagesApart(count: number, step: number): string[] {
  return Array.from({ length: count }, (_, index) => `ram0+${index * step}+4k`);
}
