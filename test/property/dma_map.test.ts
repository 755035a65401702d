import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DIR } from "#dmasim/host/dma/device.js";
import { mapSg, unmapSg } from "#dmasim/host/dma/map.js";
import { freeSg, sgEntriesUsed } from "#dmasim/host/dma/sg_table.js";
import { countIovas } from "#dmasim/host/iommu/iova.js";
import { flushCpuRcaches } from "#dmasim/host/iommu/magazine.js";
import { Arena } from "#dmasim/shm/arena.js";
import { DOMAIN, REGIONS } from "#dmasim/shm/layout.js";
import { setUpDomain, translated } from "../support/domain.ts";
import { makeContext, makeDevice } from "../support/host.ts";
import { dmaEntries, listOf } from "../support/list.ts";

const GRANULE = 4096;
const arena = Arena.create();
const contexts = {
  shipped: makeContext({ arena, defects: "shipped" }),
  corrected: makeContext({ arena, defects: "corrected" }),
};
const domain = setUpDomain(contexts.shipped, { index: 0 });

/** Lists with neighbours that touch, share pages and lie apart. */
const lists = fc.array(
  fc.record({
    gap: fc.oneof(fc.constant(0), fc.constant(GRANULE), fc.integer({ min: 0, max: 5000 })),
    bytes: fc.oneof(fc.constant(GRANULE), fc.constant(2 * GRANULE), fc.integer({ min: 1, max: 0x10000 })),
  }),
  { minLength: 1, maxLength: 40 },
);

/** Pieces of [start, start + bytes) inside granules: first byte and length. */
function pieces(start: number, bytes: number): [number, number][] {
  const found: [number, number][] = [];
  for (let at = start; at < start + bytes; ) {
    const length = Math.min(GRANULE - (at & (GRANULE - 1)), start + bytes - at);
    found.push([at, length]);
    at += length;
  }
  return found;
}

/** Physical bytes in order, with neighbouring runs joined. */
function runs(ranges: [number, number][]): [number, number][] {
  const joined: [number, number][] = [];
  for (const [start, bytes] of ranges) {
    const last = joined.at(-1);
    if (last !== undefined && last[0] + last[1] === start) last[1] += bytes;
    else joined.push([start, bytes]);
  }
  return joined;
}

describe("mapping lists through the IOMMU", () => {
  it.each(["shipped", "corrected"] as const)(
    "%s: the device sees the list's bytes in order, and nothing stays",
    (defects) => {
      const ctx = contexts[defects];
      const maxSegments = fc.constantFrom(GRANULE, 0x10000, 0x20000);
      const boundaries = fc.constantFrom(0x1ffff, 0xffffffff, Number.MAX_SAFE_INTEGER);
      fc.assert(
        fc.property(lists, maxSegments, boundaries, (shape, maxSegBytes, segBoundaryMask) => {
          const device = makeDevice({ domain, maxSegBytes, segBoundaryMask, dmaMask: 0xffffffff });
          let at = 0x100000000;
          const ranges = shape.map(({ gap, bytes }): [number, number] => {
            at += gap;
            const start = at;
            at += bytes;
            return [start, bytes];
          });
          const sg = listOf(arena, ranges);
          const count = mapSg(ctx, device, sg, ranges.length, DIR.bidirectional, 0);
          const entries = dmaEntries(arena, sg, count);
          const seen = entries.flatMap(({ dma, len }) => pieces(dma, len));
          expect(runs(seen.map(([dma, len]) => [translated(arena, domain, dma), len]))).toEqual(runs(ranges));
          const longest = Math.max(...ranges.map(([, bytes]) => bytes));
          for (const { dma, len } of entries) {
            if (defects === "corrected") expect(len).toBeLessThanOrEqual(Math.max(maxSegBytes, longest));
            expect(Math.floor(dma / (segBoundaryMask + 1))).toBe(Math.floor((dma + len - 1) / (segBoundaryMask + 1)));
          }
          unmapSg(ctx, device, sg, ranges.length, DIR.bidirectional, 0);
          freeSg(arena, 0, sg);
          flushCpuRcaches(ctx, domain);
          expect(arena.i32[REGIONS.domains.word + DOMAIN.ptePresent]).toBe(0);
          expect([countIovas(arena, domain), sgEntriesUsed(arena)]).toEqual([0, 0]);
        }),
        { numRuns: 200, seed: 1 },
      );
    },
  );
});
