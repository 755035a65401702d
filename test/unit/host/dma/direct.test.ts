import { describe, expect, it } from "vitest";
import { PATH } from "#dmasim/base/cost.js";
import { PEER_ROUTE } from "#dmasim/host/context.js";
import { ATTR, DIR } from "#dmasim/host/dma/device.js";
import {
  mapPhys,
  mapSg,
  syncSgForCpu,
  syncSgForDevice,
  syncSingleForDevice,
  unmapPhys,
  unmapSg,
} from "#dmasim/host/dma/map.js";
import { busAddressFor } from "#dmasim/host/dma/peer_entry.js";
import { sgIsBusAddress, sgIsSwiotlb, sgSetPfn } from "#dmasim/host/dma/scatterlist.js";
import { MAP_FAILURES } from "#dmasim/host/status.js";
import { slotsUsed } from "#dmasim/host/swiotlb/pool.js";
import { fillPhys, findOtherPhys } from "#dmasim/memory/copy.js";
import { Arena } from "#dmasim/shm/arena.js";
import { sgNext } from "#dmasim/shm/sg_entry.js";
import { peersOf, setUpPool } from "../../../support/domain.ts";
import { makeContext, makeDevice } from "../../../support/host.ts";
import { dmaEntries, listOf, PROBE_LISTS } from "../../../support/list.ts";

const arena = Arena.create();
const ctx = makeContext({ arena });
const pool = setUpPool(ctx);
const HIGH = 0x100000000;
const narrow = makeDevice({ dmaMask: 0xffffffff, pool });

describe("dma-direct lists", () => {
  it.each(PROBE_LISTS.map((list, i) => [i + 1, list] as const))("maps probe list L%i entry by entry", (_, list) => {
    const sg = listOf(arena, list);
    expect(mapSg(ctx, makeDevice(), sg, 3, DIR.fromDevice, 0)).toBe(3);
    expect(dmaEntries(arena, sg, 3)).toEqual(list.map(([dma, len]) => ({ dma, len })));
    expect(ctx.cost.path).toBe(PATH.direct);
    unmapSg(ctx, makeDevice(), sg, 3, DIR.fromDevice, 0);
  });

  it("bounces only the entries out of reach, and copies both ways", () => {
    const sg = listOf(arena, [
      [0x10000, 0x1000],
      [HIGH, 0x800],
    ]);
    fillPhys(arena, HIGH, 0x33, 0x800);
    expect(mapSg(ctx, narrow, sg, 2, DIR.bidirectional, 0)).toBe(2);
    const second = sgNext(arena, sg);
    expect([sgIsSwiotlb(arena, sg), sgIsSwiotlb(arena, second)]).toEqual([false, true]);
    const slot = dmaEntries(arena, sg, 2)[1]?.dma as number;
    expect(findOtherPhys(arena, slot, 0x33, 0x800)).toBe(-1);
    expect(ctx.cost.path).toBe(PATH.bounce);
    fillPhys(arena, slot, 0x44, 0x800);
    syncSgForCpu(ctx, narrow, sg, 2, DIR.bidirectional);
    expect(findOtherPhys(arena, HIGH, 0x44, 0x800)).toBe(-1);
    fillPhys(arena, HIGH, 0x77, 0x800);
    syncSgForDevice(ctx, narrow, sg, 2, DIR.bidirectional);
    expect(findOtherPhys(arena, slot, 0x77, 0x800)).toBe(-1);
    fillPhys(arena, slot, 0x55, 0x800);
    unmapSg(ctx, narrow, sg, 2, DIR.bidirectional, 0);
    expect(findOtherPhys(arena, HIGH, 0x55, 0x800)).toBe(-1);
    expect(slotsUsed(arena, pool)).toBe(0);
  });

  it("undoes the entries before the one that fails, without copying back", () => {
    const sg = listOf(arena, [
      [HIGH, 0x1000],
      [HIGH + 0x1000, 0x80000],
    ]);
    fillPhys(arena, HIGH, 0x66, 0x1000);
    expect(mapSg(ctx, narrow, sg, 2, DIR.fromDevice, 0)).toBe(-MAP_FAILURES.tooLarge.code);
    expect(slotsUsed(arena, pool)).toBe(0);
    expect(findOtherPhys(arena, HIGH, 0x66, 0x1000)).toBe(-1);
    expect(MAP_FAILURES.tooLarge.errno).toBe(-5);
  });

  it("refuses what nothing helps: no pool, a page-less entry, a list shorter than nents", () => {
    const sg = listOf(arena, [[HIGH, 0x1000]]);
    expect(mapSg(ctx, makeDevice({ dmaMask: 0xffffffff }), sg, 1, DIR.toDevice, 0)).toBe(
      -MAP_FAILURES.maskOverflow.code,
    );
    expect(mapSg(ctx, makeDevice({ forceBounce: true }), sg, 1, DIR.toDevice, 0)).toBe(-MAP_FAILURES.poolFull.code);
    sgSetPfn(arena, sg, HIGH / 4096, 0x1000, 0);
    expect(mapSg(ctx, narrow, sg, 1, DIR.toDevice, 0)).toBe(-MAP_FAILURES.noPage.code);
    expect(mapSg(ctx, makeDevice(), sg, 1, DIR.toDevice, 0)).toBe(1);
    expect(mapSg(ctx, makeDevice(), sg, 2, DIR.toDevice, 0)).toBe(-MAP_FAILURES.invalid.code);
    expect(mapSg(ctx, makeDevice(), sg, 0, DIR.toDevice, 0)).toBe(-MAP_FAILURES.invalid.code);
    expect(mapSg(ctx, makeDevice(), sg, 1, DIR.none, 0)).toBe(-MAP_FAILURES.invalid.code);
  });
});

describe("dma-direct single ranges", () => {
  it("bounces out of reach or by force, and reaches exactly to the mask", () => {
    expect(mapPhys(ctx, narrow, 0xfffff000, 0x1000, DIR.fromDevice, 0)).toBe(0xfffff000);
    const slot = mapPhys(ctx, narrow, 0xfffff000, 0x1001, DIR.fromDevice, 0);
    expect(slot).toBeGreaterThanOrEqual(pool.start);
    unmapPhys(ctx, narrow, slot, 0x1001, DIR.fromDevice, 0);
    const forced = makeDevice({ pool, forceBounce: true });
    const bounced = mapPhys(ctx, forced, 0x10000, 0x1000, DIR.toDevice, 0);
    fillPhys(arena, 0x10000, 0x77, 0x1000);
    syncSingleForDevice(ctx, forced, bounced, 0x1000, DIR.toDevice);
    expect(findOtherPhys(arena, bounced, 0x77, 0x1000)).toBe(-1);
    unmapPhys(ctx, forced, bounced, 0x1000, DIR.toDevice, 0);
    expect(slotsUsed(arena, pool)).toBe(0);
  });

  it("gives a slot back that the device cannot reach either", () => {
    const device = makeDevice({ dmaMask: 0xffffff, pool });
    expect(mapPhys(ctx, device, HIGH, 0x1000, DIR.toDevice, 0)).toBe(-MAP_FAILURES.maskOverflow.code);
    expect(slotsUsed(arena, pool)).toBe(0);
  });

  it("never bounces MMIO", () => {
    expect(mapPhys(ctx, narrow, 0x383000000000, 0x1000, DIR.toDevice, ATTR.mmio)).toBe(-MAP_FAILURES.maskOverflow.code);
    expect(mapPhys(ctx, makeDevice({ pool, forceBounce: true }), 0x383000000000, 0x1000, DIR.toDevice, ATTR.mmio)).toBe(
      0x383000000000,
    );
  });

  it("counts cache lines of a device that does not snoop", () => {
    const device = makeDevice({ coherent: false });
    const lines = (run: () => void) => {
      ctx.cost.reset();
      run();
      return ctx.cost.linesFlushed;
    };
    expect(lines(() => mapPhys(ctx, device, 0x10020, 0x1000, DIR.toDevice, 0))).toBe(65);
    expect(lines(() => unmapPhys(ctx, device, 0x10020, 0x1000, DIR.toDevice, 0))).toBe(0);
    expect(lines(() => unmapPhys(ctx, device, 0x10020, 0x1000, DIR.fromDevice, 0))).toBe(65);
    expect(lines(() => mapPhys(ctx, device, 0x10020, 0x1000, DIR.toDevice, ATTR.skipCpuSync))).toBe(0);
    const sg = listOf(arena, [[0x10000, 64]], false);
    expect(lines(() => mapSg(ctx, device, sg, 1, DIR.toDevice, 0))).toBe(0);
  });
});

describe("dma-direct peers", () => {
  const BAR = 0x383000000000;
  const bar = { start: BAR, bytes: 0x100000, busOffset: -0x380000000000 };
  const list = () =>
    listOf(arena, [
      [0x10000, 0x1000],
      [BAR + 0x2000, 0x2000],
    ]);

  it("uses bus addresses below one switch, and clears the mark at unmap", () => {
    const peerCtx = makeContext({ arena, peers: peersOf([{ ...bar, route: PEER_ROUTE.busAddr }]) });
    const sg = list();
    expect(mapSg(peerCtx, narrow, sg, 2, DIR.toDevice, 0)).toBe(2);
    expect(dmaEntries(arena, sg, 2)[1]).toEqual({ dma: 0x3000002000, len: 0x2000 });
    expect(sgIsBusAddress(arena, sgNext(arena, sg))).toBe(true);
    expect(peerCtx.cost.path).toBe(PATH.p2p);
    unmapSg(peerCtx, narrow, sg, 2, DIR.toDevice, 0);
    expect(sgIsBusAddress(arena, sgNext(arena, sg))).toBe(false);
    expect(busAddressFor(peerCtx, narrow, BAR + 1)).toBe(0x3000000001);
    expect(busAddressFor(peerCtx, narrow, 0x1000)).toBe(0);
  });

  it("uses CPU addresses through the host bridge, never a bounce slot", () => {
    const peerCtx = makeContext({ arena, peers: peersOf([{ ...bar, route: PEER_ROUTE.throughHostBridge }]) });
    const sg = list();
    expect(mapSg(peerCtx, makeDevice(), sg, 2, DIR.toDevice, 0)).toBe(2);
    expect(dmaEntries(arena, sg, 2)[1]?.dma).toBe(BAR + 0x2000);
    expect(mapSg(peerCtx, narrow, sg, 2, DIR.toDevice, 0)).toBe(-MAP_FAILURES.maskOverflow.code);
  });

  it("refuses unsupported routes with -EREMOTEIO; 4.1 knows no peers", () => {
    const peers = peersOf([{ ...bar, route: PEER_ROUTE.notSupported }]);
    const sg = list();
    expect(mapSg(makeContext({ arena, peers }), makeDevice(), sg, 2, DIR.toDevice, 0)).toBe(
      -MAP_FAILURES.peerUnsupported.code,
    );
    expect(mapSg(makeContext({ arena, peers, era: "4.1" }), makeDevice(), sg, 2, DIR.toDevice, 0)).toBe(2);
  });
});
