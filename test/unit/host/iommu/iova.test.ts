import { describe, expect, it } from "vitest";
import { allocIovaTree, countIovas, freeIovaTree, initDomainIova, reserveIova } from "#dmasim/host/iommu/iova.js";
import { makeContext, makeDomain } from "../../../support/host.ts";

const ctx = makeContext();
const LIMIT_32 = 0xfffff;
let domainsUsed = 0;

function freshDomain(startPfn = 1, pageShifts = [12]) {
  const domain = makeDomain({ index: domainsUsed, pageShifts });
  domainsUsed += 1;
  initDomainIova(ctx.arena, domain, startPfn);
  return domain;
}

function allocAll(pages: readonly number[], limit: number, domain = freshDomain()): number[] {
  return pages.map((count) => allocIovaTree(ctx, domain, count, limit));
}

describe("allocIovaTree", () => {
  it("gives the first five allocations of the facts", () => {
    expect(allocAll([1, 1, 2, 3, 4], LIMIT_32)).toEqual([0xfffff, 0xffffe, 0xffffc, 0xffff8, 0xffff4]);
  });

  it("aligns 33 pages to 64 and leaves a hole above", () => {
    expect(allocAll([33, 33, 1], LIMIT_32)).toEqual([0xfffc0, 0xfff80, 0xfff7f]);
  });

  it.each([
    [1, 255],
    [2, 127],
    [3, 63],
    [4, 63],
    [5, 31],
    [8, 31],
    [9, 15],
    [16, 15],
    [17, 7],
    [32, 7],
    [33, 3],
    [64, 3],
  ])("fits %i pages %i times below 1 MiB", (pages, times) => {
    const domain = freshDomain();
    let fitted = 0;
    while (allocIovaTree(ctx, domain, pages, 0xff) >= 0) fitted += 1;
    expect(fitted).toBe(times);
    expect(countIovas(ctx.arena, domain)).toBe(times);
  });

  it("does not reuse a hole above the cursor until the walk below it fails", () => {
    const domain = freshDomain();
    expect(allocAll([1, 1, 1], 0xff, domain)).toEqual([0xff, 0xfe, 0xfd]);
    expect(allocAll([64, 1], 0xff, domain)).toEqual([0x80, 0x7f]);
    expect(allocAll([64], 0xff, domain)).toEqual([-1]);
    // Size 64 is hopeless now, 1 is not: it continues below, and only then comes back to the hole.
    const rest = Array.from({ length: 0x7e }, () => allocIovaTree(ctx, domain, 1, 0xff));
    expect(rest[0]).toBe(0x7e);
    expect(rest[0x7d]).toBe(1);
    expect(allocIovaTree(ctx, domain, 1, 0xff)).toBe(0xfc);
  });

  it("fails without a search once a size is hopeless, until something below 4 GiB is freed", () => {
    const domain = freshDomain();
    expect(allocIovaTree(ctx, domain, 1, 1)).toBe(1);
    expect(allocIovaTree(ctx, domain, 1, 1)).toBe(-1);
    ctx.cost.reset();
    expect(allocIovaTree(ctx, domain, 1, LIMIT_32)).toBe(-1);
    expect(ctx.cost.treeSteps).toBe(0);
    const high = allocIovaTree(ctx, domain, 1, 2 ** 36 - 1);
    expect(high).toBe(2 ** 36 - 1);
    freeIovaTree(ctx, domain, high);
    expect(allocIovaTree(ctx, domain, 1, LIMIT_32)).toBe(-1);
    freeIovaTree(ctx, domain, 1);
    expect(allocIovaTree(ctx, domain, 1, LIMIT_32)).toBe(LIMIT_32);
  });

  it("remembers only what a full walk has shown when defects are corrected", () => {
    const corrected = { ...ctx, defects: "corrected" } as const;
    const domain = freshDomain();
    expect(allocIovaTree(corrected, domain, 1, 1)).toBe(1);
    expect(allocIovaTree(corrected, domain, 1, 1)).toBe(-1);
    expect(allocIovaTree(corrected, domain, 1, LIMIT_32)).toBe(LIMIT_32);
  });

  it("keeps the 64-bit space apart from the 32-bit one", () => {
    const domain = freshDomain();
    expect(allocAll([1, 1], 2 ** 52 - 1, domain)).toEqual([2 ** 52 - 1, 2 ** 52 - 2]);
    expect(allocAll([1], LIMIT_32, domain)).toEqual([0xfffff]);
    expect(allocAll([1], 2 ** 36 - 1, domain)).toEqual([2 ** 36 - 1]);
    expect(allocAll([1], 0xfff, domain)).toEqual([0xfff]);
    expect(allocAll([1], LIMIT_32, domain)).toEqual([0xffe]);
  });

  it("falls below 4 GiB with a wide limit when the space above is full, and moves the 32-bit cursor there", () => {
    const domain = freshDomain();
    const limit = 2 ** 21 - 1;
    expect(allocAll([2 ** 19, 2 ** 19, 2 ** 18], limit, domain)).toEqual([3 * 2 ** 19, 2 ** 20, 3 * 2 ** 18]);
    expect(allocAll([1], LIMIT_32, domain)).toEqual([3 * 2 ** 18 - 1]);
  });

  it("counts pfns in granules", () => {
    const domain = freshDomain(16, [16, 29]);
    expect(allocAll([1, 2], 0xffff, domain)).toEqual([0xffff, 0xfffc]);
    expect(allocAll([2 ** 16], 0xffff, domain)).toEqual([-1]);
  });

  it("takes sizes beyond 32 bits of alignment", () => {
    expect(allocAll([2 ** 33], 2 ** 36 - 1)).toEqual([7 * 2 ** 33]);
  });

  it("records one operation, its steps and its lock", () => {
    const domain = freshDomain();
    allocAll([1, 1], LIMIT_32, domain);
    ctx.cost.reset();
    allocIovaTree(ctx, domain, 1, LIMIT_32);
    expect([ctx.cost.treeOps, ctx.cost.treeSteps, ctx.cost.lockCount]).toEqual([1, 1, 1]);
    expect([ctx.cost.lockIndex[0], ctx.cost.lockWork[0]]).toEqual([domain.index, 1]);
  });
});

describe("freeIovaTree", () => {
  it("moves the cursor up, so that the range is found again", () => {
    const domain = freshDomain();
    const [first, second] = allocAll([4, 4], LIMIT_32, domain) as [number, number];
    freeIovaTree(ctx, domain, second);
    expect(allocIovaTree(ctx, domain, 4, LIMIT_32)).toBe(second);
    freeIovaTree(ctx, domain, first);
    expect(allocIovaTree(ctx, domain, 1, LIMIT_32)).toBe(0xfffff);
    expect(countIovas(ctx.arena, domain)).toBe(2);
  });

  it("ignores a pfn that begins no range", () => {
    const domain = freshDomain();
    allocAll([4], LIMIT_32, domain);
    freeIovaTree(ctx, domain, 0xffffd);
    freeIovaTree(ctx, domain, 5);
    expect(countIovas(ctx.arena, domain)).toBe(1);
  });
});

describe("reserveIova", () => {
  it("keeps the MSI window free", () => {
    const domain = freshDomain();
    reserveIova(ctx, domain, 0xfee00, 0xfeeff);
    expect(allocAll([1, 4096, 8192, 512, 4608], LIMIT_32, domain)).toEqual([
      0xfffff, 0xfd000, 0xfa000, 0xf9e00, 0xf8000,
    ]);
    expect(countIovas(ctx.arena, domain)).toBe(5);
  });

  it("widens what it overlaps and adds the rest", () => {
    const domain = freshDomain();
    reserveIova(ctx, domain, 10, 20);
    reserveIova(ctx, domain, 30, 40);
    reserveIova(ctx, domain, 5, 50);
    reserveIova(ctx, domain, 7, 8);
    reserveIova(ctx, domain, 60, 63);
    const given = [];
    for (let pfn = allocIovaTree(ctx, domain, 1, 63); pfn >= 0; pfn = allocIovaTree(ctx, domain, 1, 63))
      given.push(pfn);
    expect(given).toEqual([59, 58, 57, 56, 55, 54, 53, 52, 51, 4, 3, 2, 1]);
  });
});

describe("era 4.1", () => {
  const old = { ...ctx, era: "4.1" } as const;

  it("rounds every size up to a power of two and keeps only the exact 32-bit limit's cursor", () => {
    const domain = freshDomain();
    expect(allocIovaTree(old, domain, 33, LIMIT_32)).toBe(0xfffc0);
    expect(allocIovaTree(old, domain, 33, LIMIT_32)).toBe(0xfff80);
    expect(allocIovaTree(old, domain, 1, 0xfff)).toBe(0xfff);
    expect(allocIovaTree(old, domain, 1, LIMIT_32)).toBe(0xfff7f);
  });

  it("never gives out start_pfn and remembers no failure", () => {
    const domain = freshDomain();
    expect(allocIovaTree(old, domain, 1, 2)).toBe(2);
    expect(allocIovaTree(old, domain, 1, 2)).toBe(-1);
    expect(allocIovaTree(old, domain, 1, LIMIT_32)).toBe(LIMIT_32);
  });
});

describe("initDomainIova", () => {
  it("keeps pfn 0 out, also of a space that begins there: 0 stands for no address", () => {
    const domain = freshDomain(0);
    const pfns: number[] = [];
    for (let pfn = 0; pfn >= 0; pfn = allocIovaTree(ctx, domain, 1, 7)) pfns.push(pfn);
    expect(pfns.slice(1)).toEqual([7, 6, 5, 4, 3, 2, 1]);
  });
});

describe("freeIovaTree of an unknown pfn", () => {
  it("leaves everything alone", () => {
    const domain = freshDomain();
    const [first] = allocAll([4], 0xff, domain) as [number];
    for (const pfn of [first + 1, first - 1, 7]) freeIovaTree(ctx, domain, pfn);
    expect(countIovas(ctx.arena, domain)).toBe(1);
    freeIovaTree(ctx, domain, first);
    freeIovaTree(ctx, domain, first);
    expect(countIovas(ctx.arena, domain)).toBe(0);
    expect(allocAll([4, 4], 0xff, domain)).toEqual([first, first - 4]);
  });
});
