/**
 * The page-table walk of an IOMMU unit.
 *
 * Words:      reads DOMAIN.rootFrame, entries, DOMAIN.tableGeneration; writes none (no accessed or dirty bits).
 * Invariants: a result is a leaf that stood in the tree at one moment of the call.
 * Ordering:   the generation is loaded before the root and after the leaf; entries by 64-bit atomic loads.
 * Progress:   lock-free: a walk starts again only when tables were taken out meanwhile.
 * Proof:      test/litmus/iotlb.test.ts (table reuse), test/proof (table reuse)
 */
import type { Iova, Phys } from "../base/addr.ts";
import type { Arena } from "../shm/arena.ts";
import { load } from "../shm/atomics.ts";
import { domainWord } from "../shm/domain_record.ts";
import { DOMAIN } from "../shm/layout.ts";
import { ENTRY_BYTES, type PageTableFormat, tableIndex } from "./format.ts";
import { type FoundPage, findMapping } from "./mapping_list.ts";
import { rootTable, tableAt } from "./tables.ts";

/** Outcome of a walk; preallocated by the caller and overwritten. */
export class WalkResult implements FoundPage {
  /** First byte of the page. */
  phys: Phys = 0;
  /** log2 of the page's bytes. */
  pageShift = 0;
  /** PROT bits of the leaf. */
  prot = 0;
  /** Entries read from memory, the leaf included; counts also when nothing was found. 1 for the look-up in a list. */
  levels = 0;
}

/** Finds the leaf of `iova`. False when there is none; then only `out.levels` holds. */
export function walk(arena: Arena, domain: number, format: PageTableFormat, iova: Iova, out: WalkResult): boolean {
  const word = domainWord(domain) + DOMAIN.tableGeneration;
  out.levels = 0;
  if (format.isList) return findMapping(arena, domain, format, iova, out);
  for (;;) {
    const generation = load(arena.i32, word);
    const found = walkOnce(arena, domain, format, iova, out);
    if (load(arena.i32, word) === generation) return found;
  }
}

function walkOnce(arena: Arena, domain: number, format: PageTableFormat, iova: Iova, out: WalkResult): boolean {
  let table = rootTable(arena, domain);
  if (table < 0 || iova >= format.addressLimit) return false;
  for (let level = format.levels; level > 0; level -= 1) {
    const lo = arena.ops.load64(table + tableIndex(format, iova, level) * ENTRY_BYTES);
    out.levels += 1;
    if (!format.isPresent(lo)) return false;
    if (format.isLeaf(lo, level)) {
      const hi = arena.ops.hi();
      out.phys = format.leafPhys(lo, hi, level);
      out.pageShift = format.replicates ? format.leafShift(lo, hi, level) : (format.levelShifts[level] as number);
      out.prot = format.leafProt(lo, hi);
      return true;
    }
    table = tableAt(lo);
  }
  return false;
}
