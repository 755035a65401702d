import { describe, expect, it } from "vitest";
import type { PlainEntry } from "#dmasim/host/arch/plain_list.js";
import type { ArchResult } from "#dmasim/host/arch/types.js";
import { DIR } from "#dmasim/host/dma/device.js";
import { sgSetDma } from "#dmasim/host/dma/scatterlist.js";
import { archBench } from "../../../support/arch.ts";

const ONE: PlainEntry[] = [{ phys: 0x100000, length: 4096 }];
const DIRS = [DIR.toDevice, DIR.fromDevice, DIR.bidirectional];

function names(result: ArchResult): string {
  return result.cacheOps.map(({ op, cache }) => (cache === "outer" ? `outer ${op}` : op)).join("+") || "-";
}

/** Operations of map, unmap, sync for CPU and for device, each TO / FROM / BIDIRECTIONAL. */
function rules(name: string, options: Parameters<typeof archBench>[1] = {}): string[] {
  const calls = [0, 1, 2, 3].map((call) =>
    DIRS.map((dir) => {
      const bench = archBench(name, { ...options, dir });
      const result = bench.map(ONE);
      if (call === 0) return names(result);
      return names(call === 1 ? bench.unmap(result.request) : bench.sync(result.request, call === 2));
    }).join(" / "),
  );
  return calls;
}

const NONE = "- / - / -";
const BY_DIR = "writeback / invalidate / flush";
const FLUSH = "flush / flush / flush";
const AFTER = "- / invalidate / invalidate";
const ARM_MAP = "writeback+outer writeback / invalidate+outer invalidate / writeback+outer writeback";
const ARM_UNMAP = "- / outer invalidate+invalidate / outer invalidate+invalidate";

const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  arc: [BY_DIR, NONE, BY_DIR, BY_DIR],
  arm: [ARM_MAP, ARM_UNMAP, ARM_UNMAP, ARM_MAP],
  "arm-iommu": [ARM_MAP, ARM_UNMAP, ARM_UNMAP, ARM_MAP],
  arm64: ["writeback / writeback / writeback", AFTER, AFTER, "writeback / writeback / writeback"],
  avr32: [BY_DIR, NONE, NONE, BY_DIR],
  blackfin: ["flush / invalidate / invalidate", NONE, NONE, "flush / invalidate / invalidate"],
  c6x: [BY_DIR, BY_DIR, BY_DIR, BY_DIR],
  frv: ["writeback / writeback / writeback", NONE, NONE, NONE],
  hexagon: [FLUSH, NONE, BY_DIR, BY_DIR],
  metag: [BY_DIR, NONE, NONE, BY_DIR],
  microblaze: ["flush / invalidate / flush", NONE, "- / invalidate / -", "flush / - / -"],
  mips: [BY_DIR, "- / invalidate / flush", NONE, BY_DIR],
  mn10300: [FLUSH, NONE, NONE, FLUSH],
  nios2: ["flush / invalidate / flush", AFTER, AFTER, "flush / invalidate / flush"],
  openrisc: ["flush / invalidate / -", NONE, "invalidate / invalidate / invalidate", FLUSH],
  "parisc-pcxl": [FLUSH, "- / flush / flush", FLUSH, FLUSH],
  "powerpc-noncoherent": [BY_DIR, NONE, BY_DIR, BY_DIR],
  sh: [BY_DIR, NONE, NONE, BY_DIR],
  tile: [FLUSH, "- / flush / flush", "- / flush / flush", FLUSH],
  xtensa: ["flush / invalidate / flush", NONE, "flush / invalidate / flush", "flush / invalidate / flush"],
};

describe("cache maintenance: map, unmap, sync for CPU, sync for device", () => {
  for (const [name, want] of Object.entries(EXPECTED)) {
    it(name, () => expect(rules(name)).toEqual(want));
  }

  it("metag unmaps and syncs for the CPU only with L2 prefetch", () => {
    expect(rules("metag", { unit: { prefetches: true } })).toEqual([BY_DIR, AFTER, AFTER, BY_DIR]);
  });

  it("mips syncs for the CPU only where it speculates, and never for coherent devices", () => {
    expect(rules("mips", { unit: { prefetches: true } })[2]).toBe(BY_DIR);
    expect(rules("mips", { device: { coherent: true } })).toEqual([NONE, NONE, NONE, NONE]);
  });

  it("counts lines in the cost record", () => {
    const bench = archBench("arc");
    bench.map([{ phys: 0x100020, length: 100 }]);
    expect(bench.ctx.cost.linesFlushed).toBe(3);
  });
});

describe("habits", () => {
  it("powerpc flushes an invalidate that shares a line with other data", () => {
    const bench = archBench("powerpc-noncoherent", { dir: DIR.fromDevice });
    const ops = (phys: number, length: number) => bench.map([{ phys, length }]).cacheOps.map((each) => each.op);
    expect(ops(0x100000, 64)).toEqual(["invalidate"]);
    expect(ops(0x100010, 64)).toEqual(["flush"]);
    expect(ops(0x100000, 60)).toEqual(["flush"]);
  });

  it("mips: one operation for all of low memory, page by page in high memory", () => {
    const bench = archBench("mips", { dir: DIR.fromDevice });
    const entries: PlainEntry[] = [{ phys: 0x100800, length: 8192 }];
    expect(bench.map(entries).cacheOps.map((each) => each.bytes)).toEqual([8192]);
    const high = bench.map(entries, { entryKva: [null] });
    expect(high.cacheOps.map(({ addr, bytes }) => [addr, bytes])).toEqual([
      [0x100800, 2048],
      [0x101000, 4096],
      [0x102000, 2048],
    ]);
  });

  it("ARM maps high memory for the flush, or skips it where the cache is virtually indexed and tagged", () => {
    const entries: PlainEntry[] = [{ phys: 0x30000800, length: 4096 }];
    const inner = (vivt: boolean) =>
      archBench("arm", { unit: { vivt } })
        .map(entries, { entryKva: [null] })
        .cacheOps.filter((each) => each.cache === "inner")
        .map((each) => each.bytes);
    expect(inner(false)).toEqual([2048, 2048]);
    expect(inner(true)).toEqual([]);
  });

  it("avr32 leaves the uncached window alone", () => {
    const bench = archBench("avr32");
    const result = bench.map([{ phys: 0x1000, length: 64, kva: 0xa0001000 }]);
    expect(result.cacheOps).toEqual([]);
    expect(result.skippedFlushes).toBe(0);
  });

  it("blackfin hands out the virtual address", () => {
    const result = archBench("blackfin").map([{ phys: 0x1000, length: 64, kva: 0x5000 }]);
    expect(result.segments).toEqual([{ dmaAddr: 0x5000, length: 64 }]);
  });

  it("frv writes one page back and leaves the address to the caller", () => {
    const bench = archBench("frv");
    const request = bench.request([{ phys: 0x100100, length: 20000 }]);
    sgSetDma(bench.ctx.arena, request.sg, 0xbeef, 0);
    const result = bench.map([], { sg: request.sg, nents: 1, entryKva: request.entryKva ?? [] });
    expect(result.cacheOps).toEqual([{ op: "writeback", entry: 0, addr: 0x100000, bytes: 16384, cache: "inner" }]);
    expect(result.segments).toEqual([{ dmaAddr: 0xbeef, length: 20000 }]);
  });

  it("microblaze leaves the DMA length alone", () => {
    expect(archBench("microblaze").map(ONE).segments).toEqual([{ dmaAddr: 0x100000, length: 0 }]);
  });
});

describe("the gate is has page, not has virtual address", () => {
  it("a page without an address is flushed through null", () => {
    const result = archBench("arc", { series: "after" }).map([{ phys: 0x100000, length: 64, kva: null }]);
    expect(result.cacheOps).toMatchObject([{ op: "writeback", addr: 0, bytes: 64 }]);
    expect(result.hazards).toHaveLength(1);
  });

  it("an address without a page is not flushed, though it could be", () => {
    const result = archBench("arc", { series: "after" }).map([
      { phys: 0x80000000, length: 64, hasPage: false, kva: 0xf0000000 },
    ]);
    expect(result.cacheOps).toEqual([]);
    expect(result.skippedFlushes).toBe(1);
  });

  it("nios2 asked for the address before: with one the entry is mapped, without one passed over", () => {
    const bench = archBench("nios2");
    const with_ = bench.map([{ phys: 0x80000000, length: 64, hasPage: false, kva: 0xf0000000 }]);
    expect(with_.segments).toEqual([{ dmaAddr: 0x80000000, length: 64 }]);
    expect(with_.cacheOps).toHaveLength(1);
    const without = bench.map([{ phys: 0x80000000, length: 64, hasPage: false }]);
    expect(without.segments[0]?.dmaAddr).not.toBe(0x80000000);
    expect(without.hazards).toHaveLength(1);
  });
});
