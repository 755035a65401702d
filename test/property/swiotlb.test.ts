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
import { type Draw, runSequences, SEQUENCES_TIMEOUT_MS } from "../support/sequences.ts";

const SLOT_BYTES = 2048;
const SET = 128;
const PAGE = 4096;

interface Setting {
  readonly era: Era;
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
  readonly taken: Uint8Array;
  readonly cursors: number[];
  readonly #s: Setting;

  constructor(setting: Setting) {
    this.#s = setting;
    this.taken = new Uint8Array(setting.nslabs);
    this.cursors = Array.from({ length: setting.nareas }, () => 0);
  }

  get used(): number {
    return this.usedIn(0, this.taken.length);
  }

  usedIn(start: number, end: number): number {
    let used = 0;
    for (let slot = start; slot < end; slot += 1) used += this.taken[slot] as number;
    return used;
  }

  /** Free slots from `slot` to the end of its run, which a slot set's end cuts. */
  run(slot: number): number {
    let count = 0;
    while (slot + count < this.taken.length && this.taken[slot + count] === 0) {
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
      this.taken.fill(1, first, first + nslots);
      const areaSlots = this.#s.nslabs / nareas;
      this.cursors[area] = (first - area * areaSlots + nslots) % areaSlots;
      const padSlots = Math.floor(front / SLOT_BYTES);
      return { first, nslots, tlb: start + (first + padSlots) * SLOT_BYTES + low };
    }
    return null;
  }

  unmap(held: Taken): void {
    this.taken.fill(0, held.first, held.first + held.nslots);
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

/** Compares every slot's run, every area's counters and cursor. */
function checkRuns(pool: BouncePool, model: NaivePool): void {
  for (let slot = 0; slot < pool.nslabs; slot += 1) {
    const run = arena.i32[slotWord(pool, slot) + SLOT.list];
    if (run !== (model.taken[slot] === 1 ? 0 : model.run(slot))) throw new Error(`slot ${slot} has run ${run}`);
  }
  for (let area = 0; area < pool.nareas; area += 1) {
    const used = arena.i32[areaWord(pool, area) + AREA.used];
    const index = arena.i32[areaWord(pool, area) + AREA.index];
    const own = model.usedIn(area * pool.areaNslabs, (area + 1) * pool.areaNslabs);
    if (used !== own) throw new Error(`area ${area} counts ${used} used, model ${own}`);
    if (index !== model.cursors[area]) throw new Error(`area ${area} at ${index}, model ${model.cursors[area]}`);
  }
}

/** Sizes of the kind that drivers map: sectors, packets, pages, large segments, oversize now and then. */
function drawBytes(ops: Draw): number {
  const kind = ops.below(2, 10);
  if (kind < 3) return 1 + ops.below(3, 2048);
  if (kind < 6) return PAGE * (1 + ops.below(3, 4));
  if (kind < 9) return 1 + ops.below(3, 40000);
  return 1 + ops.below(3, 270000);
}

interface Held {
  readonly held: Taken;
  readonly bytes: number;
}

const seen = { refused: 0, taken: 0 };

function runSequence(seed: number, ops: Draw): void {
  const setting = settingOf(seed);
  const { ctx, device, pool } = makeBench(setting);
  const model = new NaivePool(setting);
  const live: Held[] = [];
  const release = (at: number): void => {
    const gone = live[at] as Held;
    live[at] = live[live.length - 1] as Held;
    live.pop();
    ops.log?.(`unmap ${gone.bytes} bytes at ${gone.held.tlb.toString(16)}`);
    const moved = swiotlbUnmap(ctx, device, gone.held.tlb, gone.bytes, DIR.toDevice, 0);
    if (moved !== 0) throw new Error(`unmap gives ${moved}`);
    model.unmap(gone.held);
  };
  let hiwater = 0;
  let used = 0;
  for (let op = 0; op < ops.length; op += 1) {
    ops.seek(op);
    if (ops.below(0, 100) >= setting.mapPercent && live.length > 0) {
      const at = ops.below(1, live.length);
      used -= (live[at] as Held).held.nslots;
      release(at);
    } else {
      const bytes = drawBytes(ops);
      const held = mapBoth(ctx, device, model, ops, setting, bytes);
      if (held !== null) live.push({ held, bytes });
      used += held?.nslots ?? 0;
    }
    hiwater = Math.max(hiwater, used);
    if (slotsUsed(arena, pool) !== used) throw new Error(`${slotsUsed(arena, pool)} slots used, model ${used}`);
  }
  checkRuns(pool, model);
  while (live.length > 0) release(live.length - 1);
  checkRuns(pool, model);
  if (slotsUsed(arena, pool) !== 0 || model.used !== 0) throw new Error("slots are left");
  if (slotsUsedHiwater(arena, pool) !== hiwater) throw new Error(`high water is not ${hiwater}`);
}

/** Maps in the pool and in the model; null = both refused. */
function mapBoth(
  ctx: HostContext,
  device: DmaDevice,
  model: NaivePool,
  ops: Draw,
  { era, minAlignMask, allocAlignMask }: Setting,
  bytes: number,
): Taken | null {
  const page = ops.below(1, 2 ** 32);
  const orig = PAGE + page * 256 + (page % 256);
  ctx.cpu = ops.below(0, 600) % 6;
  ops.log?.(`cpu ${ctx.cpu} maps ${bytes} bytes of ${orig.toString(16)}`);
  const wanted = model.map(orig, bytes, ctx.cpu);
  const tlb = swiotlbMap(ctx, device, orig, bytes, allocAlignMask, DIR.toDevice, 0);
  if (wanted === null ? tlb >= 0 : tlb !== wanted.tlb) throw new Error(`tlb ${tlb}, model ${wanted?.tlb ?? "none"}`);
  if (wanted === null) seen.refused += 1;
  else seen.taken += 1;
  if (wanted !== null && era === "6.12" && and(tlb, minAlignMask) !== and(orig, minAlignMask)) {
    throw new Error("bits of min_align_mask changed");
  }
  return wanted;
}

function settingOf(seed: number): Setting {
  const prng = new Prng(seed);
  const pick = <T>(...values: T[]): T => values[prng.below(values.length)] as T;
  return {
    era: pick<Era>("4.1", "6.1", "6.12"),
    nslabs: pick(512, 512, 1024),
    nareas: pick(1, 2, 4),
    start: pick(0x4000000, 0x4000800, 0x4001000, 0xfffc0000, 0x1_fff8_0000),
    minAlignMask: pick(0, 0x1ff, 0x7ff, 0xfff, 0x1fff, 0xffff),
    segBoundaryMask: pick(0xffff, 0x3ffff, 0xffffffff, Number.MAX_SAFE_INTEGER),
    allocAlignMask: pick(0, 0, 0xfff, 0x3fff),
    mapPercent: pick(50, 60, 75, 90),
  };
}

describe("swiotlb allocator", () => {
  const length = (seed: number) => 50 + (seed % 111);

  it("takes and returns the slots that the facts say, and loses none", { timeout: SEQUENCES_TIMEOUT_MS }, () => {
    const totals = runSequences({ length, run: runSequence });
    if (totals.sequences === 1) return;
    expect(totals.operations).toBeGreaterThan(1e6);
    expect(seen.taken).toBeGreaterThan(3e5);
    expect(seen.refused).toBeGreaterThan(3e4);
  });

  it("never gives one slot to two mappings", () => {
    const setting: Setting = {
      era: "6.12",
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
