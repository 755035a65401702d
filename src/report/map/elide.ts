/** Which entries of a long list are drawn: its beginning, its end, and those that a reader has to see. */

/** Lists up to this long are drawn whole. */
const ENTRIES_WHOLE = 24;
const HEAD = 10;
const TAIL = 5;
const AROUND = 1;

/** An entry to draw, or `count` entries from `first` that are not. */
export type Item = { readonly entry: number } | { readonly first: number; readonly count: number };

/** Items in list order for `total` entries; `focus` is kept in sight with its neighbours (null = none). */
export function elide(total: number, focus: number | null): readonly Item[] {
  const shown = (index: number) =>
    total <= ENTRIES_WHOLE ||
    index < HEAD ||
    index >= total - TAIL ||
    (focus !== null && Math.abs(index - focus) <= AROUND);
  const items: Item[] = [];
  for (let index = 0; index < total; index += 1) {
    if (shown(index)) items.push({ entry: index });
    else items.push(...hide(items, index));
  }
  return items;
}

/** Adds `index` to the gap at the end of `items`, or begins one. */
function hide(items: Item[], index: number): Item[] {
  const last = items.at(-1);
  if (last === undefined || "entry" in last) return [{ first: index, count: 1 }];
  items.pop();
  return [{ first: last.first, count: last.count + 1 }];
}
