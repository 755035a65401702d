import { describe, expect, it } from "vitest";
import { CostRecord } from "#dmasim/base/cost.js";
import { PROT } from "#dmasim/pagetable/format.js";
import { allocFrame, frameAddress, frameByte, framesUsed, freeFrame, TABLE_BASE } from "#dmasim/pagetable/frames.js";
import { mapRange, unmapRange } from "#dmasim/pagetable/mapper.js";
import { freeDomainTables, rootTable } from "#dmasim/pagetable/tables.js";
import { VTD_SECOND_LEVEL, vtdSecondLevel } from "#dmasim/pagetable/vtd.js";
import { WalkResult, walk } from "#dmasim/pagetable/walker.js";
import { Arena } from "#dmasim/shm/arena.js";
import { load } from "#dmasim/shm/atomics.js";
import { domainWord } from "#dmasim/shm/domain_record.js";
import { DOMAIN, HEADER, REGIONS } from "#dmasim/shm/layout.js";

const OWNER = 1;
const RW = PROT.read | PROT.write;
const K4 = 0x1000;
const M2 = 0x200000;
const G1 = 0x40000000;
const F = VTD_SECOND_LEVEL;

class Fixture {
  readonly arena = Arena.create();
  readonly cost = new CostRecord();
  readonly out = new WalkResult();
  readonly domain: number;
  constructor(domain = 0) {
    this.domain = domain;
  }
  map(iova: number, phys: number, bytes: number, prot = RW): number {
    return mapRange(this.arena, OWNER, this.domain, F, iova, phys, bytes, prot, this.cost);
  }
  unmap(iova: number, bytes: number): number {
    return unmapRange(this.arena, OWNER, this.domain, F, iova, bytes, this.cost);
  }
  /** Physical address of `iova`, -1 when not mapped. */
  resolve(iova: number): number {
    if (!walk(this.arena, this.domain, F, iova, this.out)) return -1;
    return this.out.phys + (iova - Math.floor(iova / 2 ** this.out.pageShift) * 2 ** this.out.pageShift);
  }
  present(): number {
    return load(this.arena.i32, domainWord(this.domain) + DOMAIN.ptePresent);
  }
}

describe("page-table frames", () => {
  it("hands out zeroed frames, also when recycled", () => {
    const arena = Arena.create();
    const first = allocFrame(arena, OWNER);
    arena.ops.fill(frameByte(first), 0xff, 4096);
    freeFrame(arena, OWNER, first);
    expect(framesUsed(arena)).toBe(0);
    const again = allocFrame(arena, OWNER);
    expect(again).toBe(first);
    expect(arena.ops.findOther(frameByte(again), 0, 4096)).toBe(-1);
    expect(framesUsed(arena)).toBe(1);
  });

  it("runs out with a status", () => {
    const arena = Arena.create();
    arena.i32[REGIONS.header.word + HEADER.frameNext] = REGIONS.frames.count;
    expect(allocFrame(arena, OWNER)).toBe(-1);
    expect(framesUsed(arena)).toBe(0);
  });

  it("has addresses above any memory", () => {
    expect(frameAddress(3)).toBe(TABLE_BASE + 3 * 4096);
    expect(TABLE_BASE % 2 ** 32).toBe(0);
  });
});

describe("mapRange and unmapRange", () => {
  it("maps one page through three tables below the root", () => {
    const f = new Fixture(3);
    expect(f.map(0xfffff000, 0x123456000, K4)).toBe(K4);
    expect(f.resolve(0xfffff123)).toBe(0x123456123);
    expect(f.out).toMatchObject({ pageShift: 12, prot: RW, levels: 4 });
    expect(f.cost).toMatchObject({ ptesWritten: 1, tablesAllocated: 4 });
    expect(f.present()).toBe(1);
    expect(f.resolve(0xffffe000)).toBe(-1);
    expect(f.resolve(2 ** 48)).toBe(-1);
  });

  it("keeps the tables of single pages and uses them again", () => {
    const f = new Fixture();
    f.map(0xfffff000, 0x1000, K4);
    expect(f.unmap(0xfffff000, K4)).toBe(K4);
    expect(f.resolve(0xfffff000)).toBe(-1);
    expect(framesUsed(f.arena)).toBe(4);
    expect(f.present()).toBe(0);
    f.cost.reset();
    f.map(0xffffe000, 0x1000, K4);
    expect(f.cost.tablesAllocated).toBe(0);
  });

  it("writes entries as the hardware reads them", () => {
    const f = new Fixture();
    f.map(0, 0x8_7654_3000, K4);
    const root = rootTable(f.arena, 0);
    expect(f.arena.ops.load64(root) & 0xfff).toBe(3);
    expect((f.arena.ops.hi() >>> 0) * 2 ** 32).toBe(TABLE_BASE);
    let table = root;
    for (let level = 4; level > 1; level -= 1) table = frameByte(f.arena.ops.load64(table) >>> 12);
    expect(f.arena.ops.load64(table) >>> 0).toBe(0x76543003);
    expect(f.arena.ops.hi()).toBe(8);
  });

  it("crosses table boundaries with small pages", () => {
    const f = new Fixture();
    expect(f.map(G1 - 3 * K4, 0x5000, 9 * K4)).toBe(9 * K4);
    for (let i = 0; i < 9; i += 1) expect(f.resolve(G1 + (i - 3) * K4 + 7)).toBe(0x5000 + i * K4 + 7);
    expect(f.unmap(G1 - 3 * K4, 9 * K4)).toBe(9 * K4);
    for (let i = -1; i < 10; i += 1) expect(f.resolve(G1 + (i - 3) * K4)).toBe(-1);
    expect(f.present()).toBe(0);
  });

  it("picks large pages", () => {
    const f = new Fixture();
    const start = G1 - M2 - K4;
    const bytes = K4 + M2 + G1 + M2 + K4;
    expect(f.map(start, start + 8 * G1, bytes)).toBe(bytes);
    expect(f.cost.ptesWritten).toBe(5);
    const shiftAt = (iova: number): number => {
      expect(f.resolve(iova)).toBe(iova + 8 * G1);
      return f.out.pageShift;
    };
    expect([start, G1 - 5, G1 + 12345, 2 * G1 + 5, 2 * G1 + M2 + 5].map(shiftAt)).toEqual([12, 21, 30, 21, 12]);
    expect(f.out.levels).toBe(4);
    expect(f.unmap(start, bytes)).toBe(bytes);
    expect(f.present()).toBe(0);
  });

  it("clears a large page whole when the range ends inside it", () => {
    const f = new Fixture();
    f.map(M2, 0, M2);
    expect(f.unmap(M2, K4)).toBe(M2);
    expect(f.resolve(M2 + K4)).toBe(-1);
    expect(f.present()).toBe(0);
  });

  it("leaves a large page alone when the range begins inside it", () => {
    const f = new Fixture();
    f.map(M2, 0, M2);
    expect(f.unmap(M2 + K4, M2)).toBe(0);
    expect(f.resolve(M2)).toBe(0);
    expect(f.present()).toBe(1);
  });

  it("does not count holes", () => {
    const f = new Fixture();
    f.map(0x10000, 0, K4);
    f.map(0x12000, 0, K4);
    f.map(8 * G1, 0, K4);
    expect(f.unmap(0, 16 * G1)).toBe(3 * K4);
    expect(f.unmap(0, 16 * G1)).toBe(0);
    expect(f.present()).toBe(0);
  });

  it("frees tables that a range covers whole, and no others", () => {
    const f = new Fixture();
    f.map(0, K4, 2 * M2);
    f.map(4 * G1, K4, K4);
    expect(f.cost.ptesWritten).toBe(1025);
    expect(framesUsed(f.arena)).toBe(7);
    expect(f.unmap(K4, 2 * M2 - K4)).toBe(2 * M2 - K4);
    expect(framesUsed(f.arena)).toBe(6);
    expect(f.unmap(0, G1)).toBe(K4);
    expect(framesUsed(f.arena)).toBe(4);
    expect(f.cost.tablesFreed).toBe(3);
    expect(f.resolve(4 * G1)).toBe(K4);
    expect(f.resolve(0)).toBe(-1);
  });

  it("puts a large page where an empty table stood", () => {
    const f = new Fixture();
    f.map(M2, K4, 2 * K4);
    f.unmap(M2, 2 * K4);
    const frames = framesUsed(f.arena);
    f.cost.reset();
    expect(f.map(M2, 2 * M2, M2)).toBe(M2);
    expect(f.cost.tablesFreed).toBe(1);
    expect(framesUsed(f.arena)).toBe(frames - 1);
    expect(f.resolve(M2 + 5)).toBe(2 * M2 + 5);
  });

  it("holds overlapping mappings for a defect of the caller", () => {
    const f = new Fixture();
    f.map(M2, 0, K4);
    expect(() => f.map(M2, 0, K4)).toThrow(/invariant/);
    expect(() => f.map(M2, 0, M2)).toThrow(/invariant/);
    f.map(4 * M2, 0, M2);
    expect(() => f.map(4 * M2 + K4, 0, K4)).toThrow(/invariant/);
  });

  it("maps nothing beyond the address width or off the granule", () => {
    const f = new Fixture();
    expect(f.map(2 ** 48 - K4, 0, 2 * K4)).toBe(0);
    expect(f.map(0x800, 0, K4)).toBe(0);
    expect(f.map(2 ** 48 - K4, 0, K4)).toBe(K4);
    expect(f.resolve(2 ** 48 - 1)).toBe(K4 - 1);
  });

  it("says how far it came when frames run out", () => {
    const f = new Fixture();
    f.arena.i32[REGIONS.header.word + HEADER.frameNext] = REGIONS.frames.count - 4;
    const bytes = f.map(M2 - 2 * K4, K4, 8 * K4);
    expect(bytes).toBe(2 * K4);
    expect(f.unmap(M2 - 2 * K4, bytes)).toBe(bytes);
    expect(f.present()).toBe(0);
  });

  it("frees every frame at teardown", () => {
    const f = new Fixture(1);
    f.map(0, K4, 3 * M2);
    f.map(7 * G1, 0, G1);
    f.map(600 * G1, 0, M2);
    const used = framesUsed(f.arena);
    expect(freeDomainTables(f.arena, OWNER, 1, F)).toBe(used);
    expect(framesUsed(f.arena)).toBe(0);
    expect(f.present()).toBe(0);
    expect(f.resolve(0)).toBe(-1);
    expect(freeDomainTables(f.arena, OWNER, 1, F)).toBe(0);
    expect(f.map(0, K4, K4)).toBe(K4);
    expect(f.resolve(0)).toBe(K4);
  });

  it("keeps domains apart", () => {
    const arena = Arena.create();
    const cost = new CostRecord();
    const out = new WalkResult();
    mapRange(arena, OWNER, 0, F, 0x1000, 0xa000, K4, RW, cost);
    mapRange(arena, OWNER, 1, F, 0x1000, 0xb000, K4, PROT.read, cost);
    expect(walk(arena, 0, F, 0x1000, out) && out.phys).toBe(0xa000);
    expect(walk(arena, 1, F, 0x1000, out) && out.phys).toBe(0xb000);
    expect(out.prot).toBe(PROT.read);
  });

  it("walks as many levels as the format has", () => {
    const out = new WalkResult();
    for (const levels of [3, 4, 5]) {
      const arena = Arena.create();
      const format = vtdSecondLevel(levels);
      const iova = Math.min(format.addressLimit, 2 ** 52) - K4;
      expect(mapRange(arena, OWNER, 0, format, iova, 0x7000, K4, RW, new CostRecord())).toBe(K4);
      expect(walk(arena, 0, format, iova, out)).toBe(true);
      expect(out).toMatchObject({ phys: 0x7000, levels });
    }
  });

  it("uses 4 KiB only when the unit has no large pages", () => {
    const arena = Arena.create();
    const cost = new CostRecord();
    mapRange(arena, OWNER, 0, vtdSecondLevel(4, [12]), 0, 0, M2, RW, cost);
    expect(cost.ptesWritten).toBe(512);
  });
});
