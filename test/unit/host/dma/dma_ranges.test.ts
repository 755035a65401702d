import { describe, expect, it } from "vitest";
import { DMA_MAPPING_ERROR } from "#dmasim/base/addr.js";
import { PATH } from "#dmasim/base/cost.js";
import { PEER_ROUTE } from "#dmasim/host/context.js";
import { allocCoherent, CoherentBuffer, coherentZone, ZONE, ZONE_LIMITS_X86 } from "#dmasim/host/dma/coherent.js";
import { startDebug } from "#dmasim/host/dma/debug/session.js";
import { DIR, type DmaDevice } from "#dmasim/host/dma/device.js";
import { mapPhys, mapSg, syncSingleForCpu, syncSingleForDevice, unmapPhys, unmapSg } from "#dmasim/host/dma/map.js";
import { dmaToPhys, physToDma } from "#dmasim/host/dma/range_map.js";
import { mapResource, unmapResource } from "#dmasim/host/dma/resource.js";
import { sgIsSwiotlb } from "#dmasim/host/dma/scatterlist.js";
import { MAP_FAILURES } from "#dmasim/host/status.js";
import { classifyFull } from "#dmasim/host/swiotlb/classify.js";
import { slotsUsed } from "#dmasim/host/swiotlb/pool.js";
import { fillPhys, findOtherPhys } from "#dmasim/memory/copy.js";
import { Arena } from "#dmasim/shm/arena.js";
import { sgNext } from "#dmasim/shm/sg_entry.js";
import { peersOf, setUpDomain, setUpPool } from "../../../support/domain.ts";
import { makeContext, makeDevice } from "../../../support/host.ts";
import { dmaEntries, listOf } from "../../../support/list.ts";

const arena = Arena.create();
const ctx = makeContext({ arena });
const pool = setUpPool(ctx);
/** RAM at 2 GiB appears at bus 0, the bounce pool's neighbourhood at 1 GiB. */
const RANGES = [
  { cpuStart: 0x80000000, dmaStart: 0, bytes: 0x40000000 },
  { cpuStart: pool.start, dmaStart: 0x40000000, bytes: 0x10000000 },
];
const HIDDEN = 0x100000000;
const LAST = 0x4fffffff;
const shifted = makeDevice({ pool, dmaRanges: RANGES, busDmaLimit: LAST });
const poolBus = (dmaAddr: number) => dmaAddr - 0x40000000 + pool.start;

describe("dma-ranges", () => {
  it("hold their first and their last byte, and not those beside them", () => {
    const apart = [
      { cpuStart: 0x80000000, dmaStart: 0x10000, bytes: 0x1000 },
      { cpuStart: 0x90000000, dmaStart: 0x20000, bytes: 0x1000 },
    ];
    for (const { cpuStart, dmaStart, bytes } of apart) {
      for (const offset of [0, bytes - 1]) {
        expect(dmaToPhys(apart, dmaStart + offset)).toBe(cpuStart + offset);
        expect(physToDma(apart, cpuStart + offset)).toBe(dmaStart + offset);
      }
      for (const offset of [-1, bytes]) {
        expect(dmaToPhys(apart, dmaStart + offset)).toBe(DMA_MAPPING_ERROR);
        expect(physToDma(apart, cpuStart + offset)).toBe(DMA_MAPPING_ERROR);
      }
    }
  });
});

describe("dma-direct over dma-ranges", () => {
  it("gives bus addresses of what a range shows, and bounces what none does", () => {
    const sg = listOf(arena, [
      [0x80001000, 0x1000],
      [HIDDEN, 0x800],
    ]);
    fillPhys(arena, HIDDEN, 0x21, 0x800);
    expect(mapSg(ctx, shifted, sg, 2, DIR.bidirectional, 0)).toBe(2);
    const second = sgNext(arena, sg);
    expect([sgIsSwiotlb(arena, sg), sgIsSwiotlb(arena, second)]).toEqual([false, true]);
    const [first, bounced] = dmaEntries(arena, sg, 2);
    expect(first).toEqual({ dma: 0x1000, len: 0x1000 });
    const bus = bounced?.dma as number;
    expect(bus).toBeGreaterThanOrEqual(0x40000000);
    expect(findOtherPhys(arena, poolBus(bus), 0x21, 0x800)).toBe(-1);
    fillPhys(arena, poolBus(bus), 0x43, 0x800);
    unmapSg(ctx, shifted, sg, 2, DIR.bidirectional, 0);
    expect(findOtherPhys(arena, HIDDEN, 0x43, 0x800)).toBe(-1);
    expect(slotsUsed(arena, pool)).toBe(0);
  });

  it("converts back to sync any part of a bounced mapping, and to count lines", () => {
    const bus = mapPhys(ctx, shifted, HIDDEN, 0x1000, DIR.bidirectional, 0);
    fillPhys(arena, HIDDEN + 0x100, 0x65, 0x80);
    syncSingleForDevice(ctx, shifted, bus + 0x100, 0x80, DIR.bidirectional);
    expect(findOtherPhys(arena, poolBus(bus) + 0x100, 0x65, 0x80)).toBe(-1);
    fillPhys(arena, poolBus(bus) + 0x200, 0x66, 0x80);
    syncSingleForCpu(ctx, shifted, bus + 0x200, 0x80, DIR.bidirectional);
    expect(findOtherPhys(arena, HIDDEN + 0x200, 0x66, 0x80)).toBe(-1);
    unmapPhys(ctx, shifted, bus, 0x1000, DIR.bidirectional, 0);
    expect(slotsUsed(arena, pool)).toBe(0);
    ctx.cost.reset();
    unmapPhys(ctx, makeDevice({ dmaRanges: RANGES, coherent: false }), 0x1020, 0x1000, DIR.fromDevice, 0);
    expect([ctx.cost.linesFlushed, ctx.cost.path]).toEqual([65, PATH.direct]);
  });

  it("refuses what no range shows when nothing bounces, page-less memory and peers included", () => {
    const bare = makeDevice({ dmaRanges: RANGES });
    expect(mapPhys(ctx, bare, HIDDEN, 0x1000, DIR.toDevice, 0)).toBe(-MAP_FAILURES.maskOverflow.code);
    const sg = listOf(arena, [[HIDDEN, 0x1000]], false);
    expect(mapSg(ctx, shifted, sg, 1, DIR.toDevice, 0)).toBe(-MAP_FAILURES.noPage.code);
    const peers = peersOf([{ start: HIDDEN, bytes: 0x10000, busOffset: 0, route: PEER_ROUTE.throughHostBridge }]);
    expect(mapPhys(makeContext({ arena, peers }), shifted, HIDDEN, 0x1000, DIR.toDevice, 0)).toBe(
      -MAP_FAILURES.maskOverflow.code,
    );
  });

  it("translates the first byte only: a mapping may run past its range, but not past the bus limit", () => {
    expect(mapPhys(ctx, shifted, 0xbffff000, 0x2000, DIR.toDevice, 0)).toBe(0x3ffff000);
    const short = makeDevice({ dmaRanges: [RANGES[0] as (typeof RANGES)[0]], busDmaLimit: 0x3fffffff });
    expect(mapPhys(ctx, short, 0xbffff000, 0x1000, DIR.toDevice, 0)).toBe(0x3ffff000);
    expect(mapPhys(ctx, short, 0xbffff000, 0x1001, DIR.toDevice, 0)).toBe(-MAP_FAILURES.maskOverflow.code);
  });

  it("finds no slot in a pool that no range shows; 6.1 finds one and gives it back", () => {
    const hidden = makeDevice({ pool, dmaRanges: [RANGES[0] as (typeof RANGES)[0]] });
    expect(mapPhys(ctx, hidden, HIDDEN, 0x1000, DIR.toDevice, 0)).toBe(-MAP_FAILURES.poolFull.code);
    const request = { orig: HIDDEN, mappingBytes: 0x1000, allocAlignMask: 0 };
    expect(classifyFull(ctx, hidden, request, () => 0).reason).toBe("outside dma-ranges");
    const old = makeContext({ arena, era: "6.1" });
    expect(mapPhys(old, hidden, HIDDEN, 0x1000, DIR.toDevice, 0)).toBe(-MAP_FAILURES.maskOverflow.code);
    expect(slotsUsed(arena, pool)).toBe(0);
  });

  it("gives slots their segment boundary in bus addresses", () => {
    const odd = { cpuStart: pool.start, dmaStart: 0x40001000, bytes: 0x1000000 };
    const device = makeDevice({ pool, dmaRanges: [odd], segBoundaryMask: 0x1fff, forceBounce: true });
    const bus = mapPhys(ctx, device, HIDDEN, 0x2000, DIR.toDevice, 0);
    expect(bus % 0x2000).toBe(0);
    unmapPhys(ctx, device, bus, 0x2000, DIR.toDevice, 0);
    expect(slotsUsed(arena, pool)).toBe(0);
  });

  it("allocates coherent memory in a zone that a range shows", () => {
    const zoneOf = (changes: Partial<DmaDevice>) => coherentZone(makeDevice(changes), ZONE_LIMITS_X86);
    expect(zoneOf({ dmaRanges: RANGES, busDmaLimit: 0x3fffffff })).toBe(ZONE.dma32);
    expect(zoneOf({ dmaMask: 0x3fffffff })).toBe(ZONE.dma32);
    expect(zoneOf({ dmaRanges: [{ cpuStart: HIDDEN, dmaStart: 0, bytes: 0x1000000 }], busDmaLimit: 0xffffff })).toBe(
      ZONE.normal,
    );
    const buffer = new CoherentBuffer();
    const taken: number[] = [];
    const pages = {
      take: (zone: number) => (zone === ZONE.normal ? HIDDEN : 0x80002000),
      give: (phys: number) => void taken.push(phys),
    };
    expect(allocCoherent(ctx, makeDevice({ dmaRanges: RANGES }), pages, ZONE_LIMITS_X86, buffer, 4096, 0)).toBe(0);
    expect([buffer.phys, buffer.dmaAddr, taken]).toEqual([0x80002000, 0x2000, [HIDDEN]]);
  });
});

describe("dma_map_resource", () => {
  const MMIO = 0xfe201000;
  const pages = { hasPage: (phys: number) => phys >= 0x80000000 && phys < 0xc0000000 };
  const map = (device: DmaDevice, phys: number, bytes = 4, host = ctx) =>
    mapResource(host, device, pages, phys, bytes, DIR.toDevice, 0);

  it("keeps the physical address, whatever the ranges, and never bounces", () => {
    const open = makeDevice({ pool, dmaRanges: RANGES, forceBounce: true });
    expect(map(open, MMIO + 4)).toBe(MMIO + 4);
    unmapResource(ctx, open, MMIO + 4, 4, DIR.toDevice, 0);
    expect(map(shifted, MMIO)).toBe(-MAP_FAILURES.maskOverflow.code);
    expect(slotsUsed(arena, pool)).toBe(0);
  });

  it("maintains no caches", () => {
    ctx.cost.reset();
    const device = makeDevice({ coherent: false });
    expect(map(device, MMIO, 4096)).toBe(MMIO);
    unmapResource(ctx, device, MMIO, 4096, DIR.fromDevice, 0);
    expect(ctx.cost.linesFlushed).toBe(0);
  });

  it("does not look at the way to a peer", () => {
    const peers = peersOf([{ start: MMIO, bytes: 0x1000, busOffset: 0, route: PEER_ROUTE.notSupported }]);
    const peerCtx = makeContext({ arena, peers });
    expect(map(makeDevice(), MMIO, 4, peerCtx)).toBe(MMIO);
    expect(mapPhys(peerCtx, makeDevice(), MMIO, 4, DIR.toDevice, 0)).toBe(-MAP_FAILURES.peerUnsupported.code);
  });

  it("takes an IOVA with the offset in the page behind an IOMMU, untrusted or not", () => {
    const domain = setUpDomain(ctx);
    for (const untrusted of [false, true]) {
      const device = makeDevice({ domain, pool, untrusted });
      const iova = map(device, MMIO + 0x10);
      expect([iova > 0, iova % 4096]).toEqual([true, 0x10]);
      unmapResource(ctx, device, iova, 4, DIR.toDevice, 0);
    }
    expect(slotsUsed(arena, pool)).toBe(0);
  });

  it("refuses memory with struct pages in a kernel with dma-debug only; 4.1 has no such call", () => {
    expect(map(makeDevice(), 0x80000000)).toBe(0x80000000);
    const own = makeContext();
    startDebug(own.arena);
    expect(map(makeDevice(), 0x80000000, 4, own)).toBe(-MAP_FAILURES.invalid.code);
    expect(map(makeDevice(), MMIO, 4, own)).toBe(MMIO);
    expect(map(makeDevice(), MMIO, 4, makeContext({ arena, era: "4.1" }))).toBe(-MAP_FAILURES.notSupported.code);
  });
});
