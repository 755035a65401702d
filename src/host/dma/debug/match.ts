/**
 * Finding the mapping that an unmap or a sync means (kernel/dma/debug.c: __hash_bucket_find).
 *
 * Several mappings may share a device address. The one that agrees in size, kind, direction and list length is meant;
 * when none agrees in all four, a single candidate is, and of several none.
 */
import type { Arena } from "../../../shm/arena.ts";
import { DEBUG_ENTRY } from "../../../shm/layout.ts";
import { bucketBytes, bucketOf, type DebugMapping, firstOf, readEntry } from "./entry.ts";

const SCORE_EXACT = 4;

type Matches = (entry: DebugMapping, wanted: DebugMapping) => boolean;

/** Entry that begins at the wanted address, 0 = none or ambiguous. */
export function findExact(arena: Arena, wanted: DebugMapping): number {
  return findIn(arena, bucketOf(wanted.dmaAddr), wanted, (entry) => entry.dmaAddr === wanted.dmaAddr);
}

/** Entry that holds the whole wanted range; looks as far back as the device's longest segment reaches. */
export function findContaining(arena: Arena, wanted: DebugMapping, maxSegBytes: number): number {
  const contains: Matches = (entry) =>
    entry.dmaAddr <= wanted.dmaAddr && entry.dmaAddr + entry.bytes >= wanted.dmaAddr + wanted.bytes;
  for (let back = 0; back <= maxSegBytes && back <= wanted.dmaAddr + bucketBytes(); back += bucketBytes()) {
    const found = findIn(arena, bucketOf(Math.max(0, wanted.dmaAddr - back)), wanted, contains);
    if (found !== 0) return found;
  }
  return 0;
}

function findIn(arena: Arena, bucket: number, wanted: DebugMapping, matches: Matches): number {
  let candidates = 0;
  let best = 0;
  let bestScore = -1;
  for (let at = firstOf(arena, bucket); at !== 0; at = firstOf(arena, at + DEBUG_ENTRY.next)) {
    const entry = readEntry(arena, at);
    if (entry.device !== wanted.device || !matches(entry, wanted)) continue;
    const score = scoreOf(entry, wanted);
    if (score === SCORE_EXACT) return at;
    candidates += 1;
    if (score > bestScore) {
      best = at;
      bestScore = score;
    }
  }
  return candidates === 1 ? best : 0;
}

function scoreOf(entry: DebugMapping, wanted: DebugMapping): number {
  return (
    Number(entry.bytes === wanted.bytes) +
    Number(entry.kind === wanted.kind) +
    Number(entry.dir === wanted.dir) +
    Number(entry.nents === wanted.nents)
  );
}
