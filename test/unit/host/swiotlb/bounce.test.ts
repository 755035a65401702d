import { beforeEach, describe, expect, it } from "vitest";
import type { Era } from "#dmasim/base/era.js";
import { ATTR, DIR, type DmaDevice } from "#dmasim/host/dma/device.js";
import { MAP_FAILURES } from "#dmasim/host/status.js";
import {
  allocationBytes,
  frontPadding,
  swiotlbMap,
  swiotlbSyncForCpu,
  swiotlbSyncForDevice,
  swiotlbUnmap,
} from "#dmasim/host/swiotlb/bounce.js";
import { initPool, slotsUsed } from "#dmasim/host/swiotlb/pool.js";
import { fillPhys, findOtherPhys, readByte, writeByte } from "#dmasim/memory/copy.js";
import { Arena } from "#dmasim/shm/arena.js";
import { makeContext, makeDevice, makeDomain } from "../../../support/host.ts";

const POOL_START = 0x4000000;
const ORIG = 0x1_2345_6000;
const arena = Arena.create();

interface Bench {
  readonly ctx: ReturnType<typeof makeContext>;
  readonly device: DmaDevice;
  map(orig: number, bytes: number, dir?: number, attrs?: number, alignMask?: number): number;
}

function bench(era: Era, overrides: Partial<DmaDevice> = {}, nareas = 1, start = POOL_START): Bench {
  const ctx = makeContext({ arena, era });
  const pool = initPool(arena, 0, 0, 0, 512, nareas, start);
  const device = makeDevice({ pool, ...overrides });
  return {
    ctx,
    device,
    map: (orig, bytes, dir = DIR.toDevice, attrs = 0, alignMask = 0) =>
      swiotlbMap(ctx, device, orig, bytes, alignMask, dir, attrs),
  };
}

function used({ ctx, device }: Bench): number {
  return device.pool === null ? 0 : slotsUsed(ctx.arena, device.pool);
}

beforeEach(() => {
  fillPhys(arena, POOL_START, 0xee, 512 * 2048);
  fillPhys(arena, ORIG, 0x11, 0x10000);
});

describe("copies", () => {
  // Rows: direction; bytes copied by map, unmap, sync for CPU, sync for device.
  const rows: readonly [Era, number, readonly number[]][] = [
    ["4.1", DIR.toDevice, [4096, 0, 0, 4096]],
    ["4.1", DIR.fromDevice, [0, 4096, 4096, 0]],
    ["4.1", DIR.bidirectional, [4096, 4096, 4096, 4096]],
    ["6.1", DIR.toDevice, [4096, 0, 0, 4096]],
    ["6.1", DIR.fromDevice, [4096, 4096, 4096, 0]],
    ["6.12", DIR.toDevice, [4096, 0, 0, 4096]],
    ["6.12", DIR.fromDevice, [4096, 4096, 4096, 0]],
    ["6.12", DIR.bidirectional, [4096, 4096, 4096, 4096]],
    ["7.x", DIR.fromDevice, [4096, 4096, 4096, 0]],
  ];

  for (const [era, dir, expected] of rows) {
    it(`${era} direction ${dir}`, () => {
      const b = bench(era);
      const cost = b.ctx.cost;
      const step = (action: () => unknown): number => {
        cost.reset();
        action();
        return cost.bytesBounced;
      };
      let tlb = 0;
      const mapped = step(() => {
        tlb = b.map(ORIG, 4096, dir);
      });
      const toCpu = step(() => swiotlbSyncForCpu(b.ctx, b.device, tlb, 4096, dir));
      const toDevice = step(() => swiotlbSyncForDevice(b.ctx, b.device, tlb, 4096, dir));
      const unmapped = step(() => swiotlbUnmap(b.ctx, b.device, tlb, 4096, dir, 0));
      expect([mapped, unmapped, toCpu, toDevice]).toEqual(expected);
      expect(used(b)).toBe(0);
    });
  }

  it("leaves bytes that the device did not write as they were, but not in 2015", () => {
    for (const [era, last] of [
      ["6.12", 0x11],
      ["4.1", 0xee],
    ] as const) {
      fillPhys(arena, ORIG, 0x11, 4096);
      fillPhys(arena, POOL_START, 0xee, 8192);
      const b = bench(era);
      const tlb = b.map(ORIG, 4096, DIR.fromDevice);
      fillPhys(arena, tlb, 0x77, 1000);
      swiotlbUnmap(b.ctx, b.device, tlb, 4096, DIR.fromDevice, 0);
      expect(findOtherPhys(arena, ORIG, 0x77, 1000)).toBe(-1);
      expect(readByte(arena, ORIG + 1000)).toBe(last);
      expect(readByte(arena, ORIG + 4095)).toBe(last);
    }
  });

  it("SKIP_CPU_SYNC spares the copy out, never the copy in", () => {
    const b = bench("6.12");
    const tlb = b.map(ORIG, 4096, DIR.fromDevice, ATTR.skipCpuSync);
    expect(readByte(arena, tlb + 4095)).toBe(0x11);
    fillPhys(arena, tlb, 0x77, 4096);
    expect(swiotlbUnmap(b.ctx, b.device, tlb, 4096, DIR.fromDevice, ATTR.skipCpuSync)).toBe(0);
    expect(findOtherPhys(arena, ORIG, 0x11, 4096)).toBe(-1);
    expect(used(b)).toBe(0);
  });

  it("copies the mapping only, not its padding", () => {
    const b = bench("6.12");
    const tlb = b.map(ORIG, 1500);
    expect([readByte(arena, tlb + 1499), readByte(arena, tlb + 1500)]).toEqual([0x11, 0xee]);
  });
});

describe("partial syncs", () => {
  it("find the original of any byte, also before the offset of a later slot", () => {
    const b = bench("6.12", { minAlignMask: 0xfff });
    const orig = ORIG + 0x600;
    const tlb = b.map(orig, 6000, DIR.bidirectional);
    for (const at of [0, 1, 500, 511, 512, 2047, 2048, 2559, 2560, 5999]) {
      writeByte(arena, tlb + at, at & 0x7f);
      expect(swiotlbSyncForCpu(b.ctx, b.device, tlb + at, 1, DIR.bidirectional)).toBe(1);
      expect(readByte(arena, orig + at)).toBe(at & 0x7f);
      writeByte(arena, orig + at, 0x99);
      swiotlbSyncForDevice(b.ctx, b.device, tlb + at, 1, DIR.bidirectional);
      expect(readByte(arena, tlb + at)).toBe(0x99);
    }
  });

  it("are clipped at the allocation's end", () => {
    const b = bench("6.12");
    const tlb = b.map(ORIG, 3000, DIR.fromDevice);
    expect(swiotlbSyncForCpu(b.ctx, b.device, tlb, 5000, DIR.fromDevice)).toBe(3000);
    expect(swiotlbSyncForCpu(b.ctx, b.device, tlb + 2500, 5000, DIR.fromDevice)).toBe(500);
    expect(swiotlbUnmap(b.ctx, b.device, tlb, 4096, DIR.fromDevice, 0)).toBe(3000);
    expect(readByte(arena, ORIG + 3000)).toBe(0x11);
  });

  it("refuse addresses that no mapping owns", () => {
    const b = bench("6.12");
    const tlb = b.map(ORIG, 4096);
    const invalid = -MAP_FAILURES.invalid.code;
    expect(swiotlbSyncForCpu(b.ctx, b.device, tlb + 8192, 1, DIR.fromDevice)).toBe(invalid);
    expect(swiotlbSyncForDevice(b.ctx, b.device, POOL_START - 1, 1, DIR.toDevice)).toBe(invalid);
    expect(swiotlbUnmap(b.ctx, b.device, tlb + 2048, 2048, DIR.toDevice, 0)).toBe(invalid);
    expect(swiotlbUnmap(b.ctx, b.device, tlb + 1, 4096, DIR.toDevice, 0)).toBe(invalid);
    expect(swiotlbUnmap(b.ctx, b.device, tlb, 4096, DIR.toDevice, 0)).toBe(0);
    expect(swiotlbUnmap(b.ctx, b.device, tlb, 4096, DIR.toDevice, 0)).toBe(invalid);
    expect(used(b)).toBe(0);
  });
});

describe("alignment", () => {
  it("keeps the bits of min_align_mask, with padding slots for an allocation alignment", () => {
    expect(frontPadding("6.12", 0xfff, 0xfff, ORIG + 0xe00)).toBe(0xe00);
    expect(frontPadding("6.12", 0xfff, 0, ORIG + 0xe00)).toBe(0x600);
    expect(frontPadding("6.1", 0xfff, 0xfff, ORIG + 0xe00)).toBe(0x600);
    expect(frontPadding("4.1", 0xfff, 0xfff, ORIG + 0xe00)).toBe(0);
    expect(allocationBytes("6.12", 0xfff, 0xfff, ORIG + 0xe00, 0x300)).toBe(0x2000);
    const b = bench("6.12", { minAlignMask: 0xfff, untrusted: true, domain: makeDomain() });
    const tlb = b.map(ORIG + 0xe00, 0x300, DIR.bidirectional, 0, 0xfff);
    expect(tlb).toBe(POOL_START + 0xe00);
    expect(used(b)).toBe(4);
    expect(swiotlbUnmap(b.ctx, b.device, tlb, 0x300, DIR.bidirectional, 0)).toBe(0x300);
    expect(used(b)).toBe(0);
  });

  it("page-aligns a page on a 2 KiB-aligned pool since 6.12, not before", () => {
    const start = POOL_START + 0x800;
    expect(bench("6.12", {}, 1, start).map(ORIG, 4096)).toBe(start + 0x800);
    expect(bench("6.1", {}, 1, start).map(ORIG, 4096)).toBe(start);
  });

  it("lets a page of 2015 start on an odd slot, more than a page not", () => {
    const b = bench("4.1");
    expect(b.map(ORIG, 2048)).toBe(POOL_START);
    expect(b.map(ORIG, 4096)).toBe(POOL_START + 0x800);
    expect(b.map(ORIG, 4097)).toBe(POOL_START + 0x2000);
    expect(b.map(ORIG + 0x123, 100)).toBe(POOL_START + 0x3800);
  });

  it("places a page of 6.1 on the next even slot", () => {
    const b = bench("6.1");
    b.map(ORIG, 2048);
    expect(b.map(ORIG, 4096)).toBe(POOL_START + 0x1000);
  });
});

describe("areas", () => {
  it("start with the CPU's own and fall back to every other", () => {
    const b = bench("6.12", {}, 4);
    b.ctx.cpu = 5;
    const areaBytes = 128 * 2048;
    const seen = [0, 1, 2, 3, 4].map(() => b.map(ORIG, areaBytes));
    const start = POOL_START;
    expect(seen.slice(0, 4)).toEqual([1, 2, 3, 0].map((area) => start + area * areaBytes));
    expect(seen[4]).toBe(-MAP_FAILURES.poolFull.code);
  });

  it("report the lock of each area tried with the slots probed inside", () => {
    const b = bench("6.12", {}, 4);
    b.map(ORIG, 128 * 2048);
    b.ctx.cost.reset();
    b.map(ORIG, 8192);
    const { cost } = b.ctx;
    expect([cost.lockCount, cost.lockIndex[0], cost.lockWork[0], cost.lockIndex[1], cost.lockWork[1]]).toEqual([
      2, 0, 0, 1, 1,
    ]);
    expect([cost.slotsProbed, cost.slotsTaken, cost.bytesBounced]).toEqual([1, 4, 8192]);
  });
});

describe("failures", () => {
  it("are told apart", () => {
    const b = bench("6.12");
    expect(b.map(ORIG, 262145)).toBe(-MAP_FAILURES.tooLarge.code);
    expect(b.map(ORIG, 0)).toBe(-MAP_FAILURES.invalid.code);
    for (let i = 0; i < 4; i += 1) b.map(ORIG, 262144);
    expect(b.map(ORIG, 1)).toBe(-MAP_FAILURES.poolFull.code);
    expect(bench("6.12", { pool: null }).map(ORIG, 1)).toBe(-MAP_FAILURES.maskOverflow.code);
    expect(bench("6.12", { segBoundaryMask: 0xffff }).map(ORIG, 65537)).toBe(-MAP_FAILURES.tooLarge.code);
  });

  it("give the slots back when the device cannot reach them", () => {
    const last = POOL_START + 4095;
    expect(bench("6.12", { dmaMask: last }).map(ORIG, 4096)).toBe(POOL_START);
    const b = bench("6.12", { dmaMask: last - 1 });
    expect(b.map(ORIG, 4096)).toBe(-MAP_FAILURES.maskOverflow.code);
    expect(used(b)).toBe(0);
    const limited = bench("6.12", { busDmaLimit: 0xffffff });
    expect(limited.map(ORIG, 4096)).toBe(-MAP_FAILURES.maskOverflow.code);
  });

  it("do not ask the mask behind an IOMMU", () => {
    expect(bench("6.12", { dmaMask: 0xffff, domain: makeDomain() }).map(ORIG, 4096)).toBe(POOL_START);
  });

  it("give the slots back when the copy finds no memory", () => {
    const b = bench("6.12");
    const ctx = { ...b.ctx, copyPort: { copy: () => false, fill: () => false } };
    expect(swiotlbMap(ctx, b.device, ORIG, 4096, 0, DIR.toDevice, 0)).toBe(-MAP_FAILURES.noBacking.code);
    expect(used(b)).toBe(0);
  });
});
