import { describe, expect, it } from "vitest";
import { enterWindow, leaveWindows, windowDelta } from "#dmasim/device/window_access.js";
import { PEER_ROUTE } from "#dmasim/host/context.js";
import { sgSetWindow } from "#dmasim/host/dma/scatterlist.js";
import { allocSg } from "#dmasim/host/dma/sg_table.js";
import {
  initWindowSet,
  UNEXPOSABLE,
  type WindowSet,
  windowSetWord,
  windowSlotWord,
} from "#dmasim/host/p2p/window_set.js";
import {
  beginRevoke,
  PeerPage,
  pinPeerPage,
  RESOLVED,
  REVOKE,
  releasePeerPage,
  releaseRam,
  resolvePeerPage,
  revokeDone,
  shownPage,
  unpinPeerPage,
} from "#dmasim/host/p2p/windows.js";
import { DMA_STATUS } from "#dmasim/shm/dma_status.js";
import { WINDOW_SET, WINDOW_SLOT } from "#dmasim/shm/layout.js";
import { makeContext } from "../../../support/host.js";
import { BAR, K64, pfnOfPage, VRAM, windowClient, windowSet } from "../../../support/windows.js";

class Fixture {
  readonly ctx = makeContext();
  readonly set: WindowSet;
  readonly out = new PeerPage();
  constructor(slots: number, pages: number, more: Partial<WindowSet> = {}) {
    this.set = windowSet(slots, pages, more);
    initWindowSet(this.ctx.arena, this.set);
  }
  resolve(page: number, client = windowClient()): PeerPage {
    const out = new PeerPage();
    resolvePeerPage(this.ctx, this.set, pfnOfPage(page), client, out);
    return out;
  }
  /** Resolves and gives the use back. */
  touch(page: number): PeerPage {
    const out = this.resolve(page);
    this.release(out);
    return out;
  }
  release(page: PeerPage): boolean {
    return releasePeerPage(this.ctx, this.set, page.slot, page.generation);
  }
  shown(page: PeerPage): number {
    return shownPage(this.ctx, this.set, page.slot, page.generation);
  }
  counter(field: number): number {
    return this.ctx.arena.i32[windowSetWord(this.set) + field] as number;
  }
  /** A list of one entry through the resolved page. */
  entry(page: PeerPage): number {
    const sg = allocSg(this.ctx.arena, 0, 1);
    sgSetWindow(this.ctx.arena, sg, windowSlotWord(this.set, page.slot), page.generation, K64);
    return sg;
  }
}

describe("resolvePeerPage", () => {
  it("answers with the slot's address and a generation, and again with the same ones", () => {
    const f = new Fixture(4, 16);
    const first = f.resolve(5);
    expect(first).toMatchObject({ kind: RESOLVED.mapped, phys: BAR, reason: UNEXPOSABLE.none });
    expect(f.resolve(5)).toEqual(first);
    expect(f.shown(first)).toBe(5);
    expect([f.counter(WINDOW_SET.hits), f.counter(WINDOW_SET.remaps)]).toEqual([1, 1]);
    expect(f.ctx.cost.windowRemaps).toBe(1);
  });

  it("evicts the least recently used page that nobody uses", () => {
    const f = new Fixture(2, 16);
    const first = f.touch(1);
    f.touch(2);
    f.touch(1);
    f.touch(3);
    expect(f.shown(first)).toBe(1);
    expect(f.counter(WINDOW_SET.evictions)).toBe(1);
    expect(f.touch(1).generation).toBe(first.generation);
    expect(f.counter(WINDOW_SET.remaps)).toBe(3);
  });

  it("evicts no page that is in use or pinned, and says busy when all are", () => {
    const f = new Fixture(2, 16);
    const used = f.resolve(1);
    const pinned = f.resolve(2);
    expect(pinPeerPage(f.ctx, f.set, pinned.slot, pinned.generation)).toBe(true);
    f.release(pinned);
    expect(f.resolve(3)).toMatchObject({ kind: RESOLVED.refused, reason: UNEXPOSABLE.busy });
    f.release(used);
    expect(f.resolve(3).kind).toBe(RESOLVED.mapped);
    expect(f.shown(pinned)).toBe(2);
    expect(unpinPeerPage(f.ctx, f.set, pinned.slot, pinned.generation)).toBe(true);
    expect(unpinPeerPage(f.ctx, f.set, pinned.slot, pinned.generation)).toBe(false);
  });

  it("gives another generation when the slot comes back to the page", () => {
    const f = new Fixture(1, 4);
    const first = f.touch(1);
    f.touch(2);
    const again = f.touch(1);
    expect(again.phys).toBe(first.phys);
    expect(again.generation).not.toBe(first.generation);
    expect(f.shown(first)).toBe(-1);
  });

  it.each([
    ["range", 16, {}, {}, UNEXPOSABLE.range],
    ["range: the device keeps it", 9, { exposableBytes: 9 * K64 }, {}, UNEXPOSABLE.range],
    ["no aperture", 1, { slots: 0 }, {}, UNEXPOSABLE.aperture],
    ["32-bit BAR above 4 GiB", 1, { slotsBar: 0 }, {}, UNEXPOSABLE.bar32],
    ["bridge window", 1, { slotsBridge: 0 }, {}, UNEXPOSABLE.bridgeWindow],
    ["client's address width", 1, {}, { addressLast: 2 ** 36 - 1 }, UNEXPOSABLE.clientWidth],
    ["route", 1, {}, { route: PEER_ROUTE.notSupported }, UNEXPOSABLE.route],
  ])("refuses: %s", (_, page, set, client, reason) => {
    const f = new Fixture(4, 16, set);
    expect(f.resolve(page, windowClient(client))).toMatchObject({ kind: RESOLVED.refused, reason });
    expect(f.counter(WINDOW_SET.refused)).toBe(1);
  });

  it("gives a narrow client only slots that it can drive", () => {
    const f = new Fixture(4, 16);
    const narrow = windowClient({ addressLast: BAR + 2 * K64 - 1 });
    const pages = [0, 1, 2].map((page) => f.resolve(page, narrow));
    expect(pages.map((page) => page.kind)).toEqual([RESOLVED.mapped, RESOLVED.mapped, RESOLVED.refused]);
    expect(
      pages
        .slice(0, 2)
        .map((page) => page.slot)
        .sort(),
    ).toEqual([0, 1]);
    expect(f.resolve(3).slot).toBe(2);
    expect(f.resolve(3, narrow)).toMatchObject({ reason: UNEXPOSABLE.clientWidth });
  });

  it("takes an IOVA client through the host bridge to any slot", () => {
    const f = new Fixture(4, 16);
    const client = windowClient({ route: PEER_ROUTE.throughHostBridge, addressLast: Number.MAX_SAFE_INTEGER });
    expect(f.resolve(1, client).kind).toBe(RESOLVED.mapped);
    // Without an IOMMU the address is the CPU's, and the client has to drive it.
    const narrow = windowClient({ route: PEER_ROUTE.throughHostBridge, addressLast: 2 ** 32 - 1 });
    expect(f.resolve(2, narrow)).toMatchObject({ kind: RESOLVED.refused, reason: UNEXPOSABLE.clientWidth });
  });

  it("migrates to RAM what it cannot show, until RAM runs out", () => {
    const f = new Fixture(4, 16, { migrates: true, slotsBar: 0, ramPages: 2 });
    const one = f.resolve(1);
    const two = f.resolve(2);
    expect(one).toMatchObject({ kind: RESOLVED.migrated, phys: 2 ** 33, reason: UNEXPOSABLE.bar32 });
    expect(two.phys).toBe(2 ** 33 + K64);
    expect(f.resolve(3)).toMatchObject({ kind: RESOLVED.refused, reason: UNEXPOSABLE.noRam });
    releaseRam(f.ctx, f.set, one.slot, 4096);
    expect(f.resolve(3)).toMatchObject({ kind: RESOLVED.migrated, phys: one.phys });
    expect(f.resolve(16)).toMatchObject({ kind: RESOLVED.refused, reason: UNEXPOSABLE.range });
  });
});

describe("revoke", () => {
  it("stops new accesses, waits for those in flight, reads back, and tells the importer", () => {
    const f = new Fixture(2, 16);
    const page = f.resolve(7);
    const sg = f.entry(page);
    const { arena } = f.ctx;
    expect(enterWindow(arena, sg, true)).toBe(DMA_STATUS.ok);
    expect(windowDelta(arena, sg)).toBe(VRAM + 7 * K64 - BAR);
    const slot = beginRevoke(f.ctx, f.set, pfnOfPage(7));
    expect(slot).toBe(page.slot);
    expect(revokeDone(f.ctx, f.set, slot)).toBe(false);
    expect(enterWindow(arena, sg, true)).toBe(DMA_STATUS.staleWindow);
    expect(windowDelta(arena, sg)).toBe(VRAM + 7 * K64 - BAR);
    leaveWindows(arena, sg, 1);
    expect(revokeDone(f.ctx, f.set, slot)).toBe(true);
    expect(f.release(page)).toBe(false);
    expect(
      [WINDOW_SET.revokes, WINDOW_SET.drains, WINDOW_SET.readBacks, WINDOW_SET.told].map((c) => f.counter(c)),
    ).toEqual([1, 1, 1, 1]);
    expect(f.ctx.cost).toMatchObject({ windowRevokes: 1, windowReadBacks: 1 });
  });

  it("does not reuse a slot that drains", () => {
    const f = new Fixture(1, 16);
    const page = f.resolve(7);
    const sg = f.entry(page);
    enterWindow(f.ctx.arena, sg, false);
    beginRevoke(f.ctx, f.set, pfnOfPage(7));
    expect(f.resolve(8)).toMatchObject({ kind: RESOLVED.refused, reason: UNEXPOSABLE.busy });
    leaveWindows(f.ctx.arena, sg, 1);
    const other = f.resolve(8);
    expect(other.kind).toBe(RESOLVED.mapped);
    expect(enterWindow(f.ctx.arena, sg, false)).toBe(DMA_STATUS.staleWindow);
    // The old importer's release is no release of the new page.
    expect(f.release(page)).toBe(false);
    expect(f.ctx.arena.i32[windowSlotWord(f.set, other.slot) + WINDOW_SLOT.users]).toBe(1);
  });

  it("refuses a pinned page, and knows pages that are not shown", () => {
    const f = new Fixture(2, 16);
    const page = f.resolve(7);
    pinPeerPage(f.ctx, f.set, page.slot, page.generation);
    expect(beginRevoke(f.ctx, f.set, pfnOfPage(7))).toBe(REVOKE.pinned);
    expect(beginRevoke(f.ctx, f.set, pfnOfPage(8))).toBe(REVOKE.notShown);
    expect(beginRevoke(f.ctx, f.set, 5)).toBe(REVOKE.notShown);
    expect(f.shown(page)).toBe(7);
  });
});
