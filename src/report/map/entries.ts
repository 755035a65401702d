/** The list alone, on one line: for pages that draw no addresses. */
import { hex } from "../../base/addr.ts";
import type { MappingPreview } from "../../sim/mapping/view.ts";
import { plural } from "../figures.ts";
import { plain, type Screen, wrap } from "../style.ts";

const ENTRIES_SHOWN = 8;

/** Direction and entries; what has no struct page says so. */
export function renderEntries(screen: Screen, { request, entries }: MappingPreview): string[] {
  const shown = entries.slice(0, ENTRIES_SHOWN).map((entry) => {
    const page = entry.hasPage ? "" : " (no page)";
    return `${entry.region} ${hex(entry.privatePage?.phys ?? entry.phys)}+${hex(entry.bytes)}${page}`;
  });
  const more = entries.length > ENTRIES_SHOWN ? `, … ${entries.length - ENTRIES_SHOWN} more` : "";
  const text = `${request.dir} · ${plural(entries.length, "entry", "entries")}: ${shown.join(", ")}${more}`;
  return wrap(plain(text), screen.width).map((line) => screen.colors.dim(line));
}
