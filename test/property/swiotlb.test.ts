import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lowBits } from "#dmasim/base/addr.js";
import type { Era } from "#dmasim/base/era.js";
import { Prng } from "#dmasim/base/prng.js";
import type { HostContext } from "#dmasim/host/context.js";
import { type BouncePool, DIR, type DmaDevice } from "#dmasim/host/dma/device.js";
import { swiotlbMap, swiotlbUnmap } from "#dmasim/host/swiotlb/bounce.js";
import { areaWord, initPool, slotsUsed, slotsUsedHiwater, slotWord } from "#dmasim/host/swiotlb/pool.js";
import { Arena } from "#dmasim/shm/arena.js";
import { AREA, SLOT } from "#dmasim/shm/layout.js";
import { makeContext, makeDevice, makeDomain } from "../support/host.ts";

const SLOT_BYTES = 2048;
const SET = 128;
const PAGE = 4096;
const OPS_A_RUN = 2500;
const RUNS = 48;

interface Setting {
  readonly era: Era;
  readonly seed: number;
  readonly nslabs: number;
  readonly nareas: number;
  readonly start: number;
  readonly minAlignMask: number;
  readonly segBoundaryMask: number;
  readonly allocAlignMask: number;
  /** Maps per hundred operations: decides how full the pool runs. */
  readonly mapPercent: number;
}

interface Taken {
  readonly first: number;
  readonly nslots: number;
  readonly tlb: number;
}

/** The allocator as the facts tell it: which slots are taken, a cursor per area, every run counted anew. */
class NaivePool {
  readonly taken: boolean[];
  readonly cursors: number[];
  readonly #s: Setting;

  constructor(setting: Setting) {
    this.#s = setting;
    this.taken = Array.from({ length: setting.nslabs }, () => false);
    this.cursors = Array.from({ length: setting.nareas }, () => 0);
  }

  get used(): number {
    return this.taken.filter(Boolean).length;
  }

  /** Free slots from `slot` to the end of its run, which a slot set's end cuts. */
  run(slot: number): number {
    let count = 0;
    while (slot + count < this.taken.length && !this.taken[slot + count]) {
      count += 1;
      if ((slot + count) % SET === 0) break;
    }
    return count;
  }

  map(orig: number, bytes: number, cpu: number): Taken | null {
    const { era, minAlignMask: k, allocAlignMask, nareas, start } = this.#s;
    const aligned = era === "4.1" ? 0 : allocAlignMask;
    const low = era === "4.1" ? 0 : and(orig, k & 2047);
    const front = era === "4.1" || era === "6.1" ? low : and(orig, k & (aligned | 2047));
    const rounded = era === "6.12" ? up(bytes + front, aligned + 1) : up(bytes, aligned + 1) + front;
    const total = era === "4.1" ? bytes : rounded;
    const nslots = Math.ceil(total / SLOT_BYTES);
    for (let turn = 0; turn < nareas; turn += 1) {
      const area = (cpu + turn) % nareas;
      const first = this.#find(area, orig, total, nslots, aligned);
      if (first === null) continue;
      this.taken.fill(true, first, first + nslots);
      const areaSlots = this.#s.nslabs / nareas;
      this.cursors[area] = (first - area * areaSlots + nslots) % areaSlots;
      const padSlots = Math.floor(front / SLOT_BYTES);
      return { first, nslots, tlb: start + (first + padSlots) * SLOT_BYTES + low };
    }
    return null;
  }

  unmap(held: Taken): void {
    this.taken.fill(false, held.first, held.first + held.nslots);
  }

  #find(area: number, orig: number, total: number, nslots: number, aligned: number): number | null {
    const { era, minAlignMask: k, segBoundaryMask: b, start, nslabs, nareas } = this.#s;
    const areaSlots = nslabs / nareas;
    const base = area * areaSlots;
    let zero = 0;
    let same = 0;
    let stride = total > PAGE ? 2 : 1;
    if (era === "6.1") {
      same = k & ~2047;
      stride = same / SLOT_BYTES >= 1 ? Math.floor(same / SLOT_BYTES) + 1 : 1;
      if (total >= PAGE) stride *= 2;
      stride = Math.max(stride, Math.floor(aligned / SLOT_BYTES) + 1);
    } else if (era === "6.12") {
      zero = (aligned === 0 && k === 0 && total >= PAGE ? PAGE - 1 : aligned) | 2047;
      same = k & ~zero;
      stride = Math.floor(Math.max(zero, same) / SLOT_BYTES) + 1;
    }
    const cursor = this.cursors[area] ?? 0;
    let index = era === "6.12" ? cursor : up(cursor, stride);
    if (index >= areaSlots) index = 0;
    const windowBase = start % (b + 1);
    for (let checked = 0; checked < areaSlots; ) {
      const addr = windowBase + (base + index) * SLOT_BYTES;
      const fits = and(addr, zero) === 0 && and(addr, same) === and(orig, same);
      if (fits && this.run(base + index) >= nslots) {
        if (Math.floor(addr / (b + 1)) === Math.floor((addr + nslots * SLOT_BYTES - 1) / (b + 1))) return base + index;
      }
      const step = fits ? stride : 1;
      index = index + step >= areaSlots ? 0 : index + step;
      checked += step;
    }
    return null;
  }
}

function and(value: number, mask: number): number {
  return lowBits(value, mask + 1);
}

function up(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

const arena = Arena.create();

function makeBench(setting: Setting): { ctx: HostContext; device: DmaDevice; pool: BouncePool } {
  const base = makeContext({ arena, era: setting.era });
  const ctx: HostContext = { ...base, copyPort: { copy: () => true, fill: () => true } };
  const pool = initPool(arena, 0, 0, 0, setting.nslabs, setting.nareas, setting.start);
  const { minAlignMask, segBoundaryMask } = setting;
  const domain = setting.allocAlignMask === 0 ? null : makeDomain();
  return { ctx, device: makeDevice({ pool, minAlignMask, segBoundaryMask, domain }), pool };
}

function checkRuns(pool: BouncePool, model: NaivePool): void {
  const seen = Array.from({ length: pool.nslabs }, (_, i) => arena.i32[slotWord(pool, i) + SLOT.list]);
  expect(seen).toEqual(seen.map((_, i) => (model.taken[i] ? 0 : model.run(i))));
  for (let area = 0; area < pool.nareas; area += 1) {
    const own = model.taken.slice(area * pool.areaNslabs, (area + 1) * pool.areaNslabs);
    expect(arena.i32[areaWord(pool, area) + AREA.used]).toBe(own.filter(Boolean).length);
    expect(arena.i32[areaWord(pool, area) + AREA.index]).toBe(model.cursors[area]);
  }
}

/** Sizes of the kind that drivers map: sectors, packets, pages, large segments, oversize now and then. */
function drawBytes(prng: Prng): number {
  const kind = prng.below(10);
  if (kind < 3) return 1 + prng.below(2048);
  if (kind < 6) return PAGE * (1 + prng.below(4));
  if (kind < 9) return 1 + prng.below(40000);
  return 1 + prng.below(270000);
}

function runSequence(setting: Setting): number {
  const { ctx, device, pool } = makeBench(setting);
  const model = new NaivePool(setting);
  const prng = new Prng(setting.seed);
  const live: { held: Taken; bytes: number }[] = [];
  const release = (at: number): void => {
    const [gone] = live.splice(at, 1);
    if (gone === undefined) return;
    expect(swiotlbUnmap(ctx, device, gone.held.tlb, gone.bytes, DIR.toDevice, 0)).toBe(0);
    model.unmap(gone.held);
  };
  let hiwater = 0;
  let used = 0;
  for (let op = 0; op < OPS_A_RUN; op += 1) {
    if (prng.below(100) >= setting.mapPercent && live.length > 0) {
      const at = prng.below(live.length);
      used -= live[at]?.held.nslots ?? 0;
      release(at);
    } else {
      const orig = PAGE + prng.below(2 ** 40);
      const bytes = drawBytes(prng);
      ctx.cpu = prng.below(6);
      const wanted = model.map(orig, bytes, ctx.cpu);
      const tlb = swiotlbMap(ctx, device, orig, bytes, setting.allocAlignMask, DIR.toDevice, 0);
      if (wanted === null ? tlb >= 0 : tlb !== wanted.tlb) expect(tlb).toBe(wanted?.tlb ?? "a failure");
      if (wanted !== null) {
        if (setting.era === "6.12") expect(and(tlb, setting.minAlignMask)).toBe(and(orig, setting.minAlignMask));
        used += wanted.nslots;
        live.push({ held: wanted, bytes });
      }
    }
    hiwater = Math.max(hiwater, used);
    if (slotsUsed(arena, pool) !== used) expect(slotsUsed(arena, pool)).toBe(used);
  }
  checkRuns(pool, model);
  while (live.length > 0) release(live.length - 1);
  checkRuns(pool, model);
  expect([slotsUsed(arena, pool), model.used, slotsUsedHiwater(arena, pool)]).toEqual([0, 0, hiwater]);
  return OPS_A_RUN;
}

const settings = fc.record({
  era: fc.constantFrom<Era>("4.1", "6.1", "6.12"),
  seed: fc.nat(),
  nslabs: fc.constantFrom(512, 1024),
  nareas: fc.constantFrom(1, 2, 4),
  start: fc.constantFrom(0x4000000, 0x4000800, 0x4001000, 0xfffc0000, 0x1_fff8_0000),
  minAlignMask: fc.constantFrom(0, 0x1ff, 0x7ff, 0xfff, 0x1fff, 0xffff),
  segBoundaryMask: fc.constantFrom(0xffff, 0x3ffff, 0xffffffff, Number.MAX_SAFE_INTEGER),
  allocAlignMask: fc.constantFrom(0, 0, 0xfff, 0x3fff),
  mapPercent: fc.constantFrom(50, 55, 65),
});

describe("swiotlb allocator", () => {
  it("takes and returns the slots that the facts say, and loses none", () => {
    let operations = 0;
    fc.assert(
      fc.property(settings, (setting) => {
        operations += runSequence(setting);
      }),
      { numRuns: RUNS, seed: 20150812 },
    );
    expect(operations).toBeGreaterThanOrEqual(100_000);
  });

  it("never gives one slot to two mappings", () => {
    const setting: Setting = {
      era: "6.12",
      seed: 1,
      nslabs: 512,
      nareas: 2,
      start: 0x4000000,
      minAlignMask: 0xfff,
      segBoundaryMask: 0xffffffff,
      allocAlignMask: 0,
      mapPercent: 60,
    };
    const { ctx, device } = makeBench(setting);
    const prng = new Prng(7);
    const owners = new Map<number, number>();
    for (let op = 0; op < 2000; op += 1) {
      const orig = PAGE + prng.below(2 ** 40);
      const bytes = 1 + prng.below(12000);
      const tlb = swiotlbMap(ctx, device, orig, bytes, 0, DIR.toDevice, 0);
      if (tlb < 0) {
        const oldest = owners.keys().next().value as number;
        swiotlbUnmap(ctx, device, oldest, owners.get(oldest) as number, DIR.toDevice, 0);
        owners.delete(oldest);
        continue;
      }
      for (const [other, otherBytes] of owners) {
        if (tlb < other + otherBytes && other < tlb + bytes) expect([tlb, other]).toBe("apart");
      }
      owners.set(tlb, bytes);
    }
    expect(owners.size).toBeGreaterThan(0);
  });
});
