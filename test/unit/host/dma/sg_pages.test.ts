import { describe, expect, it } from "vitest";
import { sgIsLast, sgNents } from "#dmasim/host/dma/scatterlist.js";
import { appendPages, newAppendTable } from "#dmasim/host/dma/sg_pages.js";
import { freeSg, sgEntriesUsed } from "#dmasim/host/dma/sg_table.js";
import { MAP_FAILURES } from "#dmasim/host/status.js";
import { Arena } from "#dmasim/shm/arena.js";
import { listOf, pageEntries } from "../../../support/list.ts";

const P = 4096;
const S = 2 ** 32 - 1;
const arena = Arena.create();

interface Row {
  readonly pfns: readonly number[];
  readonly app?: readonly number[];
  readonly bytes?: number;
  readonly max: number;
  readonly segments: number;
}

/** The kernel's self-test table of sg_alloc_table_from_pages; segments -22 = refused. */
const ROWS: readonly Row[] = [
  { pfns: [0], bytes: P, max: 0, segments: -22 },
  { pfns: [0], bytes: P, max: P + 1, segments: 1 },
  { pfns: [0], bytes: P, max: S, segments: 1 },
  { pfns: [0], bytes: 1, max: S, segments: 1 },
  { pfns: [0, 1], max: S, segments: 1 },
  { pfns: [1, 0], max: S, segments: 2 },
  { pfns: [0, 1, 2], max: S, segments: 1 },
  { pfns: [0, 1, 2], app: [3, 4, 5], max: S, segments: 1 },
  { pfns: [0, 1, 2], app: [4, 5, 6], max: S, segments: 2 },
  { pfns: [0, 2, 1], max: S, segments: 3 },
  { pfns: [0, 1, 3], max: S, segments: 2 },
  { pfns: [1, 2, 4], max: S, segments: 2 },
  { pfns: [1, 3, 4], max: S, segments: 2 },
  { pfns: [0, 1, 3, 4], max: S, segments: 2 },
  { pfns: [0, 1, 3, 4, 5], max: S, segments: 2 },
  { pfns: [0, 1, 3, 4, 6], max: S, segments: 3 },
  { pfns: [0, 1, 2, 3, 4], max: S, segments: 1 },
  { pfns: [0, 1, 2, 3, 4], max: 2 * P, segments: 3 },
  { pfns: [0, 1, 2, 3, 4, 5], max: 2 * P, segments: 3 },
  { pfns: [0, 2, 3, 4, 5, 6], max: 2 * P, segments: 4 },
  { pfns: [0, 1, 3, 4, 5, 6], app: [7, 8, 9, 10, 11, 12], max: 12 * P, segments: 2 },
];

describe("page arrays to scatterlists", () => {
  it.each(ROWS)("kernel self-test $pfns + $app, $bytes bytes, max $max: $segments", (row) => {
    const table = newAppendTable();
    const bytes = row.bytes ?? row.pfns.length * P;
    const leftPages = row.app?.length ?? 0;
    const status = appendPages(arena, 0, table, {
      pfns: row.pfns,
      offset: 0,
      bytes,
      maxSegmentBytes: row.max,
      leftPages,
    });
    if (row.segments < 0) {
      expect(status).toBe(-MAP_FAILURES.invalid.code);
      return;
    }
    expect(status).toBe(0);
    if (row.app !== undefined) {
      const app = { pfns: row.app, offset: 0, bytes: row.app.length * P, maxSegmentBytes: row.max };
      expect(appendPages(arena, 0, table, app)).toBe(0);
    }
    expect(table.nents).toBe(row.segments);
    expect(table.origNents).toBe(row.segments);
    expect(sgIsLast(arena, table.prv)).toBe(true);
    expect(sgNents(arena, table.sgl)).toBe(row.segments);
    expect(table.totalNents).toBeGreaterThanOrEqual(row.segments);
    freeSg(arena, 0, table.sgl);
    expect(sgEntriesUsed(arena)).toBe(0);
  });

  it("counts whole pages against the limit: the first segment is short by its offset", () => {
    const table = newAppendTable();
    appendPages(arena, 0, table, { pfns: [1, 2, 3], offset: 512, bytes: 3 * P - 512, maxSegmentBytes: 2 * P });
    expect(pageEntries(arena, table.sgl, 9)).toEqual([
      { pfn: 1, offset: 512, length: 7680 },
      { pfn: 3, offset: 0, length: 4096 },
    ]);
    freeSg(arena, 0, table.sgl);
  });

  it("keeps pages of different pagemaps apart", () => {
    const table = newAppendTable();
    const pgmapOf = (pfn: number) => (pfn < 4 ? 0 : 1);
    appendPages(arena, 0, table, { pfns: [2, 3, 4, 5], offset: 0, bytes: 4 * P, maxSegmentBytes: S, pgmapOf });
    expect(table.nents).toBe(2);
    freeSg(arena, 0, table.sgl);
  });

  it("refuses an offset on a later call and chains arrays beyond 128 slots", () => {
    const table = newAppendTable();
    const pfns = Array.from({ length: 200 }, (_, i) => i * 2);
    expect(appendPages(arena, 0, table, { pfns, offset: 0, bytes: 200 * P, maxSegmentBytes: S, leftPages: 100 })).toBe(
      0,
    );
    expect(appendPages(arena, 0, table, { pfns: [900], offset: 8, bytes: P, maxSegmentBytes: S })).toBe(
      -MAP_FAILURES.invalid.code,
    );
    const more = Array.from({ length: 100 }, (_, i) => 1000 + i * 2);
    expect(appendPages(arena, 0, table, { pfns: more, offset: 0, bytes: 100 * P, maxSegmentBytes: S })).toBe(0);
    expect(pageEntries(arena, table.sgl, 999).map((entry) => entry.pfn)).toEqual([...pfns, ...more]);
    freeSg(arena, 0, table.sgl);
    expect(sgEntriesUsed(arena)).toBe(0);
  });

  it("uses larger CPU pages when asked", () => {
    const table = newAppendTable();
    appendPages(arena, 0, table, { pfns: [4, 5], offset: 0, bytes: 16384, maxSegmentBytes: 12000, pageBytes: 8192 });
    expect(pageEntries(arena, table.sgl, 9).map((entry) => entry.length)).toEqual([8192, 8192]);
    freeSg(arena, 0, table.sgl);
  });

  it("has list helpers that agree with it", () => {
    const sg = listOf(arena, [[0x1000, 0x2000]]);
    expect(pageEntries(arena, sg, 1)).toEqual([{ pfn: 1, offset: 0, length: 0x2000 }]);
    freeSg(arena, 0, sg);
  });
});
