/** Slots of the bounce pool behind the entries of a mapped list. */
import type { Phys } from "../../base/addr.ts";
import { DIR } from "../../host/dma/device.ts";
import { granuleBytes } from "../../host/dma/limits.ts";
import { dmaToPhys } from "../../host/dma/range_map.ts";
import { allocationBytes } from "../../host/swiotlb/bounce.ts";
import { SLOT_BYTES, slotWord } from "../../host/swiotlb/pool.ts";
import { findPool } from "../../host/swiotlb/pools.ts";
import { slotsOf } from "../../host/swiotlb/slots.ts";
import { SLOT } from "../../shm/layout.ts";
import type { MapEntry } from "./entry.ts";
import type { MappingLab, RecordedCopy } from "./lab.ts";
import type { EntryPlace } from "./segments.ts";
import type { BounceView, PageRun } from "./view.ts";

/** What the bounce of one entry needs to be told about it. */
export interface BounceContext {
  readonly lab: MappingLab;
  readonly dir: number;
  /** Copies that mapping made. */
  readonly copies: readonly RecordedCopy[];
  readonly skipsCopyOut: boolean;
}

/** The slots of one entry; null when it is not bounced. Call it while the list is mapped. */
export function readBounce(
  context: BounceContext,
  entry: MapEntry,
  place: EntryPlace,
  pages: readonly PageRun[],
): BounceView | null {
  const { lab, dir, copies, skipsCopyOut } = context;
  const tlb = slotAddress(lab, place, pages);
  const pool = tlb === null ? null : findPool(lab.arena, lab.device, tlb);
  if (pool === null || tlb === null) return null;
  const mapped = Math.floor((tlb - pool.start) / SLOT_BYTES);
  const padSlots = lab.arena.i32[slotWord(pool, mapped) + SLOT.padSlots] as number;
  const writes = dir !== DIR.toDevice && !skipsCopyOut;
  return {
    tlb,
    area: Math.floor((mapped - padSlots) / pool.areaNslabs),
    slot: mapped - padSlots,
    slots: slotCount(lab, entry),
    padSlots,
    offset: tlb - pool.start - mapped * SLOT_BYTES,
    copiedIn: copies.filter((copy) => copy.dst === tlb).reduce((sum, copy) => sum + copy.bytes, 0),
    copiedOut: writes ? entry.bytes : 0,
  };
}

/** Physical address that the device reaches for the entry's first byte, where that can be a slot. */
function slotAddress({ device }: MappingLab, place: EntryPlace, pages: readonly PageRun[]): Phys | null {
  if (place.space === "bounce") return dmaToPhys(device.dmaRanges, place.dmaAddr);
  const first = pages[0];
  if (place.space !== "iova" || first === undefined) return null;
  return first.phys + (place.dmaAddr - first.iova);
}

function slotCount({ ctx, device }: MappingLab, entry: MapEntry): number {
  const allocAlignMask = device.domain === null ? 0 : granuleBytes(device.domain) - 1;
  return slotsOf(allocationBytes(ctx.era, device.minAlignMask, allocAlignMask, entry.phys, entry.bytes));
}
