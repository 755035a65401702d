/**
 * Entries without a struct page: which rows take them, which refuse, and in whose words.
 *
 * Lists may mix page-less and page-backed entries: direct I/O crosses from a DAX mapping into ordinary memory. The
 * series of 2015 gates cache work on *has a page*, not on *has a virtual address*; the two differ for high memory
 * (page, no address) and for page-less memory that somebody mapped (address, no page).
 */
import { hex } from "../../base/addr.ts";
import type { Arena } from "../../shm/arena.ts";
import { sgHasPage, sgPhys } from "../dma/scatterlist.ts";
import { eachEntry, kvaOf, NO_VA } from "./entry.ts";
import type { ArchRequest, ArchRow, PagelessOutcome, PagelessRule } from "./types.ts";
import type { ArchWork } from "./work.ts";

const SITES: Readonly<Partial<Record<PagelessOutcome, string>>> = {
  "needs-page": "struct page",
  "needs-va": "kernel virtual address",
  "needs-map-pfn": "map_page",
  "coherence-index": "coherence-index",
};

/** The row's rule for the request's kernel. */
export function pagelessRule(row: ArchRow, request: ArchRequest): PagelessRule {
  return row.pageless[request.series];
}

/** Refuses a list that the row's code cannot take; false when it did. Nothing is mapped before this. */
export function acceptsList(row: ArchRow, request: ArchRequest, work: ArchWork): boolean {
  const rule = pagelessRule(row, request);
  const site = SITES[rule.outcome];
  if (site === undefined || (request.converted === true && row.pageless.conversion !== undefined)) return true;
  eachEntry(request, (sg, entry) => {
    if (isMissing(rule, request, entry, sg)) work.refuse(site, entry, refusalText(row, entry, rule));
  });
  return work.refusal === null;
}

/**
 * Refuses a list with a private page of a device; false when it did. No row has such memory of its own (DEVICE_PRIVATE came
 * with 4.14): the reason is what its code would have made of the made-up page frame.
 */
export function acceptsPages(row: ArchRow, request: ArchRequest, work: ArchWork): boolean {
  const { unresolved } = request;
  if (unresolved === undefined) return true;
  eachEntry(request, (sg, entry) => {
    if (entry !== unresolved) return;
    const phys = sgPhys(request.ctx.arena, sg);
    work.refuse("private page", entry, `${row.name}: entry ${entry} is private device memory: ${madeUp(row, phys)}`);
  });
  return work.refusal === null;
}

/** What the row's code would take the frame of a private page for. */
function madeUp(row: ArchRow, phys: number): string {
  const outcome = row.pageless.before.outcome;
  if (outcome === "needs-va" || outcome === "coherence-index") {
    return `page_address() of its made-up frame is no kernel address of memory (${hex(phys)} in the linear map)`;
  }
  if (outcome === "needs-map-pfn") return `map_page() would get a made-up frame, at ${hex(phys)} nothing decodes`;
  if (row.translation !== "none") return `a translation to page_to_phys() ${hex(phys)} leads nowhere`;
  return `page_to_phys() gives ${hex(phys)}, which nothing decodes`;
}

/** True when cache work on the entry is left out because it has no page; counts it. */
export function skipsCacheWork(row: ArchRow, request: ArchRequest, work: ArchWork, sg: number): boolean {
  if (pagelessRule(row, request).outcome !== "skips-flush" || hasPage(request.ctx.arena, sg)) return false;
  work.skippedFlushes += 1;
  return true;
}

function isMissing(rule: PagelessRule, request: ArchRequest, entry: number, sg: number): boolean {
  if (rule.outcome !== "coherence-index") return !hasPage(request.ctx.arena, sg);
  if (kvaOf(request, entry, sg) !== NO_VA) return false;
  const policy = request.pagelessPolicy ?? "refuse";
  return policy === "refuse" || (policy === "user-alias" && request.userVa?.[entry] === undefined);
}

function hasPage(arena: Arena, sg: number): boolean {
  return sgHasPage(arena, sg);
}

function refusalText(row: ArchRow, entry: number, rule: PagelessRule): string {
  return `${row.name}: entry ${entry} ${rule.why}`;
}
