import { describe, expect, it } from "vitest";
import { gpteDecode, gpteEncode } from "#dmasim/host/arch/gart_aperture.js";
import { entriesUsed, entryLo } from "#dmasim/host/arch/linear_iommu.js";
import type { PlainEntry } from "#dmasim/host/arch/plain_list.js";
import { DIR } from "#dmasim/host/dma/device.js";
import { type ArchBenchOptions, archBench, pairsOf, ranges } from "../../../support/arch.ts";

const BASE = 0xd8000000;
const HIGH = 0x100000000;
const EMERGENCY = 32;

function gart(options: ArchBenchOptions = {}) {
  return archBench("x86-gart", options);
}

function used(bench: ReturnType<typeof gart>): number {
  return bench.unit.table === null ? -1 : entriesUsed(bench.ctx.arena, bench.unit.table) - EMERGENCY;
}

describe("GART entries", () => {
  it("keep 40 address bits, valid and coherent", () => {
    expect(gpteEncode(0x3456789000)).toBe(0x56789343);
    for (const phys of [0, 0x1000, 0xfffff000, 0x100000000, 0xff_ffff_f000]) {
      expect(gpteDecode(gpteEncode(phys + 0x123)), phys.toString(16)).toBe(phys);
      expect(gpteEncode(phys) & 3).toBe(3);
    }
  });
});

describe("GART lists", () => {
  it("mixed: reachable entries keep their address and end a run", () => {
    const bench = gart();
    const result = bench.map(
      ranges([
        [HIGH + 0x10000, 0x1000],
        [HIGH + 0x50000, 0x1000],
        [0x30000, 0x1000],
        [HIGH + 0x70000, 0x800],
        [HIGH + 0x70800, 0x800],
      ]),
    );
    expect(pairsOf(result)).toEqual([
      [BASE + 0x20000, 0x2000],
      [0x30000, 0x1000],
      [BASE + 0x22000, 0x800],
      [BASE + 0x23800, 0x800],
    ]);
    expect(result.tableEntries.map(({ index, lo }) => [index, gpteDecode(lo)])).toEqual([
      [32, HIGH + 0x10000],
      [33, HIGH + 0x50000],
      [34, HIGH + 0x70000],
      [35, HIGH + 0x70000],
    ]);
    bench.unmap(result.request);
    expect(used(bench)).toBe(0);
  });

  it("page-less entries merge like any other", () => {
    const result = gart().map([
      { phys: HIGH, length: 4096 },
      { phys: HIGH + 0x9000, length: 4096, hasPage: false },
    ]);
    expect(pairsOf(result)).toEqual([[BASE + 0x20000, 8192]]);
    expect(result.skippedFlushes).toBe(0);
  });

  it("a run ends at max_seg, at an offset, and behind a partial page", () => {
    const bench = gart({ device: { maxSegBytes: 0x2000 } });
    const list = (pairs: [number, number][]) => bench.map(ranges(pairs.map(([phys, n]) => [HIGH + phys, n]))).ret;
    expect(
      list([
        [0x1000, 0x1000],
        [0x5000, 0x1000],
        [0x9000, 0x1000],
      ]),
    ).toBe(2);
    expect(
      list([
        [0x1000, 0x1000],
        [0x5004, 0x100],
      ]),
    ).toBe(2);
    expect(
      list([
        [0x1000, 0x800],
        [0x5000, 0x1000],
      ]),
    ).toBe(2);
    expect(
      list([
        [0x1800, 0x800],
        [0x5000, 0x1000],
      ]),
    ).toBe(1);
  });

  it("force sends reachable memory through the aperture; merge off keeps entries apart", () => {
    const list = ranges([
      [0x10000, 0x1000],
      [0x50000, 0x1000],
    ]);
    expect(pairsOf(gart({ unit: { force: true } }).map(list))).toEqual([[BASE + 0x20000, 0x2000]]);
    const apart = gart({ unit: { force: true, merge: false } }).map(list);
    expect(pairsOf(apart)).toEqual([
      [BASE + 0x20000, 0x1000],
      [BASE + 0x21000, 0x1000],
    ]);
  });

  it("an offset beyond a page is added whole, although the slots begin at its page: reported", () => {
    const result = gart().map([{ pagePhys: HIGH, offset: 5000, length: 100 }]);
    expect(pairsOf(result)).toEqual([[BASE + 0x20000 + 5000, 100]]);
    expect(result.tableEntries.map(({ lo }) => gpteDecode(lo))).toEqual([HIGH + 0x1000]);
    expect(result.hazards).toHaveLength(1);
  });
});

describe("GART space", () => {
  it("next-fit: freed slots wait until the cursor comes round, unless freed above it", () => {
    const bench = gart({ unit: { entries: 48 } });
    const one: PlainEntry[] = [{ phys: HIGH, length: 4096 }];
    const at = (): number => (bench.map(one).segments[0]?.dmaAddr ?? 0) - BASE;
    const first = bench.map(one);
    expect(at()).toBe(33 * 4096);
    bench.unmap(first.request);
    expect(at()).toBe(34 * 4096);
    for (let slot = 35; slot < 47; slot += 1) expect(at()).toBe(slot * 4096);
    expect(at()).toBe(32 * 4096);
  });

  it("the last slot is never used, a full aperture falls back, then fails on the bad address", () => {
    const bench = gart({ unit: { entries: 40 } });
    const result = bench.map(
      ranges([
        [HIGH, 0x4000],
        [HIGH + 0x8000, 0x4000],
      ]),
    );
    expect(result.ret).toBe(0);
    expect(result.message).toBe(
      "PCI-DMA: Out of IOMMU space for 16384 bytes\nPCI-DMA: Out of IOMMU space for 32768 bytes",
    );
    expect(bench.map(ranges([[HIGH, 0x7000]])).ret).toBe(1);
    expect(used(bench)).toBe(7);
  });

  it("the dumb retry maps entry by entry where the merged run found no room", () => {
    const bench = gart({ unit: { entries: 41 } });
    const hole = bench.map(ranges([[HIGH, 0x1000]]));
    const keep = bench.map(ranges([[HIGH, 0x3000]]));
    bench.map(ranges([[HIGH, 0x1000]]));
    bench.unmap(keep.request);
    bench.unmap(hole.request);
    const result = bench.map(
      ranges([
        [HIGH + 0x10000, 0x3000],
        [HIGH + 0x50000, 0x3000],
      ]),
    );
    expect(pairsOf(result)).toEqual([
      [BASE + 37 * 4096, 0x3000],
      [BASE + 32 * 4096, 0x3000],
    ]);
    expect(result.message).toBe("");
  });

  it("more than the emergency area stops the machine, in words that depend on the direction", () => {
    const text = (dir: number): string | undefined =>
      gart({ unit: { entries: 40 }, dir }).map(ranges([[HIGH, 0x21000]])).refusal?.text;
    expect(text(DIR.toDevice)).toBe("PCI-DMA: Random memory would be DMAed");
    expect(text(DIR.fromDevice)).toBe("PCI-DMA: Memory would be corrupted");
    expect(text(DIR.bidirectional)).toBe("PCI-DMA: Memory would be corrupted");
  });

  it("the dumb retry refuses memory above 1 TiB", () => {
    expect(gart({ unit: { merge: false } }).map(ranges([[2 ** 40, 0x1000]])).ret).toBe(1);
    const full = gart({ unit: { entries: 34 } });
    expect(full.map(ranges([[2 ** 40, 0x2000]]))).toMatchObject({ ret: 0 });
  });

  it("a segment boundary moves a range behind it", () => {
    const bench = gart({ device: { segBoundaryMask: 0xffff }, unit: { dmaBase: BASE } });
    bench.map(ranges([[HIGH, 0xe000]]));
    expect(pairsOf(bench.map(ranges([[HIGH, 0x4000]])))).toEqual([[BASE + 0x30000, 0x4000]]);
  });

  it("flushes once a map call with fullflush, else only after a wrap", () => {
    const lists = ranges([
      [HIGH, 0x1000],
      [HIGH + 0x8800, 0x800],
    ]);
    expect(gart().map(lists).tlbFlushes).toBe(1);
    const lazy = gart({ unit: { fullFlush: false, entries: 36 } });
    expect(lazy.map(lists).tlbFlushes).toBe(0);
    const last = lazy.map(ranges([[HIGH, 0x1000]]));
    lazy.unmap(last.request);
    expect(lazy.map(ranges([[HIGH, 0x1000]])).tlbFlushes).toBe(1);
  });

  it("unmap clears the translations", () => {
    const bench = gart();
    const result = bench.map(ranges([[HIGH, 0x2000]]));
    const table = bench.unit.table;
    if (table === null) throw new Error("no table");
    expect(entryLo(bench.ctx.arena, table, 32)).toBe(gpteEncode(HIGH));
    bench.unmap(result.request);
    expect(entryLo(bench.ctx.arena, table, 32)).toBe(0);
  });
});
