import { describe, expect, it } from "vitest";
import { PATH } from "#dmasim/base/cost.js";
import { DIR, type DmaDomain } from "#dmasim/host/dma/device.js";
import { mapPhys, mapSg, syncSingleForCpu, unmapPhys, unmapSg } from "#dmasim/host/dma/map.js";
import { sgSetPfn } from "#dmasim/host/dma/scatterlist.js";
import { countIovas } from "#dmasim/host/iommu/iova.js";
import { flushCpuRcaches } from "#dmasim/host/iommu/magazine.js";
import { MAP_FAILURES } from "#dmasim/host/status.js";
import { slotsUsed } from "#dmasim/host/swiotlb/pool.js";
import { fillPhys, findOtherPhys } from "#dmasim/memory/copy.js";
import { Arena } from "#dmasim/shm/arena.js";
import { DOMAIN, REGIONS } from "#dmasim/shm/layout.js";
import { setUpDomain, setUpPool, translated } from "../../../support/domain.ts";
import { makeContext, makeDevice } from "../../../support/host.ts";
import { listOf } from "../../../support/list.ts";

const arena = Arena.create();

/** No leaf is left, and after emptying the caches no IOVA. */
function expectClean(domain: DmaDomain): void {
  flushCpuRcaches(makeContext({ arena }), domain);
  const word = REGIONS.domains.word + domain.index * REGIONS.domains.stride + DOMAIN.ptePresent;
  expect([arena.i32[word], countIovas(arena, domain)]).toEqual([0, 0]);
}

describe("untrusted devices", () => {
  const ctx = makeContext({ arena });
  const pool = setUpPool(ctx);

  it("bounces partial granules into zero-padded ones and maps whole granules in place", () => {
    const domain = setUpDomain(ctx, { index: 1 });
    const device = makeDevice({ domain, pool, untrusted: true });
    fillPhys(arena, pool.start, 0xee, 0x4000);
    fillPhys(arena, 0x20200, 0x12, 0x300);
    const iova = mapPhys(ctx, device, 0x20200, 0x300, DIR.bidirectional, 0);
    const slot = translated(arena, domain, iova);
    expect(slot).toBeGreaterThanOrEqual(pool.start);
    expect(ctx.cost.path).toBe(PATH.bounce);
    expect(findOtherPhys(arena, slot, 0x12, 0x300)).toBe(-1);
    const page = slot - (slot & 0xfff);
    expect(findOtherPhys(arena, page, 0, slot - page)).toBe(-1);
    expect(findOtherPhys(arena, slot + 0x300, 0, page + 0x1000 - slot - 0x300)).toBe(-1);
    fillPhys(arena, slot, 0x13, 0x300);
    syncSingleForCpu(ctx, device, iova, 0x300, DIR.bidirectional);
    expect(findOtherPhys(arena, 0x20200, 0x13, 0x300)).toBe(-1);
    fillPhys(arena, slot, 0x14, 0x300);
    unmapPhys(ctx, device, iova, 0x300, DIR.bidirectional, 0);
    expect(findOtherPhys(arena, 0x20200, 0x14, 0x300)).toBe(-1);
    const whole = mapPhys(ctx, device, 0x20000, 0x2000, DIR.toDevice, 0);
    expect(translated(arena, domain, whole)).toBe(0x20000);
    unmapPhys(ctx, device, whole, 0x2000, DIR.toDevice, 0);
    expect(slotsUsed(arena, pool)).toBe(0);
    expectClean(domain);
  });

  it("maps lists entry by entry and undoes them", () => {
    const domain = setUpDomain(ctx, { index: 2 });
    const device = makeDevice({ domain, pool, untrusted: true });
    const list: [number, number][] = [
      [0x10000, 0x1000],
      [0x11000, 0x1000],
      [0x12000, 0x200],
    ];
    const sg = listOf(arena, list);
    expect(mapSg(ctx, device, sg, 3, DIR.toDevice, 0)).toBe(3);
    unmapSg(ctx, device, sg, 3, DIR.toDevice, 0);
    expectClean(domain);
    sgSetPfn(arena, sg + 16, 0x12, 0x200, 0);
    expect(mapSg(ctx, device, sg, 3, DIR.toDevice, 0)).toBe(-MAP_FAILURES.noPage.code);
    expect(slotsUsed(arena, pool)).toBe(0);
    expectClean(domain);
  });
});
