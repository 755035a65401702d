/** The device's view of a mapped list: its DMA entries, and which CPU entries lie in each. */
import type { DmaAddr } from "../../base/addr.ts";
import { assert } from "../../base/assert.ts";
import type { DmaDevice } from "../../host/dma/device.ts";
import { sgDmaAddress, sgDmaLength, sgIsBusAddress, sgIsSwiotlb, sgPhys } from "../../host/dma/scatterlist.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import type { MapEntry } from "./entry.ts";
import type { MappingLab } from "./lab.ts";
import type { DmaSpace, SegmentView } from "./view.ts";

/** Where one entry lies in the device's view. */
export interface EntryPlace {
  readonly segment: number;
  readonly dmaAddr: DmaAddr;
  readonly space: DmaSpace;
}

/** The `nents` DMA entries that mapSg returned; each takes as many CPU entries as its bytes cover. */
export function readSegments(lab: MappingLab, entries: readonly MapEntry[], nents: number): readonly SegmentView[] {
  const segments: SegmentView[] = [];
  let at = lab.sg;
  let firstEntry = 0;
  for (let index = 0; index < nents; index += 1) {
    const bytes = sgDmaLength(lab.arena, at);
    const entryCount = countEntries(entries, firstEntry, bytes);
    const dmaAddr = sgDmaAddress(lab.arena, at);
    segments.push({ index, dmaAddr, bytes, space: spaceOf(lab, at), firstEntry, entryCount });
    firstEntry += entryCount;
    at = sgNext(lab.arena, at);
  }
  assert(firstEntry === entries.length, "the DMA entries cover the list");
  return segments;
}

/** Place of every entry, in list order. Inside a joined segment entries follow each other without a gap. */
export function placeEntries(entries: readonly MapEntry[], segments: readonly SegmentView[]): readonly EntryPlace[] {
  return segments.flatMap((segment) => {
    let dmaAddr = segment.dmaAddr;
    const inside = entries.slice(segment.firstEntry, segment.firstEntry + segment.entryCount);
    return inside.map((entry) => {
      const place = { segment: segment.index, dmaAddr, space: segment.space };
      dmaAddr += entry.bytes;
      return place;
    });
  });
}

function countEntries(entries: readonly MapEntry[], first: number, bytes: number): number {
  let left = bytes;
  let count = 0;
  while (left > 0 && first + count < entries.length) {
    left -= (entries[first + count] as MapEntry).bytes;
    count += 1;
  }
  assert(left === 0, "a DMA entry ends with a CPU entry");
  return count;
}

function spaceOf({ arena, device }: MappingLab, sg: number): DmaSpace {
  if (sgIsBusAddress(arena, sg)) return "bus";
  if (isTranslated(device)) return "iova";
  if (sgIsSwiotlb(arena, sg)) return "bounce";
  return sgDmaAddress(arena, sg) === sgPhys(arena, sg) ? "phys" : "window";
}

/** True when the device's addresses go through an IOMMU's tables. */
export function isTranslated(device: DmaDevice): boolean {
  return device.domain !== null;
}
