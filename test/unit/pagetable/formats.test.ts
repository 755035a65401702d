import { describe, expect, it } from "vitest";
import { CostRecord } from "#dmasim/base/cost.js";
import { amdPageShifts, amdV1 } from "#dmasim/pagetable/amd_v1.js";
import { type PageTableFormat, PROT } from "#dmasim/pagetable/format.js";
import { framesUsed, TABLE_BASE } from "#dmasim/pagetable/frames.js";
import { linearTable } from "#dmasim/pagetable/linear.js";
import { lpaeStage1 } from "#dmasim/pagetable/lpae.js";
import { mapRange, unmapRange } from "#dmasim/pagetable/mapper.js";
import { virtioIommu } from "#dmasim/pagetable/virtio.js";
import { WalkResult, walk } from "#dmasim/pagetable/walker.js";
import { amdV2, vtdFirstStage } from "#dmasim/pagetable/x86.js";
import { Arena } from "#dmasim/shm/arena.js";

const RW = PROT.read | PROT.write;
const K4 = 0x1000;
const M2 = 0x200000;
const G1 = 0x40000000;

/** A leaf as 16 hexadecimal digits. */
function leaf(format: PageTableFormat, phys: number, shift: number, prot: number): string {
  const half = (value: number) => (value >>> 0).toString(16).padStart(8, "0");
  return half(format.leafHi(phys, shift, prot)) + half(format.leafLo(phys, shift, prot));
}

function table(format: PageTableFormat, address: number, level: number): string {
  const half = (value: number) => (value >>> 0).toString(16).padStart(8, "0");
  return half(format.tableHi(address)) + half(format.tableLo(address, level));
}

/** Every size: written, read back. */
function expectRoundTrip(format: PageTableFormat): void {
  for (const shift of format.pageShifts) {
    const phys = shift >= 47 ? 0 : 2 ** 47 - 2 ** shift;
    const lo = format.leafLo(phys, shift, RW) | 0;
    const hi = format.leafHi(phys, shift, RW) | 0;
    const fits = format.levelShifts.filter((each, level) => level > 0 && each <= shift);
    expect([format.isPresent(lo), format.isLeaf(lo, fits.length)]).toEqual([true, true]);
    expect(format.leafPhys(lo, hi, fits.length)).toBe(phys);
    if (format.replicates) expect(format.leafShift(lo, hi, fits.length)).toBe(shift);
  }
}

describe("x86 tables", () => {
  const F = vtdFirstStage(4);
  it("have P, RW, US, A, D and PS", () => {
    expect(leaf(F, 0x40000000, 21, RW)).toBe("00000000400000e7");
    expect(leaf(F, 0x8_7654_3000, 12, PROT.read)).toBe("0000000876543025");
    expect(table(F, TABLE_BASE + 0x5000, 2)).toBe("0000800000005027");
    expect(F.isLeaf(F.tableLo(TABLE_BASE, 2), 2)).toBe(false);
    expectRoundTrip(F);
  });

  it("read what is mapped for writing", () => {
    expect(F.leafProt(F.leafLo(0, 12, PROT.write), 0)).toBe(RW);
    expect(F.leafProt(F.leafLo(0, 12, PROT.read), 0)).toBe(PROT.read);
  });

  it("use the lower half of canonical addresses", () => {
    expect([vtdFirstStage(4), vtdFirstStage(5), amdV2(4)].map((each) => each.addressBits)).toEqual([47, 56, 47]);
    expect(mapRange(Arena.create(), 1, 0, F, 2 ** 47, 0, K4, RW, new CostRecord())).toBe(0);
  });
});

describe("AMD-Vi v1 tables", () => {
  const F = amdV1(4);
  it("have PR, next level, FC, IR and IW", () => {
    expect(leaf(F, 0x8_7654_3000, 12, RW)).toBe("7000000876543001");
    expect(leaf(F, M2, 21, PROT.read)).toBe("3000000000200001");
    expect(table(F, TABLE_BASE + 0x5000, 4)).toBe("6000800000005601");
    expectRoundTrip(F);
    expectRoundTrip(amdV1(6));
  });

  it("encode a size between two levels in the lowest zero of the address", () => {
    expect(leaf(F, 0x10000, 13, RW)).toBe("7000000000010e01");
    expect(leaf(F, 0x10000, 14, RW)).toBe("7000000000011e01");
    expect(leaf(F, 0x10000, 16, RW)).toBe("7000000000017e01");
    expect(leaf(F, 0, 22, RW)).toBe("70000000001ffe01");
    expect(leaf(F, 0, 33, RW)).toBe("70000000fffffe01");
    expect(leaf(F, 0, 40, RW)).toBe("7000007ffffffe01");
  });

  it("have every power of two but 512 GiB", () => {
    expect(amdPageShifts(3)).toEqual(Array.from({ length: 27 }, (_, at) => at + 12));
    expect(amdPageShifts(4)).not.toContain(39);
    expect([amdPageShifts(4).at(-1), amdPageShifts(6).at(-1)]).toEqual([47, 51]);
    expect([1, 3, 4, 5, 6].map((levels) => amdV1(levels).addressBits)).toEqual([21, 39, 48, 57, 64]);
  });

  it("write a page into every entry that it covers, and clear it from there", () => {
    const [arena, cost, out] = [Arena.create(), new CostRecord(), new WalkResult()];
    expect(mapRange(arena, 1, 0, F, 8 * K4, 16 * K4, 8 * K4, RW, cost)).toBe(8 * K4);
    expect(cost.ptesWritten).toBe(8);
    expect(walk(arena, 0, F, 13 * K4, out)).toBe(true);
    expect(out).toMatchObject({ phys: 16 * K4, pageShift: 15, levels: 4 });
    expect(unmapRange(arena, 1, 0, F, 9 * K4, K4, cost)).toBe(0);
    expect(unmapRange(arena, 1, 0, F, 8 * K4, K4, cost)).toBe(8 * K4);
    expect(walk(arena, 0, F, 15 * K4, out)).toBe(false);
  });

  it("replicate at higher levels, over empty tables too", () => {
    const [arena, cost, out] = [Arena.create(), new CostRecord(), new WalkResult()];
    mapRange(arena, 1, 0, F, 5 * M2, K4, K4, RW, cost);
    unmapRange(arena, 1, 0, F, 5 * M2, K4, cost);
    const frames = framesUsed(arena);
    expect(mapRange(arena, 1, 0, F, 4 * M2, 8 * M2, 4 * M2, RW, cost)).toBe(4 * M2);
    expect(framesUsed(arena)).toBe(frames - 1);
    expect(walk(arena, 0, F, 5 * M2 + 123, out) && out).toMatchObject({ phys: 8 * M2, pageShift: 23, levels: 3 });
    expect(mapRange(arena, 1, 0, F, 8 * G1, 16 * G1, 8 * G1, RW, cost)).toBe(8 * G1);
    expect(walk(arena, 0, F, 15 * G1, out) && out).toMatchObject({ phys: 16 * G1, pageShift: 33, levels: 2 });
    expect(() => mapRange(arena, 1, 0, F, 6 * M2, 0, M2, RW, cost)).toThrow(/invariant/);
    expect(unmapRange(arena, 1, 0, F, 0, 32 * G1, cost)).toBe(4 * M2 + 8 * G1);
  });
});

describe("LPAE stage 1", () => {
  it("has page, block and table descriptors", () => {
    const F = lpaeStage1(12);
    expect(leaf(F, 0x8_7654_3000, 12, RW)).toBe("0000000876543e43");
    expect(leaf(F, M2, 21, PROT.read)).toBe("0000000000200ec1");
    expect(leaf(F, M2, 21, RW | PROT.snoop)).toBe("0000000000200f45");
    expect(table(F, TABLE_BASE + 0x5000, 2)).toBe("0000800000005003");
    expect(F.isLeaf(F.leafLo(M2, 21, RW), 2)).toBe(true);
    expect(F.isLeaf(F.tableLo(TABLE_BASE, 2), 2)).toBe(false);
    expect(F.leafProt(F.leafLo(0, 12, PROT.write | PROT.snoop), 0)).toBe(RW | PROT.snoop);
  });

  it("round-trips at every granule", () => {
    for (const shift of [12, 14, 16]) expectRoundTrip(lpaeStage1(shift));
  });

  it("has the architecture's levels and table sizes", () => {
    const shape = (format: PageTableFormat) => [format.levels, format.tableEntries, format.tableOrder];
    expect(shape(lpaeStage1(12))).toEqual([4, 512, 0]);
    expect(shape(lpaeStage1(12, 39))).toEqual([3, 512, 0]);
    expect(shape(lpaeStage1(14))).toEqual([4, 2048, 2]);
    expect(shape(lpaeStage1(16))).toEqual([3, 8192, 4]);
    expect(shape(lpaeStage1(16, 42))).toEqual([2, 8192, 4]);
    expect(lpaeStage1(16).pageShifts).toEqual([16, 29]);
  });

  it("holds 52-bit physical addresses with the granule of 64 KiB only", () => {
    const wide = lpaeStage1(16, 52);
    const phys = 2 ** 51 + 2 ** 48 + 0x30000;
    expect(leaf(wide, phys, 16, RW)).toBe("0000000000039e43");
    expect(wide.leafPhys(wide.leafLo(phys, 16, RW), wide.leafHi(phys, 16, RW), 1)).toBe(phys);
    expect(mapRange(Arena.create(), 1, 0, lpaeStage1(12), 0, 2 ** 48, K4, RW, new CostRecord())).toBe(0);
  });

  it("takes contiguous frames for a table, and gives all of them back", () => {
    const [arena, cost] = [Arena.create(), new CostRecord()];
    mapRange(arena, 1, 0, lpaeStage1(16), 0, 0x10000, 0x10000, RW, cost);
    expect([cost.tablesAllocated, framesUsed(arena)]).toEqual([3, 48]);
    mapRange(arena, 1, 1, lpaeStage1(12), 0, K4, K4, RW, cost);
    mapRange(arena, 1, 2, lpaeStage1(14), 0, 0x4000, 0x4000, RW, cost);
    expect(framesUsed(arena)).toBe(48 + 4 + 16);
    unmapRange(arena, 1, 0, lpaeStage1(16), 0, 2 ** 42, cost);
    expect(framesUsed(arena)).toBe(16 + 4 + 16);
  });
});

describe("linear tables", () => {
  it("find every page with one read", () => {
    const F = linearTable(2 ** 31);
    const [arena, cost, out] = [Arena.create(), new CostRecord(), new WalkResult()];
    expect(mapRange(arena, 1, 0, F, 2 ** 31 - 2 * K4, 0x123000, 2 * K4, PROT.read, cost)).toBe(2 * K4);
    expect([cost.tablesAllocated, framesUsed(arena)]).toEqual([1, 1024]);
    expect(walk(arena, 0, F, 2 ** 31 - 1, out)).toBe(true);
    expect(out).toMatchObject({ phys: 0x124000, pageShift: 12, prot: PROT.read, levels: 1 });
    expect(mapRange(arena, 1, 0, F, 2 ** 31 - K4, 0, 2 * K4, RW, cost)).toBe(0);
    expect(unmapRange(arena, 1, 0, F, 0, 2 ** 31, cost)).toBe(2 * K4);
  });
});

describe("virtio-iommu", () => {
  it("sends one request for each run of pages, whole mappings come back", () => {
    const F = virtioIommu();
    const [arena, cost, out] = [Arena.create(), new CostRecord(), new WalkResult()];
    expect(mapRange(arena, 1, 0, F, 16 * K4, 7 * K4, 32 * K4, RW, cost)).toBe(32 * K4);
    expect([cost.requests, cost.ptesWritten, cost.tablesAllocated]).toEqual([1, 0, 0]);
    expect(walk(arena, 0, F, 20 * K4 + 5, out) && out).toMatchObject({ phys: 11 * K4, pageShift: 12, levels: 1 });
    expect(walk(arena, 0, F, 48 * K4, out)).toBe(false);
    expect(unmapRange(arena, 1, 0, F, 17 * K4, K4, cost)).toBe(0);
    expect(unmapRange(arena, 1, 0, F, 16 * K4, K4, cost)).toBe(32 * K4);
    expect(cost.requests).toBe(2);
    expect(() => F.isPresent(0)).toThrow(/no entries/);
  });

  it("keeps thousands of mappings in order", () => {
    const F = virtioIommu();
    const [arena, cost, out] = [Arena.create(), new CostRecord(), new WalkResult()];
    const count = 3000;
    const place = (i: number) => ((i * 1777) % count) * 2 * K4;
    for (let i = 0; i < count; i += 1) mapRange(arena, 1, 0, F, place(i), i * K4, K4, RW, cost);
    for (let i = 0; i < count; i += 1) expect(walk(arena, 0, F, place(i) + 1, out) ? out.phys : -1).toBe(i * K4);
    expect(walk(arena, 0, F, K4, out)).toBe(false);
    for (let i = 0; i < count; i += 2) expect(unmapRange(arena, 1, 0, F, place(i), K4, cost)).toBe(K4);
    expect(unmapRange(arena, 1, 0, F, 0, 2 * count * K4, cost)).toBe((count / 2) * K4);
    expect(framesUsed(arena)).toBe(1);
  });

  it.each([3, 4, 7])("holds an overlapping mapping (page %i) for a defect of the caller", (page) => {
    const F = virtioIommu();
    const arena = Arena.create();
    mapRange(arena, 1, 0, F, 4 * K4, 0, 4 * K4, RW, new CostRecord());
    expect(() => mapRange(arena, 1, 0, F, page * K4, K4, 2 * K4, RW, new CostRecord())).toThrow(/overlap/);
  });
});
