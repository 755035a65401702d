/**
 * What a row may ask about one scatterlist entry: its physical address, its page, its kernel virtual address.
 */
import { alignDownWide, PAGE_BYTES, type Phys } from "../../base/addr.ts";
import { defined } from "../../base/assert.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { sgHasPage, sgOffset, sgPfn, sgPhys } from "../dma/scatterlist.ts";
import type { LinearTable } from "./linear_iommu.ts";
import type { ArchRequest } from "./types.ts";

/** No kernel virtual address. */
export const NO_VA = -1;

/**
 * sg_virt of entry `entry`: what the caller states, else the linear map, where virtual and physical addresses are the same
 * here. Page-less memory and high memory have none.
 */
export function kvaOf(request: ArchRequest, entry: number, sg: number): number {
  const stated = request.entryKva?.[entry];
  if (stated !== undefined) return stated ?? NO_VA;
  const arena = request.ctx.arena;
  const phys = sgPhys(arena, sg);
  return sgHasPage(arena, sg) && phys < (request.highmemStart ?? Number.POSITIVE_INFINITY) ? phys : NO_VA;
}

/** page_to_phys(sg_page(sg)): the page the entry names, which is not the data's page when the offset exceeds a page. */
export function pagePhys(request: ArchRequest, sg: number): Phys {
  return sgPfn(request.ctx.arena, sg) * PAGE_BYTES;
}

/**
 * First page to translate. Before the series page_to_phys(sg_page(sg)), after it sg_phys(sg) & PAGE_MASK, which is a later
 * page when the offset is a page or more: the second rewrite rule of the series is not an identity.
 */
export function translatedPage(request: ArchRequest, sg: number): Phys {
  if (request.series === "before") return pagePhys(request, sg);
  return alignDownWide(sgPhys(request.ctx.arena, sg), request.unit.pageBytes);
}

/** True when the data begins behind the page that the entry names. */
export function offsetExceedsPage(request: ArchRequest, sg: number): boolean {
  return sgOffset(request.ctx.arena, sg) >= request.unit.pageBytes;
}

/** Calls `visit` for the first `nents` entries. */
export function eachEntry(request: ArchRequest, visit: (sg: number, entry: number) => void): void {
  let at = request.sg;
  for (let i = 0; i < request.nents && at !== 0; i += 1) {
    visit(at, i);
    at = sgNext(request.ctx.arena, at);
  }
}

/** The linear table of a request whose row has one. */
export function tableOf(request: ArchRequest): LinearTable {
  return defined(request.unit.table ?? undefined, "the unit's linear table");
}
