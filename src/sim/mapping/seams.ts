/**
 * Why neighbouring entries were joined or kept apart: the rules of __finalise_sg (drivers/iommu/dma-iommu.c) told for
 * each border, from the result of the mapping and the numbers that decided it.
 */
import { hex, lowBits } from "../../base/addr.ts";
import type { Era } from "../../base/era.ts";
import type { DmaDevice } from "../../host/dma/device.ts";
import { granuleBytes } from "../../host/dma/limits.ts";
import type { MapEntry } from "./entry.ts";
import type { EntryPlace } from "./segments.ts";
import type { MapCall, SeamReason, SeamView } from "./view.ts";

interface Verdict {
  readonly reason: SeamReason;
  readonly why: string;
}

/** One seam for every two neighbours. */
export function explainSeams(
  era: Era,
  device: DmaDevice,
  call: MapCall,
  entries: readonly MapEntry[],
  places: readonly EntryPlace[],
): readonly SeamView[] {
  const seams: SeamView[] = [];
  let segmentBytes = entries[0]?.bytes ?? 0;
  for (let after = 0; after + 1 < entries.length; after += 1) {
    const next = entries[after + 1] as MapEntry;
    const joined = places[after]?.segment === places[after + 1]?.segment;
    const verdict = joined
      ? joinVerdict(device, segmentBytes, next)
      : splitVerdict(era, device, call, entries, places, after, segmentBytes);
    seams.push({ after, joined, ...verdict });
    segmentBytes = joined ? segmentBytes + next.bytes : next.bytes;
  }
  return seams;
}

function joinVerdict(device: DmaDevice, segmentBytes: number, next: MapEntry): Verdict {
  const sum = segmentBytes + next.bytes;
  if (sum <= device.maxSegBytes) return { reason: "page seam", why: "the seam lies on a page boundary" };
  return {
    reason: "unsigned wrap",
    why: `joined although ${segmentBytes} + ${next.bytes} > max_seg ${device.maxSegBytes}: the room left is an unsigned difference and wraps`,
  };
}

function splitVerdict(
  era: Era,
  device: DmaDevice,
  call: MapCall,
  entries: readonly MapEntry[],
  places: readonly EntryPlace[],
  after: number,
  segmentBytes: number,
): Verdict {
  const entry = entries[after] as MapEntry;
  const next = entries[after + 1] as MapEntry;
  const alone = oneByOne(era, device, call);
  if (alone !== null) return { reason: "one by one", why: alone };
  if (places[after]?.space === "bus" || places[after + 1]?.space === "bus")
    return { reason: "peer memory", why: "a bus address of peer memory stays a segment of its own" };
  const granule = device.domain === null ? 1 : granuleBytes(device.domain);
  const end = entry.phys + entry.bytes;
  if (lowBits(end, granule) !== 0)
    return { reason: "ends inside a page", why: `entry ${after} ends inside a page, at ${hex(end)}` };
  const offset = lowBits(next.phys, granule);
  if (offset !== 0)
    return { reason: "starts inside a page", why: `entry ${after + 1} starts inside a page, at offset ${hex(offset)}` };
  if (segmentBytes + next.bytes > device.maxSegBytes)
    return { reason: "max_seg", why: `${segmentBytes} + ${next.bytes} > max_seg ${device.maxSegBytes}` };
  return { reason: "boundary", why: `the IOVA stands on a multiple of ${hex(device.segBoundaryMask + 1)}` };
}

/** What keeps a path from ever joining; null for one that joins. */
function oneByOne(era: Era, device: DmaDevice, call: MapCall): string | null {
  if (call === "dma_map_resource") return "dma_map_resource maps every range by itself";
  if (device.domain === null) return "dma-direct maps every entry by itself";
  if (device.untrusted) return "entries of an untrusted device are mapped one by one";
  return era === "4.1" ? "intel-iommu of 4.1 lays entries end to end and joins none" : null;
}
