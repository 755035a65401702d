import { describe, expect, it } from "vitest";
import { COST_LOCK } from "#dmasim/base/cost.js";
import type { Era } from "#dmasim/base/era.js";
import { DEPOT_TRIM_NS, depotWord, trimDepot } from "#dmasim/host/iommu/depot.js";
import { countIovas, initDomainIova } from "#dmasim/host/iommu/iova.js";
import { allocIovaFast, flushCpuRcaches, freeIovaFast, rcacheWord } from "#dmasim/host/iommu/magazine.js";
import { CPU_RCACHE, DEPOT, MAGAZINE } from "#dmasim/shm/layout.js";
import { makeContext, makeDomain } from "../../../support/host.ts";

const shared = makeContext();
const LIMIT_32 = 0xfffff;
let domainsUsed = 0;

function fresh(cpus = 1, era: Era = "6.12") {
  const domain = makeDomain({ index: domainsUsed, cpus });
  domainsUsed += 1;
  initDomainIova(shared.arena, domain, 1);
  shared.cost.reset();
  return { ctx: { ...shared, era }, domain };
}

type Setup = ReturnType<typeof fresh>;

function cycle({ ctx, domain }: Setup, count: number, pages = 1): number[] {
  const pfns = Array.from({ length: count }, () => allocIovaFast(ctx, domain, pages, LIMIT_32, true));
  for (const pfn of pfns) freeIovaFast(ctx, domain, pfn, pages);
  return pfns;
}

function cached({ ctx, domain }: Setup, order = 0) {
  const words = ctx.arena.i32;
  const rcache = rcacheWord(domain.index, ctx.cpu, order);
  const size = (field: number) => {
    const magazine = words[rcache + field] as number;
    return magazine === 0 ? 0 : words[magazine + MAGAZINE.size];
  };
  const depot = words[depotWord(domain.index, order) + DEPOT.size];
  return { loaded: size(CPU_RCACHE.loaded), prev: size(CPU_RCACHE.prev), depot };
}

describe("magazines", () => {
  it.each([
    [100, { loaded: 100, prev: 0, depot: 0 }],
    [127, { loaded: 127, prev: 0, depot: 0 }],
    [128, { loaded: 1, prev: 127, depot: 0 }],
    [300, { loaded: 46, prev: 127, depot: 1 }],
    [400, { loaded: 19, prev: 127, depot: 2 }],
  ])("hold %i freed pages as the kernel does", (count, expected) => {
    const setup = fresh();
    const pfns = cycle(setup, count);
    expect(pfns[0]).toBe(LIMIT_32);
    expect(cached(setup)).toEqual(expected);
    const { ctx, domain } = setup;
    expect(allocIovaFast(ctx, domain, 1, LIMIT_32, true)).toBe(pfns[count - 1]);
    expect(allocIovaFast(ctx, domain, 1, LIMIT_32, true)).toBe(pfns[count - 2]);
  });

  it("come back from the depot in full", () => {
    const setup = fresh();
    const pfns = cycle(setup, 600);
    const { ctx, domain } = setup;
    const again = Array.from({ length: 600 }, () => allocIovaFast(ctx, domain, 1, LIMIT_32, true));
    expect(again.toSorted()).toEqual(pfns.toSorted());
    expect(cached(setup)).toEqual({ loaded: 0, prev: 0, depot: 0 });
    expect(countIovas(ctx.arena, domain)).toBe(600);
  });

  it("skip pfns above the limit and move the last one into the hole", () => {
    const { ctx, domain } = fresh();
    const low = allocIovaFast(ctx, domain, 1, 0xfff, true);
    const high = [allocIovaFast(ctx, domain, 1, 2 ** 36 - 1, true), allocIovaFast(ctx, domain, 1, 2 ** 36 - 1, true)];
    for (const pfn of [low, ...high]) freeIovaFast(ctx, domain, pfn, 1);
    expect(allocIovaFast(ctx, domain, 1, 0xfff, true)).toBe(low);
    expect(allocIovaFast(ctx, domain, 1, 2 ** 36 - 1, true)).toBe(high[0]);
    expect(allocIovaFast(ctx, domain, 1, 2 ** 36 - 1, true)).toBe(high[1]);
  });

  it("belong to their CPU", () => {
    const { ctx, domain } = fresh(2);
    const pfn = allocIovaFast(ctx, domain, 1, LIMIT_32, true);
    freeIovaFast(ctx, domain, pfn, 1);
    expect(allocIovaFast({ ...ctx, cpu: 1 }, domain, 1, LIMIT_32, true)).toBe(pfn - 1);
    expect(allocIovaFast(ctx, domain, 1, LIMIT_32, true)).toBe(pfn);
  });

  it("are kept by order: 3 pages come back for 4, 33 go to the tree", () => {
    const setup = fresh();
    const { ctx, domain } = setup;
    const three = allocIovaFast(ctx, domain, 3, LIMIT_32, true);
    freeIovaFast(ctx, domain, three, 3);
    expect(cached(setup, 2).loaded).toBe(1);
    expect(allocIovaFast(ctx, domain, 4, LIMIT_32, true)).toBe(three);
    freeIovaFast(ctx, domain, allocIovaFast(ctx, domain, 33, LIMIT_32, true), 33);
    expect(countIovas(ctx.arena, domain)).toBe(1);
  });

  it("are flushed when the tree is full, if asked to", () => {
    const { ctx, domain } = fresh(2);
    cycle({ ctx: { ...ctx, cpu: 1 }, domain }, 300);
    // The upper half is blocked by cached ranges, the lower half by page 0.
    expect(allocIovaFast(ctx, domain, 2 ** 19, LIMIT_32, false)).toBe(-1);
    expect(allocIovaFast(ctx, domain, 2 ** 19, LIMIT_32, true)).toBe(2 ** 19);
    expect(countIovas(ctx.arena, domain)).toBe(1);
  });

  it("count hits, exchanges and locks", () => {
    const setup = fresh();
    cycle(setup, 1);
    const { ctx, domain } = setup;
    ctx.cost.reset();
    freeIovaFast(ctx, domain, allocIovaFast(ctx, domain, 1, LIMIT_32, true), 1);
    expect([ctx.cost.magazineHits, ctx.cost.treeOps, ctx.cost.depotExchanges, ctx.cost.lockCount]).toEqual([
      1, 0, 0, 2,
    ]);
    expect(ctx.cost.lockKind[0]).toBe(COST_LOCK.magazine);
    ctx.cost.reset();
    cycle(setup, 300);
    expect(ctx.cost.depotExchanges).toBe(1);
  });

  it("do not exist in era 4.1", () => {
    const setup = fresh(1, "4.1");
    cycle(setup, 10);
    expect(cached(setup)).toEqual({ loaded: 0, prev: 0, depot: 0 });
    expect(countIovas(setup.ctx.arena, setup.domain)).toBe(0);
  });
});

describe("the depot", () => {
  it("sends magazines beyond 32 to the tree in era 6.1, and none in 6.12", () => {
    const count = 127 * 36;
    const old = fresh(1, "6.1");
    cycle(old, count);
    expect(cached(old)).toEqual({ loaded: 127, prev: 127, depot: 32 });
    expect(countIovas(old.ctx.arena, old.domain)).toBe(127 * 34);
    const now = fresh();
    cycle(now, count);
    expect(cached(now)).toEqual({ loaded: 127, prev: 127, depot: 34 });
    expect(countIovas(now.ctx.arena, now.domain)).toBe(count);
    flushCpuRcaches(now.ctx, now.domain);
    expect(countIovas(now.ctx.arena, now.domain)).toBe(0);
  });

  it("is trimmed by one magazine every 100 ms while it holds more than CPUs online", () => {
    const setup = fresh(2);
    cycle(setup, 127 * 6);
    expect(cached(setup).depot).toBe(4);
    const at = (nowNs: number) => trimDepot({ ...setup.ctx, nowNs }, setup.domain);
    expect(at(DEPOT_TRIM_NS - 1)).toBe(0);
    expect(at(DEPOT_TRIM_NS)).toBe(1);
    expect(at(DEPOT_TRIM_NS + 1)).toBe(0);
    expect(at(2 * DEPOT_TRIM_NS)).toBe(1);
    expect(at(3 * DEPOT_TRIM_NS)).toBe(0);
    expect(at(9 * DEPOT_TRIM_NS)).toBe(0);
    expect(cached(setup).depot).toBe(2);
    expect(countIovas(setup.ctx.arena, setup.domain)).toBe(127 * 4);
  });
});
