/** A scatterlist entry as the preview knows it. */
import type { Phys } from "../../base/addr.ts";
import type { PhysRegion } from "../../memory/physmap.ts";

/** How an entry was written: by the kind of its memory, or by its frame alone. */
export type EntryKind = "ram" | "pmem" | "bar" | "private" | "pfn";

/** What became of a page of private device memory before it was mapped. */
export interface PrivatePlace {
  /** Its fictitious address: the page frame is made up. */
  readonly phys: Phys;
  /**
   * `shown`: by a slot of the BAR, at the entry's `phys`; `migrated`: in RAM; `refused`: see `failure`; `unresolved`: mapped
   * by its fictitious address, by a driver on a machine that does not look.
   */
  readonly outcome: "shown" | "migrated" | "refused" | "unresolved";
  /** Slot and its generation, RAM page; 0 when it has none. */
  readonly slot: number;
  readonly generation: number;
  /** Code of MAP_FAILURES; 0 = the mapping may go on. */
  readonly failure: number;
}

/** One entry, checked: [phys, phys + bytes) lies in one region. */
export interface MapEntry {
  /** As it was written. */
  readonly text: string;
  readonly kind: EntryKind;
  /** Name of the region that holds it. */
  readonly region: string;
  readonly phys: Phys;
  readonly bytes: number;
  /** True when a struct page describes it; a `pfn:` entry has none, whatever lies there. */
  readonly hasPage: boolean;
  /** Set for private device memory; `phys` is then the address that stands for it. */
  readonly privatePage?: PrivatePlace;
}

/** Kind of memory by the region that holds it. */
export function kindOf(region: PhysRegion): Exclude<EntryKind, "pfn"> {
  if (region.kind === "device") return region.memmap === "private" ? "private" : "bar";
  return region.kind === "pmem" ? "pmem" : "ram";
}
