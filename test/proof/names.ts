import { REGIONS } from "#dmasim/shm/layout.js";

/** `region[index].field` of a word of the arena's control part, as `layout.ts` declares it. */
export function wordName(word: number): string {
  const region = Object.values(REGIONS).find(
    (each) => word >= each.word && word < each.word + each.stride * each.count,
  );
  if (region === undefined) return `word ${word}`;
  const index = Math.floor((word - region.word) / region.stride);
  const within = (word - region.word) % region.stride;
  const field = region.record.fields.findLast((each) => each.word <= within);
  const at = within - (field?.word ?? 0);
  return `${region.name}[${index}].${field?.name ?? within}${(field?.words ?? 1) > 2 ? `[${at}]` : ""}`;
}
