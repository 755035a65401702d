import { describe, expect, it } from "vitest";
import { DIR, type DmaDevice } from "#dmasim/host/dma/device.js";
import { mapPhys, unmapPhys } from "#dmasim/host/dma/map.js";
import { MAP_FAILURES } from "#dmasim/host/status.js";
import { swiotlbMap, swiotlbSyncForCpu, swiotlbUnmap } from "#dmasim/host/swiotlb/bounce.js";
import { classifyFull } from "#dmasim/host/swiotlb/classify.js";
import {
  grownPool,
  grownPools,
  growPools,
  growthRequested,
  planGrowth,
  slotsTotal,
} from "#dmasim/host/swiotlb/grown.js";
import { initPool, slotsUsed } from "#dmasim/host/swiotlb/pool.js";
import { findPool } from "#dmasim/host/swiotlb/pools.js";
import { isTransient, transientSlots, transientsMade } from "#dmasim/host/swiotlb/transient.js";
import { fillPhys, readByte, writeByte } from "#dmasim/memory/copy.js";
import { makeContext, makeDevice } from "../../../support/host.ts";
import { CLOCKS, expectClean, machineOf, runJobs } from "../../../support/run.ts";

const MIB = 2 ** 20;
const POOL_START = 0x40000000;
const ORIG = 0x1_2345_6000;
const LARGEST = 256 * 1024;
const FULL = -MAP_FAILURES.poolFull.code;

interface Setting {
  readonly nslabs?: number;
  readonly nareas?: number;
  readonly dynamic?: boolean;
  /** RAM below the pool. */
  readonly ramBytes?: number;
  readonly device?: Partial<DmaDevice>;
  /** False = bytes do not move. */
  readonly copies?: boolean;
}

function bench(setting: Setting = {}) {
  const { nslabs = 512, nareas = 1, dynamic = true, ramBytes = POOL_START, copies = true } = setting;
  const made = makeContext();
  const ctx = copies ? made : { ...made, copyPort: { copy: () => true, fill: () => true } };
  const booted = initPool(ctx.arena, 0, 0, 0, nslabs, nareas, POOL_START);
  const growth = planGrowth(POOL_START, POOL_START - ramBytes);
  const pool = dynamic ? { ...booted, growth } : booted;
  const device = makeDevice({ pool, ...setting.device });
  return {
    ctx,
    arena: ctx.arena,
    pool,
    growth,
    device,
    map: (bytes: number, dir: number = DIR.toDevice, of = device, orig = ORIG) =>
      swiotlbMap(ctx, of, orig, bytes, 0, dir, 0),
    unmap: (tlb: number, bytes: number, dir: number = DIR.toDevice, of = device) =>
      swiotlbUnmap(ctx, of, tlb, bytes, dir, 0),
    fill: () => Array.from({ length: nslabs / 128 }, () => swiotlbMap(ctx, device, ORIG, LARGEST, 0, DIR.toDevice, 0)),
  };
}

type Bench = ReturnType<typeof bench>;

function counters({ arena, pool }: Bench) {
  return {
    total: slotsTotal(arena, pool),
    used: slotsUsed(arena, pool),
    transient: transientSlots(arena, pool),
    made: transientsMade(arena, pool),
    grown: grownPools(arena, pool),
  };
}

/** Fails a map, so that growth is scheduled, and runs the worker. */
function grow({ ctx, pool, map, unmap }: Bench): number {
  const tlb = map(LARGEST);
  const added = growPools(ctx, pool);
  if (tlb >= 0) unmap(tlb, LARGEST);
  return added;
}

describe("a pool that may not grow", () => {
  it("fails when it is full, and its worker does nothing", () => {
    const host = bench({ dynamic: false });
    host.fill();
    expect([host.map(2048), growthRequested(host.arena, host.pool), growPools(host.ctx, host.pool)]).toEqual([
      FULL,
      false,
      0,
    ]);
  });
});

describe("transient pools", () => {
  it("serve the mapping that found no room, with exactly its slots, and go with it", () => {
    const host = bench();
    host.fill();
    expect(counters(host)).toMatchObject({ used: 512, transient: 0 });
    const tlb = host.map(5000);
    expect(tlb).toBe(host.growth.transientStart);
    expect(findPool(host.arena, host.device, tlb)).toMatchObject({ nslabs: 3, nareas: 1, start: tlb });
    expect(counters(host)).toEqual({ total: 512, used: 515, transient: 3, made: 1, grown: 0 });
    expect(host.ctx.cost.transientSlots).toBe(3);
    host.unmap(tlb, 5000);
    expect(findPool(host.arena, host.device, tlb)).toBeNull();
    expect(counters(host)).toEqual({ total: 512, used: 512, transient: 0, made: 1, grown: 0 });
    expect(host.map(2048)).toBe(tlb);
  });

  it("carry bytes both ways", () => {
    const host = bench();
    host.fill();
    fillPhys(host.arena, ORIG, 0x11, 8192);
    const tlb = host.map(8192, DIR.bidirectional);
    expect(readByte(host.arena, tlb + 8191)).toBe(0x11);
    writeByte(host.arena, tlb + 5000, 0x77);
    expect(swiotlbSyncForCpu(host.ctx, host.device, tlb + 4096, 4096, DIR.bidirectional)).toBe(4096);
    expect(readByte(host.arena, ORIG + 5000)).toBe(0x77);
    writeByte(host.arena, tlb, 0x55);
    expect(host.unmap(tlb, 8192, DIR.bidirectional)).toBe(8192);
    expect(readByte(host.arena, ORIG)).toBe(0x55);
  });

  it("belong to their device alone", () => {
    const host = bench();
    const other = makeDevice({ index: 1, pool: host.pool });
    host.fill();
    const first = host.map(2048);
    const second = host.map(2048, DIR.toDevice, other);
    expect(second).toBe(first + LARGEST);
    expect(findPool(host.arena, other, first)).toBeNull();
    expect(host.unmap(first, 2048, DIR.toDevice, other)).toBe(-MAP_FAILURES.invalid.code);
    expect([host.unmap(second, 2048, DIR.toDevice, other), host.unmap(first, 2048)]).toEqual([0, 0]);
    expect(counters(host)).toMatchObject({ used: 512, transient: 0 });
  });

  it("lie below the device's limit, or there is none", () => {
    const host = bench();
    host.fill();
    const { transientStart } = host.growth;
    const reaching = makeDevice({ pool: host.pool, busDmaLimit: transientStart + 4095 });
    expect(host.map(4096, DIR.toDevice, reaching)).toBe(transientStart);
    expect(host.map(4096, DIR.toDevice, reaching)).toBe(FULL);
    expect(host.map(4096, DIR.toDevice, makeDevice({ pool: host.pool, dmaMask: 2 ** 24 - 1 }))).toBe(FULL);
    expect(growthRequested(host.arena, host.pool)).toBe(true);
  });

  it("do not help a request that no pool can hold", () => {
    const host = bench();
    expect(host.map(LARGEST + 1)).toBe(-MAP_FAILURES.tooLarge.code);
    expect(counters(host)).toMatchObject({ used: 0, transient: 0, made: 0 });
  });

  it("come to an end: 128 at the same time", () => {
    const host = bench({ copies: false });
    host.fill();
    const all = Array.from({ length: 129 }, () => host.map(2048));
    expect([all[127], all[128]]).toEqual([host.growth.transientEnd - LARGEST, FULL]);
    host.unmap(all[64] as number, 2048);
    expect(host.map(2048)).toBe(all[64]);
  });

  it("serve mappings of the DMA API", () => {
    const host = bench({ device: { forceBounce: true } });
    host.fill();
    const dmaAddr = mapPhys(host.ctx, host.device, ORIG, 4096, DIR.fromDevice, 0);
    expect(dmaAddr).toBe(host.growth.transientStart);
    writeByte(host.arena, dmaAddr, 0x42);
    unmapPhys(host.ctx, host.device, dmaAddr, 4096, DIR.fromDevice, 0);
    expect([readByte(host.arena, ORIG), counters(host).used]).toEqual([0x42, 512]);
  });
});

describe("growth", () => {
  it("adds a pool of the booted size once a map found no room", () => {
    const host = bench();
    expect(growPools(host.ctx, host.pool)).toBe(0);
    host.fill();
    expect(growthRequested(host.arena, host.pool)).toBe(false);
    expect(grow(host)).toBe(512);
    expect(growPools(host.ctx, host.pool)).toBe(0);
    const tlb = host.map(LARGEST);
    expect(tlb).toBe(host.growth.grownStart);
    expect(isTransient(findPool(host.arena, host.device, tlb) as never)).toBe(false);
    expect(counters(host)).toEqual({ total: 1024, used: 640, transient: 0, made: 1, grown: 1 });
    host.unmap(tlb, LARGEST);
    expect(counters(host)).toMatchObject({ total: 1024, used: 512 });
  });

  it("adds 4 MiB at most, with an area for each 128 slots at most", () => {
    const host = bench({ nslabs: 8192, nareas: 32, copies: false });
    host.fill();
    expect(grow(host)).toBe(2048);
    expect(grownPool(host.arena, 0)).toMatchObject({ nslabs: 2048, nareas: 16, areaNslabs: 128 });
  });

  it("halves the pool down to 1 MiB while it does not fit, then gives up", () => {
    const host = bench({ nslabs: 2048, ramBytes: 24 * MIB, copies: false });
    expect(host.growth).toMatchObject({ grownStart: POOL_START - 12 * MIB, grownEnd: POOL_START - 3 * MIB });
    host.fill();
    const added = [grow(host)];
    for (let i = 0; i < 3; i += 1) {
      while (host.map(LARGEST) < host.growth.transientStart);
      added.push(growPools(host.ctx, host.pool));
    }
    expect(added).toEqual([2048, 2048, 512, 0]);
    expect(counters(host).total).toBe(2048 + 4608);
  });

  it("looks into the newest pool first", () => {
    const host = bench();
    const [first] = host.fill();
    grow(host);
    host.unmap(first as number, LARGEST);
    expect([host.map(2048), host.map(2048)]).toEqual([host.growth.grownStart, host.growth.grownStart + 2048]);
  });

  it("keeps a reserve of at most half of the RAM below the pool", () => {
    expect(planGrowth(POOL_START, 0)).toEqual({
      grownStart: POOL_START - 128 * MIB,
      grownEnd: POOL_START - 32 * MIB,
      transientStart: POOL_START - 32 * MIB,
      transientEnd: POOL_START,
    });
    const none = planGrowth(POOL_START, POOL_START);
    expect([none.grownEnd - none.grownStart, none.transientEnd - none.transientStart]).toEqual([0, 0]);
  });

  it("finds no room in a machine without a reserve", () => {
    const host = bench({ ramBytes: 0 });
    host.fill();
    expect([host.map(2048), growPools(host.ctx, host.pool)]).toEqual([FULL, 0]);
  });
});

describe("swiotlb-1gib-cap-burst", () => {
  /** 524288 slots, 523564 used, and no run of 128 left: the last six slot sets hold 44 slots between them. */
  function guest(dynamic: boolean): Bench {
    const host = bench({ nslabs: 524288, dynamic, copies: false });
    for (let set = 0; set < 4090; set += 1) host.map(LARGEST);
    const rests: [number, number][] = [8, 8, 7, 7, 7, 7].map((slots) => {
      host.map(slots * 2048 - 1);
      const bytes = (128 - slots) * 2048 - 1;
      return [
        swiotlbMap(host.ctx, makeDevice({ pool: host.pool, minAlignMask: 0x7ff }), ORIG, bytes, 0, DIR.toDevice, 0),
        bytes,
      ];
    });
    for (const [tlb, bytes] of rests) host.unmap(tlb, bytes);
    return host;
  }

  it("fails with size, total and used slots when growth is off", () => {
    const host = guest(false);
    expect(host.map(LARGEST)).toBe(FULL);
    const request = { orig: ORIG, mappingBytes: LARGEST, allocAlignMask: 0 };
    expect(classifyFull(host.ctx, host.device, request, () => 4096).kernelLines).toEqual([
      "swiotlb buffer is full (sz: 262144 bytes), total 524288 (slots), used 523564 (slots)",
    ]);
  });

  it("succeeds through a transient pool, at a price, when growth is on", () => {
    const host = guest(true);
    host.ctx.cost.reset();
    expect(host.map(LARGEST)).toBe(host.growth.transientStart);
    expect(host.ctx.cost.transientSlots).toBe(128);
    expect(counters(host)).toMatchObject({ total: 524288, used: 523692, transient: 128 });
    expect(growPools(host.ctx, host.pool)).toBe(2048);
    expect(host.map(LARGEST)).toBe(host.growth.grownStart);
  });
});

describe("machines", () => {
  const SMALL = { "swiotlb.size": "1MiB", "swiotlb.areas": 1, "swiotlb.dynamic": true };

  it("grow since era 6.12 only", () => {
    const at = (era: string) => machineOf("confidential-vm", { ...SMALL, "kernel.era": era }).swiotlb.dynamic;
    expect([at("6.12"), at("7.x"), machineOf("confidential-vm").swiotlb.dynamic]).toEqual([true, true, false]);
    for (const era of ["4.1", "6.1"]) expect(() => at(era)).toThrow(/bounce pools grow since Linux 6\.6/);
  });

  it.each(CLOCKS)("finish a load that fills their pool, under the %s clock", async (clock) => {
    const job = "{ name: a, rw: randrw, bs: 128k, iodepth: 32, number_ios: 400 }";
    const result = await runJobs([job], { clock, workers: 2, machine: "confidential-vm", set: SMALL });
    expectClean(result);
    const { slots, grown_pools: grown, transient_nslabs: left, transient_pools: made } = result.counters?.swiotlb ?? {};
    expect(left).toBe(0);
    expect(made).toBeGreaterThan(0);
    expect(grown).toBeGreaterThan(0);
    expect(slots).toBe(512 * (1 + (grown ?? 0)));
  });
});
