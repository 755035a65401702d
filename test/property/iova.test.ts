import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Prng } from "#dmasim/base/prng.js";
import { countIovas, freeIovaTree, initDomainIova, reserveIova } from "#dmasim/host/iommu/iova.js";
import { allocIovaFast, flushCpuRcaches, freeIovaFast } from "#dmasim/host/iommu/magazine.js";
import { makeContext, makeDomain } from "../support/host.ts";
import { IovaModel, type ModelOptions } from "../support/iova_model.ts";

interface Live {
  readonly pfn: number;
  readonly pages: number;
}

interface Workload {
  readonly ops: number;
  readonly liveMax: number;
  readonly pagesMax: number;
  readonly masks: readonly number[];
  /** CPU 0 allocates and CPU 1 frees, so that magazines travel through the depot. */
  readonly handOver?: boolean;
}

interface Outcome {
  readonly failures: number;
  readonly depotExchanges: number;
}

const arenaContext = makeContext();
let domainsUsed = 0;

function freshDomain(cpus: number, granuleShift = 12) {
  const domain = makeDomain({ index: domainsUsed, cpus, pageShifts: [granuleShift] });
  domainsUsed += 1;
  return domain;
}

/** Pages that the fast path really takes. */
function taken(pages: number): number {
  return pages < 32 ? 2 ** Math.ceil(Math.log2(pages)) : pages;
}

function checkFree(live: readonly Live[], pfn: number, pages: number, limit: number): void {
  const end = pfn + taken(pages);
  if (pfn % 2 ** Math.ceil(Math.log2(pages)) !== 0) throw new Error(`unaligned: ${pages} pages at ${pfn}`);
  if (end - 1 > limit) throw new Error(`${pages} pages at ${pfn} beyond ${limit}`);
  for (const other of live) {
    if (pfn < other.pfn + taken(other.pages) && other.pfn < end) throw new Error(`overlap at ${pfn} + ${pages}`);
  }
}

/** Runs the same random calls on both allocators and compares every result. */
function compare(options: ModelOptions, load: Workload, seed: number): Outcome {
  const prng = new Prng(seed);
  const domain = freshDomain(options.cpus, options.granuleShift);
  const ctx = { ...arenaContext, era: options.era, defects: options.corrected ? "corrected" : "shipped" } as const;
  const act = { ...ctx, cpu: 0 };
  const model = new IovaModel(options);
  initDomainIova(ctx.arena, domain, options.startPfn);
  reserveIova(ctx, domain, 0xfee00, 0xfeeff);
  model.reserve(0xfee00, 0xfeeff);
  const live: Live[] = [];
  let failures = 0;
  let depotExchanges = 0;
  for (let op = 0; op < load.ops; op += 1) {
    act.cpu = prng.below(options.cpus);
    depotExchanges += act.cost.depotExchanges;
    act.cost.reset();
    const choice = prng.below(100);
    if (choice === 0 && prng.below(20) === 0) {
      flushCpuRcaches(act, domain);
      model.flushCaches();
    } else if (live.length > 0 && (choice < 48 || live.length >= load.liveMax)) {
      const at = prng.below(live.length);
      if (load.handOver) act.cpu = 1;
      const range = live[at] as Live;
      live[at] = live[live.length - 1] as Live;
      live.pop();
      if (choice < 3) {
        freeIovaTree(act, domain, range.pfn);
        model.freeTree(range.pfn);
      } else {
        freeIovaFast(act, domain, range.pfn, range.pages);
        model.free(act.cpu, range.pfn, range.pages);
      }
    } else {
      if (load.handOver) act.cpu = 0;
      const pages = 1 + prng.below(prng.below(3) === 0 ? load.pagesMax : 4);
      const bits = load.masks[prng.below(load.masks.length)] as number;
      const limit = 2 ** (bits - options.granuleShift) - 1;
      const flush = prng.below(2) === 0;
      const pfn = allocIovaFast(act, domain, pages, limit, flush);
      const expected = model.alloc(act.cpu, pages, limit, flush);
      if (pfn !== expected) throw new Error(`op ${op}: ${pages} pages below ${limit}: ${pfn}, model ${expected}`);
      if (pfn < 0) failures += 1;
      else {
        checkFree(live, pfn, pages, limit);
        live.push({ pfn, pages });
      }
    }
  }
  expect(countIovas(ctx.arena, domain)).toBe(model.ranges.length - 1);
  for (const range of live) freeIovaFast(act, domain, range.pfn, range.pages);
  flushCpuRcaches(act, domain);
  expect(countIovas(ctx.arena, domain)).toBe(0);
  return { failures, depotExchanges };
}

const BASE: ModelOptions = { era: "6.12", cpus: 4, granuleShift: 12, startPfn: 1, corrected: false };

describe("IOVA allocator against a naive model", () => {
  it("agrees on mixed sizes, masks and CPUs", () => {
    const load = { ops: 25_000, liveMax: 300, pagesMax: 80, masks: [32, 32, 48] };
    expect(compare(BASE, load, 1).failures).toBe(0);
    expect(compare({ ...BASE, era: "6.1", cpus: 2 }, load, 2).failures).toBe(0);
  });

  it("agrees when the space below narrow masks runs out", () => {
    const load = { ops: 20_000, liveMax: 120, pagesMax: 70, masks: [20, 21, 22, 32] };
    expect(compare(BASE, load, 3).failures).toBeGreaterThan(100);
    expect(compare({ ...BASE, era: "6.1" }, load, 4).failures).toBeGreaterThan(100);
  });

  it("agrees when the space above 4 GiB runs out too", () => {
    const load = { ops: 10_000, liveMax: 80, pagesMax: 2 ** 17, masks: [32, 33, 34] };
    expect(compare({ ...BASE, cpus: 2 }, load, 9).failures).toBeGreaterThan(10);
  });

  it("agrees with the poisoning corrected, and then fails less often", () => {
    const load = { ops: 15_000, liveMax: 120, pagesMax: 70, masks: [20, 21, 32] };
    const shipped = compare({ ...BASE, cpus: 1 }, load, 5);
    const corrected = compare({ ...BASE, cpus: 1, corrected: true }, load, 5);
    expect(corrected.failures).toBeLessThan(shipped.failures);
  });

  it("agrees with magazines that go through the depot", () => {
    const load = { ops: 20_000, liveMax: 1500, pagesMax: 2, masks: [32], handOver: true };
    expect(compare({ ...BASE, cpus: 2 }, load, 6).depotExchanges).toBeGreaterThan(20);
    expect(compare({ ...BASE, cpus: 2, era: "6.1" }, load, 6).depotExchanges).toBeGreaterThan(20);
  });

  it("agrees with 64 KiB granules and another start", () => {
    const load = { ops: 10_000, liveMax: 200, pagesMax: 64, masks: [24, 32, 40] };
    compare({ ...BASE, granuleShift: 16, startPfn: 16 }, load, 7);
  });

  it("agrees for any seed", () => {
    const load = { ops: 200, liveMax: 30, pagesMax: 40, masks: [19, 20, 32, 48] };
    fc.assert(
      fc.property(fc.integer(), fc.boolean(), (seed, corrected) => {
        compare({ ...BASE, corrected }, load, seed);
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  it("keeps ranges apart in era 4.1, rounded to powers of two", () => {
    const ctx = { ...arenaContext, era: "4.1" } as const;
    const prng = new Prng(8);
    const domain = freshDomain(1);
    initDomainIova(ctx.arena, domain, 1);
    const used = new Map<number, number>();
    for (let op = 0; op < 10_000; op += 1) {
      if (prng.below(2) === 0 || used.size > 200) {
        const first = used.keys().next();
        if (first.done) continue;
        freeIovaFast(ctx, domain, first.value, used.get(first.value) as number);
        used.delete(first.value);
        continue;
      }
      const pages = 1 + prng.below(70);
      const size = 2 ** Math.ceil(Math.log2(pages));
      const pfn = allocIovaFast(ctx, domain, pages, prng.below(2) === 0 ? 0xfffff : 2 ** 36 - 1, true);
      if (pfn < 0 || pfn % size !== 0) throw new Error(`op ${op}: ${pages} pages at ${pfn}`);
      for (const [other, otherPages] of used) {
        const otherEnd = other + 2 ** Math.ceil(Math.log2(otherPages));
        if (pfn < otherEnd && other < pfn + size) throw new Error(`overlap at ${pfn} + ${pages}`);
      }
      used.set(pfn, pages);
    }
    expect(countIovas(ctx.arena, domain)).toBe(used.size);
  });
});
