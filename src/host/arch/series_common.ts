/**
 * What the series of 2015 changes around the ops tables: the helpers of patch 1, dma-debug (patch 3) and the wrapper's
 * kmemcheck marks (patch 31).
 */
import { sgHasPage, sgLength, sgPfn } from "../dma/scatterlist.ts";
import { eachEntry, kvaOf } from "./entry.ts";
import type { ArchRequest } from "./types.ts";

/** sg_has_page as patch 1 defines it: true for every entry, since no page-less one can exist yet. */
export function sgHasPageOfPatch1(): boolean {
  return true;
}

/** What dma-debug notes about one entry. */
export interface DebugEntry {
  readonly pfn: number;
  /** Checked for memory on the stack and in the kernel's text. */
  readonly isChecked: boolean;
}

/** Entries as dma-debug records them; null = it would dereference a page that does not exist. */
export function debugEntries(request: ArchRequest): readonly DebugEntry[] | null {
  const entries: DebugEntry[] = [];
  let broken = false;
  eachEntry(request, (sg) => {
    const hasPage = sgHasPage(request.ctx.arena, sg);
    if (!hasPage && request.series === "before") broken = true;
    entries.push({ pfn: sgPfn(request.ctx.arena, sg), isChecked: hasPage });
  });
  return broken ? null : entries;
}

/** Ranges that the wrapper marks as initialised for kmemcheck; null = it would take sg_virt of an entry without a page. */
export function kmemcheckMarks(
  request: ArchRequest,
): readonly { readonly entry: number; readonly kva: number; readonly bytes: number }[] | null {
  const marks: { entry: number; kva: number; bytes: number }[] = [];
  let broken = false;
  eachEntry(request, (sg, entry) => {
    const { arena } = request.ctx;
    if (sgHasPage(arena, sg)) marks.push({ entry, kva: kvaOf(request, entry, sg), bytes: sgLength(arena, sg) });
    else if (request.series === "before") broken = true;
  });
  return broken ? null : marks;
}
