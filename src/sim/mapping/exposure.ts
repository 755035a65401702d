/**
 * What a device can reach beyond the list while it is mapped. An IOMMU protects whole pages: whatever shares a page with
 * an entry is open as well. Without one, everything that the device can name is.
 */
import { ADDR_LIMIT } from "../../base/addr.ts";
import { type BouncePool, DIR, type DmaDevice } from "../../host/dma/device.ts";
import { dmaLimit } from "../../host/dma/limits.ts";
import { isBounce, SLOT_BYTES } from "../../host/swiotlb/pool.ts";
import type { System } from "../system.ts";
import { isTranslated } from "./segments.ts";
import type { EntryView, ExposedRange, ExposureView } from "./view.ts";

/** [start, end) of physical memory. */
interface Span {
  readonly start: number;
  readonly end: number;
}

/** Reach of the device beyond `entries`, which are mapped. */
export function findExposure(
  system: System,
  device: DmaDevice,
  dir: number,
  entries: readonly EntryView[],
): ExposureView {
  const peers = peerNames(entries);
  if (!isTranslated(device)) {
    return system.machine.confidential && system.pool !== null
      ? poolOnly(system.pool, entries, peers)
      : everything(system, device, entries, peers);
  }
  const mapped = entries.flatMap((entry) =>
    entry.pages.map((run) => ({ start: run.phys, end: run.phys + run.count * run.pageBytes })),
  );
  const listed = entries.map((entry) => {
    const start = entry.bounce?.tlb ?? entry.phys;
    return { start, end: start + entry.bytes };
  });
  const ranges = subtract(union(mapped), union(listed)).map(({ start, end }) => ({ start, last: end - 1 }));
  const pool = device.pool;
  return {
    reach: "pages",
    access: accessWords(dir),
    ranges,
    bytes: bytesOf(ranges),
    limit: null,
    padding: pool !== null && ranges.length > 0 && ranges.every((range) => isBounce(pool, range.start)),
    peers,
  };
}

/** A confidential guest shares its bounce pool with the host and nothing else. */
function poolOnly(pool: BouncePool, entries: readonly EntryView[], peers: readonly string[]): ExposureView {
  const used = entries.reduce((sum, entry) => sum + entry.bytes, 0);
  const bytes = pool.nslabs * SLOT_BYTES - used;
  return { reach: "pool", access: "read and write", ranges: [], bytes, limit: null, padding: false, peers };
}

/** Without translation only the mask and the bus limit the device; direction means nothing to the hardware. */
function everything(
  system: System,
  device: DmaDevice,
  entries: readonly EntryView[],
  peers: readonly string[],
): ExposureView {
  const limit = dmaLimit(device);
  const memory = system.machine.memory.flatMap(({ start, bytes }) => reached(device, limit, start, start + bytes));
  const listed = entries.map(({ phys, bytes }) => ({ start: phys, end: phys + bytes }));
  const open = subtract(union(memory.filter(({ start, end }) => end > start)), union(listed));
  return {
    reach: "everything",
    access: "read and write",
    ranges: [],
    bytes: open.reduce((sum, { start, end }) => sum + end - start, 0),
    limit: Math.min(limit, ADDR_LIMIT - 1),
    padding: false,
    peers,
  };
}

/** Parts of [start, end) that bus addresses up to `limit` name; empty spans may be among them. */
function reached({ dmaRanges }: DmaDevice, limit: number, start: number, end: number): readonly Span[] {
  if (dmaRanges === null) return [{ start, end: Math.min(end, limit + 1) }];
  return dmaRanges.map(({ cpuStart, dmaStart, bytes }) => ({
    start: Math.max(start, cpuStart),
    end: Math.min(end, cpuStart + Math.min(bytes, limit + 1 - dmaStart)),
  }));
}

function peerNames(entries: readonly EntryView[]): readonly string[] {
  return [...new Set(entries.filter((entry) => entry.space === "bus").map((entry) => entry.region))];
}

function accessWords(dir: number): string {
  if (dir === DIR.toDevice) return "read";
  return dir === DIR.fromDevice ? "write" : "read and write";
}

function bytesOf(ranges: readonly ExposedRange[]): number {
  return ranges.reduce((sum, { start, last }) => sum + last + 1 - start, 0);
}

/** Spans in rising order, touching ones joined. */
export function union(spans: readonly Span[]): readonly Span[] {
  const joined: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last !== undefined && span.start <= last.end)
      joined[joined.length - 1] = { start: last.start, end: Math.max(last.end, span.end) };
    else joined.push(span);
  }
  return joined;
}

/** What of `from` no span of `minus` covers; both are unions. */
export function subtract(from: readonly Span[], minus: readonly Span[]): readonly Span[] {
  const left: Span[] = [];
  let at = 0;
  for (const span of from) {
    let { start } = span;
    while (at < minus.length && (minus[at] as Span).end <= start) at += 1;
    for (let i = at; i < minus.length && (minus[i] as Span).start < span.end; i += 1) {
      const hole = minus[i] as Span;
      if (hole.start > start) left.push({ start, end: hole.start });
      start = Math.max(start, hole.end);
    }
    if (start < span.end) left.push({ start, end: span.end });
  }
  return left;
}
