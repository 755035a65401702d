import { describe, expect, it } from "vitest";
import { DMA_MAPPING_ERROR } from "#dmasim/base/addr.js";
import { PATH } from "#dmasim/base/cost.js";
import { PEER_ROUTE } from "#dmasim/host/context.js";
import { ATTR, DIR, type DmaDomain } from "#dmasim/host/dma/device.js";
import { mapPhys, mapSg, unmapPhys, unmapSg } from "#dmasim/host/dma/map.js";
import { sgIsBusAddress } from "#dmasim/host/dma/scatterlist.js";
import { drainFlushQueues } from "#dmasim/host/iommu/flush_queue.js";
import { countIovas } from "#dmasim/host/iommu/iova.js";
import { flushCpuRcaches } from "#dmasim/host/iommu/magazine.js";
import { MAP_FAILURES } from "#dmasim/host/status.js";
import { allocFrame, framesUsed } from "#dmasim/pagetable/frames.js";
import { Arena } from "#dmasim/shm/arena.js";
import { DOMAIN, REGIONS } from "#dmasim/shm/layout.js";
import { peersOf, setUpDomain, translated } from "../../../support/domain.ts";
import { makeContext, makeDevice, type TestContext } from "../../../support/host.ts";
import { dmaEntries, listOf, PROBE_LISTS, pageEntries } from "../../../support/list.ts";

const arena = Arena.create();
let domains = 0;

function freshDomain(ctx: TestContext, overrides: Partial<DmaDomain> = {}): DmaDomain {
  domains += 1;
  return setUpDomain(ctx, { index: domains, ...overrides });
}

function ptesPresent(domain: DmaDomain): number {
  return arena.i32[REGIONS.domains.word + domain.index * REGIONS.domains.stride + DOMAIN.ptePresent] as number;
}

/** Nothing is left: no leaf, and after emptying the caches no IOVA. */
function expectClean(ctx: TestContext, domain: DmaDomain): void {
  drainFlushQueues(ctx, domain);
  flushCpuRcaches(ctx, domain);
  expect(ptesPresent(domain)).toBe(0);
  expect(countIovas(arena, domain)).toBe(0);
}

describe("iommu-dma lists", () => {
  const ctx = makeContext({ arena });

  it.each(PROBE_LISTS.map((list, i) => [i + 1, [1, 3, 1, 1, 3, 1, 2][i], list] as const))(
    "joins probe list L%i into %i",
    (_, joined, list) => {
      const domain = freshDomain(ctx);
      const device = makeDevice({ dmaMask: 0xffffffff, domain });
      const sg = listOf(arena, list);
      const before = pageEntries(arena, sg, 3);
      expect(mapSg(ctx, device, sg, 3, DIR.bidirectional, 0)).toBe(joined);
      expect(pageEntries(arena, sg, 3)).toEqual(before);
      expectBytesMapped(domain, sg, joined as number, list);
      for (const rest of dmaEntries(arena, sg, 3).slice(joined))
        expect(rest).toEqual({ dma: DMA_MAPPING_ERROR, len: 0 });
      unmapSg(ctx, device, sg, 3, DIR.bidirectional, 0);
      expectClean(ctx, domain);
    },
  );

  it("4.1 joins nothing: one range, one DMA entry for each", () => {
    const old = makeContext({ arena, era: "4.1" });
    for (const list of PROBE_LISTS) {
      const domain = freshDomain(old);
      const device = makeDevice({ dmaMask: 0xffffffff, domain });
      const sg = listOf(arena, list);
      expect(mapSg(old, device, sg, 3, DIR.bidirectional, 0)).toBe(3);
      expectBytesMapped(domain, sg, 3, list);
      unmapSg(old, device, sg, 3, DIR.bidirectional, 0);
      expectClean(old, domain);
    }
  });

  it("shipped: an entry longer than max_seg wraps the room left, and the next one joins", () => {
    const list: [number, number][] = [
      [0x100000, 0x20000],
      [0x200000, 0x1000],
    ];
    for (const [defects, joined] of [
      ["shipped", 1],
      ["corrected", 2],
    ] as const) {
      const own = makeContext({ arena, defects });
      const domain = freshDomain(own);
      const device = makeDevice({ dmaMask: 0xffffffff, domain });
      const sg = listOf(arena, list);
      expect(mapSg(own, device, sg, 2, DIR.toDevice, 0)).toBe(joined);
      unmapSg(own, device, sg, 2, DIR.toDevice, 0);
      expectClean(own, domain);
    }
  });

  it("enlarges the entry before, so that one that would cross the boundary starts on it", () => {
    const domain = freshDomain(ctx);
    const device = makeDevice({ dmaMask: 0xffffffff, domain, segBoundaryMask: 0xffff });
    const list: [number, number][] = [
      [0x100000, 0xc000],
      [0x200000, 0x8000],
    ];
    const sg = listOf(arena, list);
    expect(mapSg(ctx, device, sg, 2, DIR.toDevice, 0)).toBe(2);
    const [first, second] = dmaEntries(arena, sg, 2);
    expect((second?.dma as number) & 0xffff).toBe(0);
    expect(second?.dma).toBe((first?.dma as number) + 0x10000);
    // The padding maps memory behind the first entry.
    expect(translated(arena, domain, (first?.dma as number) + 0xf000)).toBe(0x10f000);
    unmapSg(ctx, device, sg, 2, DIR.toDevice, 0);
    expectClean(ctx, domain);
  });

  it("maps lists through array chains", () => {
    const domain = freshDomain(ctx);
    const device = makeDevice({ domain });
    const list = Array.from({ length: 300 }, (_, i): [number, number] => [0x10000000 + i * 0x3000, 0x1000]);
    const sg = listOf(arena, list);
    expect(mapSg(ctx, device, sg, 300, DIR.fromDevice, 0)).toBe(19);
    expectBytesMapped(domain, sg, 19, list);
    unmapSg(ctx, device, sg, 300, DIR.fromDevice, 0);
    expectClean(ctx, domain);
  });

  function expectBytesMapped(
    domain: DmaDomain,
    sg: number,
    count: number,
    list: readonly (readonly [number, number])[],
  ): void {
    const dma = dmaEntries(arena, sg, count).flatMap(({ dma: at, len }) =>
      pagesOf(at, len).map((p) => translated(arena, domain, p)),
    );
    expect(dma).toEqual(list.flatMap(([phys, length]) => pagesOf(phys, length)));
  }

  /** First bytes of the page pieces of a range. */
  function pagesOf(start: number, bytes: number): number[] {
    const pieces: number[] = [];
    for (let at = start; at < start + bytes; at += 0x1000 - (at & 0xfff)) pieces.push(at);
    return pieces;
  }
});

describe("iommu-dma peers", () => {
  const BAR = 0x383000000000;
  const bar = { start: BAR, bytes: 0x100000, busOffset: 0 };

  it("gives bus entries no IOVA and keeps them apart", () => {
    const ctx = makeContext({ arena, peers: peersOf([{ ...bar, route: PEER_ROUTE.busAddr, busOffset: 0x1000000 }]) });
    const domain = freshDomain(ctx);
    const device = makeDevice({ dmaMask: 0xffffffff, domain });
    const sg = listOf(arena, [
      [0x10000, 0x1000],
      [0x20000, 0x1000],
      [BAR, 0x3000],
      [0x30000, 0x1000],
    ]);
    expect(mapSg(ctx, device, sg, 4, DIR.fromDevice, 0)).toBe(3);
    const entries = dmaEntries(arena, sg, 4);
    expect(entries.map((entry) => entry.len)).toEqual([0x2000, 0x3000, 0x1000, 0]);
    expect(entries[1]?.dma).toBe(BAR + 0x1000000);
    expect(sgIsBusAddress(arena, sg + 8)).toBe(true);
    expect(sgIsBusAddress(arena, sg + 16)).toBe(false);
    expect(ptesPresent(domain)).toBe(3);
    expect(ctx.cost.path).toBe(PATH.p2p);
    unmapSg(ctx, device, sg, 4, DIR.fromDevice, 0);
    expectClean(ctx, domain);
    const busOnly = listOf(arena, [[BAR, 0x1000]]);
    expect(mapSg(ctx, device, busOnly, 1, DIR.fromDevice, 0)).toBe(1);
    unmapSg(ctx, device, busOnly, 1, DIR.fromDevice, 0);
    expectClean(ctx, domain);
  });

  it("refuses unsupported peers and leaves nothing", () => {
    const ctx = makeContext({ arena, peers: peersOf([{ ...bar, route: PEER_ROUTE.notSupported }]) });
    const domain = freshDomain(ctx);
    const device = makeDevice({ domain });
    const sg = listOf(arena, [
      [0x10000, 0x1000],
      [BAR, 0x1000],
    ]);
    expect(mapSg(ctx, device, sg, 2, DIR.fromDevice, 0)).toBe(-MAP_FAILURES.peerUnsupported.code);
    expect(dmaEntries(arena, sg, 2)).toEqual([
      { dma: DMA_MAPPING_ERROR, len: 0 },
      { dma: DMA_MAPPING_ERROR, len: 0 },
    ]);
    expect(mapPhys(ctx, device, BAR, 0x1000, DIR.fromDevice, 0)).toBe(-MAP_FAILURES.peerUnsupported.code);
    expectClean(ctx, domain);
  });
});

describe("iommu-dma single ranges", () => {
  it("keeps the offset in the granule and maps whole granules with the direction's permission", () => {
    const ctx = makeContext({ arena });
    const domain = freshDomain(ctx);
    const device = makeDevice({ dmaMask: 0xffffffff, domain });
    const iova = mapPhys(ctx, device, 0x12345200, 0x2000, DIR.toDevice, 0);
    expect(iova).toBe(0xffffc200);
    expect(ctx.cost.ptesWritten).toBe(3);
    expect(translated(arena, domain, iova)).toBe(0x12345200);
    unmapPhys(ctx, device, iova, 0x2000, DIR.toDevice, 0);
    expect(ctx.invalidations).toEqual([{ unit: 0, domain: domain.index, iova: 0xffffc000, bytes: 0x3000 }]);
    expect([ctx.cost.invalidations, ctx.cost.invalidatedPages, ctx.cost.ptesCleared]).toEqual([1, 3, 3]);
    expectClean(ctx, domain);
  });

  it("strict: the page is gone before its invalidation, and the IOVA free only after it", () => {
    const seen: { present: number; iovas: number }[] = [];
    const plain = makeContext({ arena });
    const domain = freshDomain(plain);
    const ctx = {
      ...plain,
      invalidation: {
        invalidatePages: (_unit: number, _domain: number, iova: number) => {
          seen.push({ present: translated(arena, domain, iova), iovas: countIovas(arena, domain) });
        },
        invalidateDomain: () => {},
      },
    };
    const device = makeDevice({ domain, dmaMask: 0xffffffff });
    const iova = mapPhys(ctx, device, 0x1000, 64 * 4096, DIR.toDevice, 0);
    unmapPhys(ctx, device, iova, 64 * 4096, DIR.toDevice, 0);
    expect(seen).toEqual([{ present: -1, iovas: 1 }]);
    expect(countIovas(arena, domain)).toBe(0);
  });

  it("lazy: unmap clears the page and invalidates nothing; the queue does", () => {
    const ctx = makeContext({ arena });
    const domain = freshDomain(ctx, { mode: "lazy" });
    const device = makeDevice({ domain });
    const iova = mapPhys(ctx, device, 0x5000, 0x1000, DIR.toDevice, 0);
    unmapPhys(ctx, device, iova, 0x1000, DIR.toDevice, 0);
    expect(translated(arena, domain, iova)).toBe(-1);
    expect(ctx.invalidations).toEqual([]);
    expect(mapPhys(ctx, device, 0x5000, 0x1000, DIR.toDevice, 0)).not.toBe(iova);
    drainFlushQueues(ctx, domain);
    expect(ctx.invalidations).toEqual([{ unit: 0, domain: domain.index, iova: 0, bytes: 0 }]);
  });

  it("refuses an alignment above the granule and an exhausted IOVA space", () => {
    const ctx = makeContext({ arena });
    const domain = freshDomain(ctx);
    expect(mapPhys(ctx, makeDevice({ domain, minAlignMask: 0xffff }), 0, 4096, DIR.toDevice, 0)).toBe(
      -MAP_FAILURES.invalid.code,
    );
    const device = makeDevice({ domain, dmaMask: 0xffff });
    const sg = listOf(arena, [[0x100000, 0x10000]]);
    expect(mapSg(ctx, device, sg, 1, DIR.toDevice, 0)).toBe(-MAP_FAILURES.noIova.code);
    expect(mapPhys(ctx, device, 0x100000, 0x10000, DIR.toDevice, 0)).toBe(-MAP_FAILURES.noIova.code);
    expect(MAP_FAILURES.noIova.errno).toBe(-12);
    expectClean(ctx, domain);
  });

  it("undoes what it mapped when page-table frames run out", () => {
    const own = Arena.create();
    const ctx = makeContext({ arena: own });
    const domain = setUpDomain(ctx, { index: 0 });
    const device = makeDevice({ domain, dmaMask: 0xffffffff });
    while (framesUsed(own) < REGIONS.frames.count - 4) allocFrame(own, 0);
    const sg = listOf(own, [
      [0x40000000, 0x1000],
      [0x80001000, 0x400000],
    ]);
    expect(mapSg(ctx, device, sg, 2, DIR.toDevice, 0)).toBe(-MAP_FAILURES.noTable.code);
    expect(mapPhys(ctx, device, 0x80001000, 0x800000, DIR.toDevice, 0)).toBe(-MAP_FAILURES.noTable.code);
    flushCpuRcaches(ctx, domain);
    expect(countIovas(own, domain)).toBe(0);
    expect(own.i32[REGIONS.domains.word + DOMAIN.ptePresent]).toBe(0);
  });

  it("counts cache lines of a device that does not snoop", () => {
    const ctx = makeContext({ arena });
    const domain = freshDomain(ctx);
    const device = makeDevice({ domain, coherent: false });
    const iova = mapPhys(ctx, device, 0x10020, 0x1000, DIR.fromDevice, 0);
    expect(ctx.cost.linesFlushed).toBe(65);
    unmapPhys(ctx, device, iova, 0x1000, DIR.fromDevice, 0);
    expect(ctx.cost.linesFlushed).toBe(130);
    const sg = listOf(arena, [[0x20000, 128]]);
    mapSg(ctx, device, sg, 1, DIR.toDevice, 0);
    unmapSg(ctx, device, sg, 1, DIR.toDevice, ATTR.skipCpuSync);
    expect(ctx.cost.linesFlushed).toBe(132);
  });
});
