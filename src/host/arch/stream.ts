/**
 * The mechanism of rows that gather entries into streams and then map each stream as one range: ia64's and parisc's
 * (sba_coalesce_chunks, iommu_coalesce_chunks and their map_sg; kernel 4.1).
 */
import { alignUpWide, type DmaAddr, lowBits } from "../../base/addr.ts";
import { sgNext } from "../../shm/sg_entry.ts";
import { sgLength, sgSetDma } from "../dma/scatterlist.ts";
import { eachEntry } from "./entry.ts";
import { type MergeFamily, seamOf } from "./merge.ts";
import type { ArchRequest } from "./types.ts";

/** A stream has at most as many IOMMU pages as a long has bits. */
const STREAM_PAGES_MAX = 64;

/** What differs between the rows that map streams. */
export interface StreamRules {
  readonly family: MergeFamily;
  /** Address that the row merges on. */
  addressFor(request: ArchRequest, entry: number, sg: number): number;
  /** DMA address of the stream of `entries` entries with its translations written, -1 = no room (logged). */
  mapStream(sg: number, entry: number, entries: number, bytes: number): DmaAddr;
  /** Gives up after `count` streams; what the map call returns. */
  undo(count: number): number;
}

/** Maps the list, one DMA entry a stream; the entries behind them get no DMA length. Returns the DMA entries. */
export function mapStreams(request: ArchRequest, rules: StreamRules): number {
  const { arena } = request.ctx;
  let out = request.sg;
  let count = 0;
  let sg = request.sg;
  let entry = 0;
  while (entry < request.nents && sg !== 0) {
    const stream = streamFrom(request, rules, sg, entry);
    const dmaAddr = rules.mapStream(sg, entry, stream.entries, stream.bytes);
    if (dmaAddr < 0) return rules.undo(count);
    for (let i = 0; i < stream.entries; i += 1) sg = sgNext(arena, sg);
    entry += stream.entries;
    sgSetDma(arena, out, dmaAddr, stream.bytes);
    out = sgNext(arena, out);
    count += 1;
  }
  eachEntry(request, (rest, i) => {
    if (i >= count) sgSetDma(arena, rest, 0, 0);
  });
  return count;
}

/** Entries from `sg` on that make one stream. */
function streamFrom(
  request: ArchRequest,
  rules: StreamRules,
  sg: number,
  entry: number,
): { entries: number; bytes: number } {
  const { arena } = request.ctx;
  const page = request.unit.iommuPageBytes;
  const first = rules.addressFor(request, entry, sg);
  const offset = lowBits(first, page);
  let bytes = sgLength(arena, sg);
  let end = first + bytes;
  let entries = 1;
  let at = sgNext(arena, sg);
  for (let i = entry + 1; i < request.nents && at !== 0; i += 1, at = sgNext(arena, at)) {
    const length = sgLength(arena, at);
    const start = rules.addressFor(request, i, at);
    if (alignUpWide(bytes + offset + length, page) > STREAM_PAGES_MAX * page) break;
    if (bytes + length > request.device.maxSegBytes) break;
    if (seamOf(rules.family, end, start, page) === "none") break;
    bytes += length;
    end = start + length;
    entries += 1;
  }
  return { entries, bytes };
}
