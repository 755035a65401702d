/** Architectures' outcomes in few words. */
import type { ArchRun, ArchView, CacheWork } from "../../sim/mapping/archs.ts";

const PAGELESS_WORDS: Readonly<Record<string, string>> = {
  works: "works",
  "skips-flush": "works, no flush",
  untouched: "left unset",
  "needs-page": "✗ struct page",
  "needs-va": "✗ kernel VA",
  "needs-map-pfn": "✗ map_pfn",
  "coherence-index": "✗ coherence index",
};

const MERGING_WORDS: Readonly<Record<string, string>> = {
  none: "–",
  "page-join": "page seam",
  "contiguous-or-join": "adjacent or page",
  "contiguous-and-aligned": "adjacent + page",
};

/** What joins two neighbours: a seam on pages, adjacent memory, either, or only both at once. */
export function mergingWords(merging: string): string {
  return MERGING_WORDS[merging] ?? merging;
}

/** What becomes of an entry without a struct page. */
export function pagelessWords(outcome: string): string {
  return PAGELESS_WORDS[outcome] ?? outcome;
}

/** `works` where both kernels do the same, else `✗ struct page → works`. */
export function pagelessChange({ pageless }: Pick<ArchView, "pageless">): string {
  const before = pagelessWords(pageless.before.outcome);
  const after = pagelessWords(pageless.after.outcome);
  return before === after ? before : `${before} → ${after}`;
}

/** `3` segments, or `✗`. */
export function runWords({ ret }: ArchRun): string {
  return ret > 0 ? String(ret) : "✗";
}

/** `2 invalidate`; `–` for none. */
export function cacheWords(work: readonly CacheWork[]): string {
  return work.length === 0 ? "–" : work.map(({ op, count }) => `${count} ${op}`).join(", ");
}
