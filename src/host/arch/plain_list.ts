/**
 * A plain description of a list, made into the arena's scatterlist: what tests, cases and tools write down.
 */
import { PAGE_BYTES, type Phys } from "../../base/addr.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import type { HostContext } from "../context.ts";
import { sgSetPage, sgSetPfn } from "../dma/scatterlist.ts";
import { allocSg } from "../dma/sg_table.ts";

/** One entry: memory by `phys`, or by the page it names and an offset that may exceed it. */
export interface PlainEntry {
  readonly phys?: Phys;
  /** First byte of the page that the entry names; with it, `offset` counts from there. */
  readonly pagePhys?: Phys;
  readonly offset?: number;
  readonly length: number;
  /** Default true. */
  readonly hasPage?: boolean;
  /** Kernel virtual address; missing = the linear map for entries with a page, null = none. */
  readonly kva?: number | null;
}

/** The list in the arena, in the form that an ArchRequest takes. */
export interface PlainList {
  /** Handle, or -(failure code) when the pool is exhausted. */
  readonly sg: number;
  readonly nents: number;
  readonly entryKva: readonly (number | null)[];
}

/** Builds the list; give it back with freeSg. */
export function listOfEntries(ctx: HostContext, entries: readonly PlainEntry[]): PlainList {
  const sg = allocSg(ctx.arena, ctx.lockOwner, entries.length);
  const entryKva: (number | null)[] = [];
  let at = sg;
  for (const entry of entries) {
    if (sg <= 0) break;
    const { pfn, offset } = placeOf(entry);
    const hasPage = entry.hasPage ?? true;
    if (hasPage) sgSetPage(ctx.arena, at, pfn, entry.length, offset);
    else sgSetPfn(ctx.arena, at, pfn, entry.length, offset);
    entryKva.push(entry.kva !== undefined ? entry.kva : hasPage ? pfn * PAGE_BYTES + offset : null);
    at = sgNext(ctx.arena, at);
  }
  return { sg, nents: entries.length, entryKva };
}

function placeOf(entry: PlainEntry): { pfn: number; offset: number } {
  const page = entry.pagePhys;
  if (page !== undefined) return { pfn: Math.floor(page / PAGE_BYTES), offset: entry.offset ?? 0 };
  const phys = (entry.phys ?? 0) + (entry.offset ?? 0);
  const pfn = Math.floor(phys / PAGE_BYTES);
  return { pfn, offset: phys - pfn * PAGE_BYTES };
}
