import { describe, expect, it } from "vitest";
import { CostRecord } from "#dmasim/base/cost.js";
import { invalidateDomain, invalidatePages } from "#dmasim/device/invalidate.js";
import { beginFill, fillIotlb, initIommuUnit, unitWord } from "#dmasim/device/iotlb.js";
import { makeTranslation, translate } from "#dmasim/device/translate.js";
import { PROT } from "#dmasim/pagetable/format.js";
import { mapRange, unmapRange } from "#dmasim/pagetable/mapper.js";
import { VTD_SECOND_LEVEL } from "#dmasim/pagetable/vtd.js";
import { Arena } from "#dmasim/shm/arena.js";
import { IOTLB_ENTRIES_MAX } from "#dmasim/shm/capacities.js";
import { DMA_STATUS } from "#dmasim/shm/dma_status.js";
import { IOMMU_UNIT } from "#dmasim/shm/layout.js";

const F = VTD_SECOND_LEVEL;
const RW = PROT.read | PROT.write;
const K4 = 0x1000;
const M2 = 0x200000;
const G1 = 0x40000000;

class Fixture {
  readonly arena = Arena.create();
  readonly cost = new CostRecord();
  readonly out = makeTranslation();
  constructor(entries = 64, ways = 8) {
    initIommuUnit(this.arena, 0, entries, ways);
  }
  map(iova: number, phys: number, bytes: number, prot = RW, domain = 0): void {
    expect(mapRange(this.arena, 1, domain, F, iova, phys, bytes, prot, this.cost)).toBe(bytes);
  }
  unmap(iova: number, bytes: number, domain = 0): void {
    expect(unmapRange(this.arena, 1, domain, F, iova, bytes, this.cost)).toBe(bytes);
  }
  write(iova: number, domain = 0): number {
    return translate(this.arena, 0, domain, F, iova, true, this.out);
  }
  read(iova: number, domain = 0): number {
    return translate(this.arena, 0, domain, F, iova, false, this.out);
  }
  /** Whether the IOTLB has the page. Fills it when not. */
  hits(iova: number, domain = 0): boolean {
    this.read(iova, domain);
    return this.out.hit;
  }
  geometry(): number[] {
    const word = unitWord(0);
    return [IOMMU_UNIT.entries, IOMMU_UNIT.sets, IOMMU_UNIT.ways].map(
      (field) => this.arena.i32[word + field] as number,
    );
  }
}

describe("translate", () => {
  it("misses, walks, fills, then hits", () => {
    const f = new Fixture();
    f.map(0xfffff000, 0x123456000, K4);
    expect(f.write(0xfffff010)).toBe(DMA_STATUS.ok);
    expect(f.out).toMatchObject({ phys: 0x123456010, bytesToPageEnd: K4 - 0x10, hit: false, levels: 4, pageShift: 12 });
    expect(f.write(0xfffffffc)).toBe(DMA_STATUS.ok);
    expect(f.out).toMatchObject({ phys: 0x123456ffc, bytesToPageEnd: 4, hit: true, levels: 0 });
  });

  it("reports how far the walk came when nothing is mapped", () => {
    const f = new Fixture();
    expect(f.write(0x1000)).toBe(DMA_STATUS.notPresent);
    expect(f.out.levels).toBe(0);
    f.map(0x1000, 0, K4);
    expect(f.write(0x2000)).toBe(DMA_STATUS.notPresent);
    expect(f.out.levels).toBe(4);
    expect(f.write(G1)).toBe(DMA_STATUS.notPresent);
    expect(f.out.levels).toBe(2);
    expect(f.write(2 ** 48)).toBe(DMA_STATUS.notPresent);
  });

  it("keeps large pages as one entry", () => {
    const f = new Fixture();
    f.map(M2, 8 * M2, M2);
    f.map(2 * G1, 5 * G1, G1);
    expect(f.write(M2 + 0x12345)).toBe(DMA_STATUS.ok);
    expect(f.out).toMatchObject({ phys: 8 * M2 + 0x12345, bytesToPageEnd: M2 - 0x12345, levels: 3, pageShift: 21 });
    expect(f.hits(2 * M2 - 1)).toBe(true);
    expect(f.out.phys).toBe(9 * M2 - 1);
    expect(f.write(2 * G1 + 0x1234567)).toBe(DMA_STATUS.ok);
    expect(f.out).toMatchObject({ levels: 2, pageShift: 30 });
    expect(f.hits(3 * G1 - 1)).toBe(true);
    expect(f.out).toMatchObject({ phys: 6 * G1 - 1, bytesToPageEnd: 1 });
  });

  it("enforces permissions on misses and on hits, and does not keep refused pages", () => {
    const f = new Fixture();
    f.map(0x1000, 0xa000, K4, PROT.read);
    f.map(0x2000, 0xb000, K4, PROT.write);
    expect(f.write(0x1000)).toBe(DMA_STATUS.permission);
    expect(f.write(0x1000)).toBe(DMA_STATUS.permission);
    expect(f.out.hit).toBe(false);
    expect(f.read(0x1000)).toBe(DMA_STATUS.ok);
    expect(f.write(0x1000)).toBe(DMA_STATUS.permission);
    expect(f.out.hit).toBe(true);
    expect(f.read(0x2000)).toBe(DMA_STATUS.permission);
    expect(f.write(0x2000)).toBe(DMA_STATUS.ok);
  });

  it("translates unmapped pages until they are invalidated: the lazy window", () => {
    const f = new Fixture();
    f.map(0x5000, 0x77000, K4);
    f.write(0x5000);
    f.unmap(0x5000, K4);
    expect(f.write(0x5004)).toBe(DMA_STATUS.ok);
    expect(f.out).toMatchObject({ phys: 0x77004, hit: true });
    expect(invalidatePages(f.arena, 0, 0, 0x5000, K4)).toBe(1);
    expect(f.write(0x5004)).toBe(DMA_STATUS.notPresent);
  });

  it("returns the new page after unmap, invalidation and map", () => {
    const f = new Fixture();
    for (let i = 1; i <= 5; i += 1) {
      f.map(0x5000, i * K4, K4);
      expect(f.write(0x5000)).toBe(DMA_STATUS.ok);
      expect(f.out).toMatchObject({ phys: i * K4, hit: false });
      f.unmap(0x5000, K4);
      invalidatePages(f.arena, 0, 0, 0x5000, K4);
    }
  });

  it("keeps domains apart", () => {
    const f = new Fixture();
    f.map(0, 0xa000, K4, RW, 0);
    f.map(0, 0xb000, K4, RW, 1);
    expect([f.read(0, 0), f.out.phys, f.read(0, 1), f.out.phys]).toEqual([0, 0xa000, 0, 0xb000]);
    expect(invalidateDomain(f.arena, 0, 1)).toBe(1);
    expect([f.hits(0, 0), f.hits(0, 1)]).toEqual([true, false]);
    expect(f.read(0, 2)).toBe(DMA_STATUS.notPresent);
  });
});

describe("IOTLB geometry and replacement", () => {
  it("rounds sets down to a power of two, at least one", () => {
    expect(new Fixture(64, 8).geometry()).toEqual([64, 8, 8]);
    expect(new Fixture(48, 4).geometry()).toEqual([48, 8, 4]);
    expect(new Fixture(5, 8).geometry()).toEqual([5, 1, 5]);
    expect(new Fixture(1, 1).geometry()).toEqual([1, 1, 1]);
    expect(new Fixture(IOTLB_ENTRIES_MAX, 1).geometry()).toEqual([IOTLB_ENTRIES_MAX, IOTLB_ENTRIES_MAX, 1]);
    expect(new Fixture(IOTLB_ENTRIES_MAX, IOTLB_ENTRIES_MAX).geometry()).toEqual([
      IOTLB_ENTRIES_MAX,
      1,
      IOTLB_ENTRIES_MAX,
    ]);
  });

  it("holds as many consecutive pages as it has entries, and thrashes with one more when fully associative", () => {
    const f = new Fixture(16, 16);
    f.map(0, 0, 17 * K4);
    for (let i = 0; i < 16; i += 1) expect(f.hits(i * K4)).toBe(false);
    for (let i = 0; i < 16; i += 1) expect(f.hits(i * K4)).toBe(true);
    for (let turn = 0; turn < 3; turn += 1) {
      for (let i = 0; i < 17; i += 1)
        if (turn > 0) expect(f.hits(i * K4)).toBe(false);
        else f.read(i * K4);
    }
  });

  it("keeps what was used last", () => {
    const f = new Fixture(4, 4);
    f.map(0, 0, 8 * K4);
    for (let i = 0; i < 4; i += 1) f.read(i * K4);
    f.read(0);
    f.read(5 * K4);
    expect(f.hits(0)).toBe(true);
    expect(f.hits(K4)).toBe(false);
  });

  it("spreads consecutive pages over all sets", () => {
    const f = new Fixture(64, 1);
    f.map(0xf0000000, 0, 64 * K4);
    for (let i = 0; i < 64; i += 1) f.read(0xf0000000 + i * K4);
    for (let i = 0; i < 64; i += 1) expect(f.hits(0xf0000000 + i * K4)).toBe(true);
  });

  it("is emptied by a new geometry", () => {
    const f = new Fixture();
    f.map(0, 0, K4);
    f.read(0);
    initIommuUnit(f.arena, 0, 64, 8);
    expect(f.hits(0)).toBe(false);
  });
});

describe("invalidation", () => {
  it("drops a probed range and nothing beside it", () => {
    const f = new Fixture(256, 4);
    f.map(0, M2, 16 * K4);
    for (let i = 0; i < 16; i += 1) f.read(i * K4);
    expect(invalidatePages(f.arena, 0, 0, 4 * K4, 3 * K4)).toBe(3);
    const dropped = Array.from({ length: 16 }, (_, i) => i).filter((i) => !f.hits(i * K4));
    expect(dropped).toEqual([4, 5, 6]);
  });

  it("drops a scanned range and nothing beside it", () => {
    const f = new Fixture(64, 16);
    f.map(0, K4, 64 * K4);
    f.map(0, K4, 64 * K4, RW, 1);
    for (let i = 0; i < 30; i += 1) f.read(i * K4);
    f.read(5 * K4, 1);
    expect(invalidatePages(f.arena, 0, 0, 2 * K4, 20 * K4)).toBe(20);
    expect([f.hits(K4), f.hits(2 * K4), f.hits(21 * K4), f.hits(22 * K4)]).toEqual([true, false, false, true]);
    expect(f.hits(5 * K4, 1)).toBe(true);
  });

  it("drops large pages that the range touches", () => {
    const f = new Fixture();
    f.map(M2, 0, M2);
    f.map(0, M2, K4);
    f.read(M2);
    f.read(0);
    expect(invalidatePages(f.arena, 0, 0, M2 + 5 * K4, K4)).toBe(1);
    expect([f.hits(0), f.hits(M2)]).toEqual([true, false]);
  });

  it("makes a fill that straddles it void", () => {
    const f = new Fixture();
    const generation = beginFill(f.arena, 0);
    const page = { pagePhys: 0x9000, pageShift: 12, prot: RW };
    invalidatePages(f.arena, 0, 3, 0, K4);
    fillIotlb(f.arena, 0, 0, 0x1000, page, generation);
    expect(f.read(0x1000)).toBe(DMA_STATUS.notPresent);
    fillIotlb(f.arena, 0, 0, 0x1000, page, beginFill(f.arena, 0));
    expect(f.read(0x1000)).toBe(DMA_STATUS.ok);
    expect(f.out).toMatchObject({ phys: 0x9000, hit: true });
  });

  it("keeps a page above 1 GiB as the piece that was used", () => {
    const f = new Fixture();
    fillIotlb(
      f.arena,
      0,
      0,
      2 ** 39 + 3 * G1 + 5,
      { pagePhys: 2 ** 40, pageShift: 39, prot: RW },
      beginFill(f.arena, 0),
    );
    expect(f.read(2 ** 39 + 3 * G1 + 7)).toBe(DMA_STATUS.ok);
    expect(f.out).toMatchObject({ phys: 2 ** 40 + 3 * G1 + 7, pageShift: 30 });
    expect(f.read(2 ** 39 + 2 * G1)).toBe(DMA_STATUS.notPresent);
  });
});
