import { describe, expect, it } from "vitest";
import type { PlainEntry } from "#dmasim/host/arch/plain_list.js";
import { ARCHITECTURES, archNamed } from "#dmasim/host/arch/table.js";
import type { ArchRow } from "#dmasim/host/arch/types.js";
import { DIR } from "#dmasim/host/dma/device.js";
import { initPool } from "#dmasim/host/swiotlb/pool.js";
import { type ArchBench, archBench, pairsOf } from "../../../support/arch.ts";

const PAGE_BACKED: PlainEntry[] = [
  { phys: 0x100000, length: 4096 },
  { phys: 0x204000, length: 4096 },
];
const PAGE_LESS: PlainEntry[] = [{ phys: 0x80000000, length: 4096, hasPage: false }];
const MIXED: PlainEntry[] = [
  { phys: 0x100000, length: 4096 },
  { phys: 0x80000000, length: 4096, hasPage: false },
  { phys: 0x204000, length: 4096 },
];

/** Rows whose device sees physical addresses, with cache work by entry at FROM_DEVICE map: [op, before, after]. */
interface Expected {
  /** Cache operations for PAGE_BACKED from the device, as `entry:op:bytes`. */
  readonly ops: readonly string[];
  /** Outcome for PAGE_LESS: refusal site, `ok` or `untouched`. */
  readonly before: string;
  readonly after: string;
  /** Flushes skipped for MIXED after the series. */
  readonly skipped?: number;
}

const inv = ["0:invalidate:4096", "1:invalidate:4096"];
const NEEDS_PAGE = { before: "struct page", after: "ok" };
const NEEDS_VA = { before: "kernel virtual address", after: "ok" };

const TABLE: Readonly<Record<string, Expected>> = {
  "x86-nommu": { ops: [], ...NEEDS_PAGE },
  "x86-swiotlb": { ops: [], before: "ok", after: "ok" },
  "x86-gart": { ops: [], before: "ok", after: "ok" },
  "x86-calgary": { ops: [], ...NEEDS_PAGE },
  "intel-iommu": { ops: [], ...NEEDS_PAGE },
  "amd-iommu": { ops: [], before: "ok", after: "ok" },
  arm: { ops: [inv[0], inv[0], inv[1], inv[1]] as string[], before: "map_page", after: "map_page" },
  "arm-iommu": { ops: [inv[0], inv[0], inv[1], inv[1]] as string[], before: "map_page", after: "map_page" },
  arm64: {
    ops: ["0:writeback:4096", "1:writeback:4096"],
    before: "kernel virtual address",
    after: "kernel virtual address",
  },
  "alpha-pci": { ops: [], ...NEEDS_VA },
  "alpha-noop": { ops: [], ...NEEDS_PAGE },
  "ia64-sba": { ops: [], before: "kernel virtual address", after: "kernel virtual address" },
  "ia64-sn2": { ops: [], ...NEEDS_VA },
  "parisc-ccio": { ops: [], before: "coherence-index", after: "coherence-index" },
  "parisc-sba": { ops: [], before: "coherence-index", after: "coherence-index" },
  "parisc-pcxl": { ops: ["0:flush:4096", "1:flush:4096"], ...NEEDS_VA, skipped: 1 },
  "powerpc-iommu": { ops: [], ...NEEDS_VA },
  "powerpc-noncoherent": { ops: inv, ...NEEDS_PAGE, skipped: 1 },
  "s390-pci": { ops: [], ...NEEDS_PAGE },
  "sparc64-iommu": { ops: [], ...NEEDS_VA },
  "sparc64-sun4v": { ops: [], ...NEEDS_VA },
  "sparc64-ldc": { ops: [], ...NEEDS_VA },
  "sparc32-io-unit": { ops: [], ...NEEDS_VA },
  "sparc32-iommu": { ops: ["0:flush:4096", "1:flush:4096"], ...NEEDS_PAGE, skipped: 1 },
  arc: { ops: inv, ...NEEDS_PAGE, skipped: 1 },
  avr32: { ops: inv, ...NEEDS_PAGE, skipped: 1 },
  blackfin: { ops: inv, ...NEEDS_VA, skipped: 1 },
  c6x: { ops: inv, ...NEEDS_VA },
  frv: { ops: ["0:writeback:16384", "1:writeback:16384"], ...NEEDS_PAGE, skipped: 1 },
  hexagon: {
    ops: ["0:flush:4096", "1:flush:4096"],
    before: "kernel virtual address",
    after: "kernel virtual address",
  },
  metag: { ops: inv, ...NEEDS_PAGE, skipped: 1 },
  microblaze: { ops: inv, ...NEEDS_PAGE },
  mips: { ops: inv, ...NEEDS_PAGE, skipped: 1 },
  mn10300: { ops: ["-1:flush:0"], ...NEEDS_PAGE },
  nios2: { ops: inv, before: "untouched", after: "ok", skipped: 1 },
  openrisc: { ops: inv, ...NEEDS_PAGE, skipped: 1 },
  sh: { ops: inv, ...NEEDS_PAGE, skipped: 1 },
  tile: { ops: ["0:flush:65536", "1:flush:65536"], before: "struct page", after: "struct page" },
  xtensa: { ops: inv, ...NEEDS_PAGE, skipped: 1 },
};

function bench(name: string, series: "before" | "after"): ArchBench {
  return archBench(name, { series, dir: DIR.fromDevice, device: { coherent: false } });
}

function opsOf(row: ArchRow, entries: readonly PlainEntry[]): string[] {
  return bench(row.name, "before")
    .map(entries)
    .cacheOps.map(({ entry, op, bytes }) => `${entry}:${op}:${bytes}`);
}

/** Rows that hand out physical addresses as they are. */
function isIdentity(row: ArchRow): boolean {
  return row.translation === "none" && !["frv", "blackfin"].includes(row.name);
}

describe("the rows", () => {
  it("are the ones of the table, each with its own name, source and rules", () => {
    expect(ARCHITECTURES.map((row) => row.name).sort()).toEqual(Object.keys(TABLE).sort());
    for (const row of ARCHITECTURES) {
      expect(row.source, row.name).toMatch(/\[4\.1\]/);
      expect(row.addressRule.length, row.name).toBeGreaterThan(10);
      expect(row.pageless.before.why.length, row.name).toBeGreaterThan(10);
      expect(row.translation === "none", row.name).toBe(row.granularityBytes === 0);
    }
  });

  it("are found by name, and a slip is named", () => {
    expect(archNamed("x86-gart").title).toBe("AMD GART");
    expect(() => archNamed("x86-grat")).toThrow(/did you mean x86-gart/);
  });

  for (const row of ARCHITECTURES) {
    const want = TABLE[row.name] as Expected;
    describe(row.name, () => {
      it("page-backed: every byte mapped, flushes as the row says", () => {
        const result = bench(row.name, "before").map(PAGE_BACKED);
        expect(result.refusal).toBeNull();
        expect(result.ret).toBeGreaterThan(0);
        expect(result.skippedFlushes).toBe(0);
        const bytes = result.segments.reduce((sum, segment) => sum + segment.length, 0);
        expect(bytes).toBe(row.name === "frv" || row.name === "microblaze" ? bytes : 8192);
        if (isIdentity(row)) expect(result.segments.map((each) => each.dmaAddr)).toEqual([0x100000, 0x204000]);
        expect(opsOf(row, PAGE_BACKED)).toEqual(want.ops);
      });

      for (const series of ["before", "after"] as const) {
        it(`page-less ${series} the series: ${want[series]}`, () => {
          const result = bench(row.name, series).map(PAGE_LESS);
          if (want[series] === "ok" || want[series] === "untouched") {
            expect(result.refusal).toBeNull();
            expect(result.ret).toBe(1);
          } else {
            expect(result.refusal).toMatchObject({ site: want[series], entry: 0, errno: -22 });
            expect(result.refusal?.text).toContain(`${row.name}: entry 0 has no`);
            expect(result.ret).toBe(row.errors.ret);
            expect(result.segments).toEqual([]);
            expect(result.tableEntries).toEqual([]);
          }
        });
      }

      it("mixed after the series: page-backed entries are flushed, page-less ones counted", () => {
        const result = bench(row.name, "after").map(MIXED);
        if (want.after !== "ok") {
          expect(result.refusal).toMatchObject({ site: want.after, entry: 1 });
          return;
        }
        expect(result.refusal).toBeNull();
        expect(result.skippedFlushes).toBe(want.skipped ?? 0);
        if (want.skipped === 1) expect(result.cacheOps.map((each) => each.entry)).toEqual([0, 2]);
        if (isIdentity(row)) {
          expect(result.segments.map((each) => each.dmaAddr)).toEqual([0x100000, 0x80000000, 0x204000]);
        }
      });
    });
  }
});

describe("rows without translation", () => {
  it("nommu: the first unreachable entry ends it, in the kernel's words only from 32 bits on", () => {
    const entries: PlainEntry[] = [...PAGE_BACKED, { phys: 0xfffff000, length: 4097 }];
    expect(archBench("x86-nommu").map(entries)).toMatchObject({
      ret: 0,
      message: "nommu_map_sg: overflow fffff000+4097 of device mask ffffffff",
    });
    const narrow = archBench("x86-nommu", { device: { dmaMask: 0xffffff } });
    expect(narrow.map([{ phys: 0x1000000, length: 1 }])).toMatchObject({ ret: 0, message: "" });
    expect(archBench("x86-nommu").map([{ phys: 0xfffff000, length: 4096 }]).ret).toBe(1);
  });

  it("hexagon: the same check with its own name", () => {
    const result = archBench("hexagon").map([{ phys: 0x100000000, length: 64 }]);
    expect(result).toMatchObject({ ret: 0, message: "map_sg: overflow 100000000+64 of device mask ffffffff" });
  });

  it("swiotlb: only the unreachable entry is bounced, and given back", () => {
    const plain = archBench("x86-swiotlb");
    const pool = initPool(plain.ctx.arena, 0, 0, 0, 512, 1, 0x4000000);
    const bounced = archBench("x86-swiotlb", { device: { pool } });
    const result = bounced.map([
      { phys: 0x100000, length: 4096 },
      { phys: 0x180000000, length: 4096 },
    ]);
    expect(pairsOf(result)).toEqual([
      [0x100000, 4096],
      [0x4000000, 4096],
    ]);
    bounced.unmap(result.request);
    const full = bounced.map([{ phys: 0x180000000, length: 300000 }]);
    expect(full).toMatchObject({ ret: 0, segments: [] });
    expect(full.message).toContain("swiotlb buffer is full (sz: 300000 bytes)");
    const pageless = bounced.map([{ phys: 0x180000000, length: 4096, hasPage: false }]);
    expect(pageless.refusal?.site).toBe("kernel virtual address");
  });
});
