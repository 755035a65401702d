/** A scatterlist entry as the preview knows it. */
import type { Phys } from "../../base/addr.ts";
import type { PhysRegion } from "../../memory/physmap.ts";

/** How an entry was written: by the kind of its memory, or by its frame alone. */
export type EntryKind = "ram" | "pmem" | "bar" | "pfn";

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
}

/** Kind of memory by the region that holds it. */
export function kindOf(region: PhysRegion): Exclude<EntryKind, "pfn"> {
  if (region.kind === "device") return "bar";
  return region.kind === "pmem" ? "pmem" : "ram";
}
