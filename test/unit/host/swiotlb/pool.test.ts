import { describe, expect, it } from "vitest";
import { DmasimError } from "#dmasim/base/errors.js";
import {
  countReleased,
  countTaken,
  defaultPoolBytes,
  initPool,
  isBounce,
  limitNareas,
  maxMappingBytes,
  planPool,
  resetHiwater,
  roundUpNslabs,
  shrinkToRoom,
  slotsUsed,
  slotsUsedHiwater,
} from "#dmasim/host/swiotlb/pool.js";
import { Arena } from "#dmasim/shm/arena.js";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const MACHINE = { era: "6.12", cpus: 4, confidential: false, ramBytes: 16 * GIB } as const;

describe("planPool", () => {
  it("makes 64 MiB with one area per CPU by default", () => {
    expect(planPool(MACHINE)).toEqual({ nslabs: 32768, nareas: 4, bytes: 64 * MIB, wantedNslabs: 32768 });
  });

  it("rounds areas and slots up to powers of two", () => {
    expect(planPool({ ...MACHINE, bytes: 600 * 2048, areas: 5 })).toMatchObject({ nslabs: 1024, nareas: 8 });
  });

  it("inflates a minimal pool to 256 KiB per area", () => {
    expect(planPool({ ...MACHINE, bytes: MIB, cpus: 64 }).bytes).toBe(16 * MIB);
    expect(planPool({ ...MACHINE, bytes: MIB, cpus: 64, areas: 1 }).bytes).toBe(MIB);
  });

  it("takes 6 % of RAM in a confidential guest, 64 MiB to 1 GiB", () => {
    expect(defaultPoolBytes(true, 512 * MIB)).toBe(64 * MIB);
    expect(planPool({ ...MACHINE, confidential: true, ramBytes: 8 * GIB }).bytes).toBe(512 * MIB);
    expect(planPool({ ...MACHINE, confidential: true, ramBytes: 128 * GIB }).nslabs).toBe(524288);
  });

  it("has one lock and no rounding to a power of two in 2015", () => {
    expect(planPool({ ...MACHINE, era: "4.1", bytes: 600 * 2048 })).toMatchObject({ nslabs: 640, nareas: 1 });
  });

  it("halves at boot until the pool fits, and gives up below 1 MiB", () => {
    expect(planPool({ ...MACHINE, roomBytes: 20 * MIB })).toMatchObject({ bytes: 16 * MIB, wantedNslabs: 32768 });
    expect(planPool({ ...MACHINE, areas: 64, bytes: 16 * MIB, roomBytes: 4 * MIB })).toMatchObject({ nareas: 16 });
    expect(planPool({ ...MACHINE, roomBytes: 0.5 * MIB })).toMatchObject({ nslabs: 0, nareas: 0, bytes: 0 });
    expect(shrinkToRoom(640, MIB)).toBe(384);
  });

  it("makes no pool for size 0", () => {
    expect(planPool({ ...MACHINE, bytes: 0 })).toMatchObject({ nslabs: 0, nareas: 0 });
  });

  it("knows the kernel's helper values", () => {
    expect([1, 2, 4, 8, 16].map((nareas) => limitNareas(nareas, 512))).toEqual([1, 2, 4, 4, 4]);
    expect([roundUpNslabs(600, 8), roundUpNslabs(32768, 256), roundUpNslabs(32768, 512)]).toEqual([1024, 32768, 65536]);
    expect([0, 0xfff, 0x7ff, 0x1ff, 0xffff].map(maxMappingBytes)).toEqual([262144, 258048, 260096, 260096, 196608]);
  });
});

describe("a pool's state", () => {
  const arena = Arena.create();

  it("says which addresses it holds", () => {
    const pool = initPool(arena, 0, 0, 0, 512, 1, 0x4000000);
    expect([0x3ffffff, 0x4000000, 0x40fffff, 0x4100000].map((at) => isBounce(pool, at))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it("counts slots and keeps the high-water mark until it is reset", () => {
    const pool = initPool(arena, 1, 512, 1, 512, 4, 0x8000000);
    countTaken(arena, pool, 7);
    countTaken(arena, pool, 5);
    countReleased(arena, pool, 10);
    countTaken(arena, pool, 3);
    expect([slotsUsed(arena, pool), slotsUsedHiwater(arena, pool)]).toEqual([5, 12]);
    resetHiwater(arena, pool);
    expect(slotsUsedHiwater(arena, pool)).toBe(0);
  });

  it("refuses more slots than the arena has", () => {
    expect(() => initPool(arena, 0, 512, 0, 524288, 1, 0x4000000)).toThrow(DmasimError);
  });
});
