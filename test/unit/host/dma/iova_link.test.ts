import { describe, expect, it } from "vitest";
import { PATH } from "#dmasim/base/cost.js";
import { ATTR, DIR } from "#dmasim/host/dma/device.js";
import {
  dmaIovaDestroy,
  dmaIovaFree,
  dmaIovaLink,
  dmaIovaSync,
  dmaIovaTryAlloc,
  dmaIovaUnlink,
  dmaUseIova,
} from "#dmasim/host/dma/iova_link.js";
import { DmaIovaState } from "#dmasim/host/dma/iova_link_range.js";
import { drainFlushQueues } from "#dmasim/host/iommu/flush_queue.js";
import { countIovas } from "#dmasim/host/iommu/iova.js";
import { flushCpuRcaches } from "#dmasim/host/iommu/magazine.js";
import { failureOf } from "#dmasim/host/status.js";
import { slotsUsed } from "#dmasim/host/swiotlb/pool.js";
import { readByte, writeByte } from "#dmasim/memory/copy.js";
import { HEADER, REGIONS } from "#dmasim/shm/layout.js";
import { setUpDomain, setUpPool, translated } from "../../../support/domain.ts";
import { makeContext, makeDevice } from "../../../support/host.ts";

const K4 = 4096;

function setUp(mode: "strict" | "lazy" = "strict", untrusted = false, coherent = true) {
  const ctx = makeContext();
  const domain = setUpDomain(ctx, { mode });
  const pool = setUpPool(ctx);
  const device = makeDevice({ domain, pool, untrusted, coherent, dmaMask: 0xffffffff, minAlignMask: K4 - 1 });
  return { ctx, domain, pool, device, arena: ctx.arena, state: new DmaIovaState() };
}

function iovasLeft({ ctx, domain }: ReturnType<typeof setUp>): number {
  drainFlushQueues(ctx, domain);
  flushCpuRcaches(ctx, domain);
  return countIovas(ctx.arena, domain);
}

function errno(status: number): number {
  return status < 0 ? (failureOf(-status)?.errno ?? 0) : 0;
}

describe("dma_iova: one IOVA range, ranges linked into it", () => {
  it("keeps the offset of the memory and asks for whole granules", () => {
    const { ctx, device, state } = setUp();
    ctx.cost.path = PATH.direct;
    expect(dmaIovaTryAlloc(ctx, device, state, 0x12345200, 8192)).toBe(true);
    expect(ctx.cost.path).toBe(PATH.iommu);
    expect(state).toMatchObject({ addr: 0xffffc200, bytes: 8192, bounced: false });
    expect(dmaUseIova(state)).toBe(true);
  });

  it("is refused without an IOMMU, for no bytes, and when the space is exhausted", () => {
    const { ctx, device, state } = setUp();
    expect(dmaIovaTryAlloc(ctx, makeDevice(), state, 0x1000, 4096)).toBe(false);
    expect(dmaIovaTryAlloc(ctx, device, state, 0x1000, 0)).toBe(false);
    expect(dmaIovaTryAlloc(ctx, device, state, 0x1000, 2 ** 33)).toBe(false);
    expect(dmaUseIova(state)).toBe(false);
    expect(errno(dmaIovaLink(ctx, makeDevice(), state, 0x1000, 0, K4, DIR.toDevice, 0))).toBe(-95);
    expect(errno(dmaIovaSync(ctx, makeDevice(), state, 0, K4))).toBe(-95);
    dmaIovaDestroy(ctx, makeDevice(), state, K4, DIR.toDevice, 0);
  });

  it("links, unlinks at once and keeps the IOVA until it is freed", () => {
    const set = setUp("lazy");
    const { ctx, device, state, domain, arena } = set;
    dmaIovaTryAlloc(ctx, device, state, 0x100200, 3 * K4);
    expect(dmaIovaLink(ctx, device, state, 0x100200, 0, K4 - 0x200, DIR.toDevice, 0)).toBe(0);
    expect(dmaIovaLink(ctx, device, state, 0x500000, K4 - 0x200, 2 * K4, DIR.toDevice, 0)).toBe(0);
    expect(dmaIovaSync(ctx, device, state, 0, 3 * K4)).toBe(0);
    expect(translated(arena, domain, state.addr)).toBe(0x100200);
    expect(translated(arena, domain, state.addr + K4 - 0x200 + 5)).toBe(0x500005);
    dmaIovaUnlink(ctx, device, state, K4 - 0x200, 2 * K4, DIR.toDevice, 0);
    expect(ctx.invalidations).toEqual([{ unit: 0, domain: 0, iova: state.addr + K4 - 0x200, bytes: 2 * K4 }]);
    expect(translated(arena, domain, state.addr + K4 - 0x200)).toBe(-1);
    expect(translated(arena, domain, state.addr)).toBe(0x100200);
    dmaIovaUnlink(ctx, device, state, 0, K4 - 0x200, DIR.toDevice, 0);
    expect(countIovas(arena, domain)).toBe(1);
    dmaIovaFree(ctx, device, state);
    expect(dmaUseIova(state)).toBe(false);
    expect(iovasLeft(set)).toBe(0);
  });

  it("destroys with one flush in strict mode and through the queue in lazy mode", () => {
    for (const mode of ["strict", "lazy"] as const) {
      const set = setUp(mode);
      const { ctx, device, state } = set;
      dmaIovaTryAlloc(ctx, device, state, 0, 4 * K4);
      dmaIovaLink(ctx, device, state, 0x100000, 0, 4 * K4, DIR.fromDevice, 0);
      dmaIovaDestroy(ctx, device, state, 4 * K4, DIR.fromDevice, 0);
      expect(ctx.invalidations.length).toBe(mode === "strict" ? 1 : 0);
      expect(iovasLeft(set)).toBe(0);
    }
  });

  it("frees the whole range when nothing, or only a part, was linked", () => {
    const set = setUp();
    const { ctx, device, state } = set;
    dmaIovaTryAlloc(ctx, device, state, 0, 40 * K4);
    dmaIovaDestroy(ctx, device, state, 0, DIR.toDevice, 0);
    expect(ctx.invalidations).toEqual([]);
    dmaIovaTryAlloc(ctx, device, state, 0, 40 * K4);
    dmaIovaLink(ctx, device, state, 0x100000, 0, K4, DIR.toDevice, 0);
    dmaIovaDestroy(ctx, device, state, K4, DIR.toDevice, 0);
    expect(iovasLeft(set)).toBe(0);
  });

  it("refuses a later range that starts inside a granule", () => {
    const { ctx, device, state } = setUp();
    dmaIovaTryAlloc(ctx, device, state, 0x12345200, 8192);
    expect(errno(dmaIovaLink(ctx, device, state, 0x12345200, 4096, 4096, DIR.toDevice, 0))).toBe(-5);
  });

  it("refuses what must stay coherent on a device that is not", () => {
    const { ctx, device, state } = setUp("strict", false, false);
    dmaIovaTryAlloc(ctx, device, state, 0, K4);
    expect(errno(dmaIovaLink(ctx, device, state, 0, 0, K4, DIR.toDevice, ATTR.requireCoherent))).toBe(-95);
  });

  it("counts cache lines of a device that does not snoop", () => {
    const { ctx, device, state } = setUp("strict", false, false);
    dmaIovaTryAlloc(ctx, device, state, 0, 2 * K4);
    dmaIovaLink(ctx, device, state, 0x100000, 0, 2 * K4, DIR.fromDevice, 0);
    dmaIovaDestroy(ctx, device, state, 2 * K4, DIR.fromDevice, 0);
    expect(ctx.cost.linesFlushed).toBe(4 * 64);
  });

  it("undoes a link that ran out of tables", () => {
    const set = setUp();
    const { ctx, device, state, domain, arena } = set;
    dmaIovaTryAlloc(ctx, device, state, 0, 1024 * K4);
    arena.i32[REGIONS.header.word + HEADER.frameNext] = REGIONS.frames.count - 4;
    expect(errno(dmaIovaLink(ctx, device, state, 0x101000, 0, 1024 * K4, DIR.toDevice, 0))).toBe(-12);
    expect(translated(arena, domain, state.addr)).toBe(-1);
    expect(ctx.invalidations.length).toBe(1);
    dmaIovaFree(ctx, device, state);
    expect(iovasLeft(set)).toBe(0);
  });
});

describe("dma_iova on an external port", () => {
  it("bounces head and tail, maps the middle in place", () => {
    const set = setUp("strict", true);
    const { ctx, device, state, domain, pool, arena } = set;
    const phys = 0x800e00;
    const bytes = 0x200 + 2 * K4 + 0x100;
    for (const at of [0, 0x200 + 5, bytes - 1]) writeByte(arena, phys + at, 0x5a);
    dmaIovaTryAlloc(ctx, device, state, phys, bytes);
    expect(dmaIovaLink(ctx, device, state, phys, 0, bytes, DIR.bidirectional, 0)).toBe(0);
    expect(state.bounced).toBe(true);
    const head = translated(arena, domain, state.addr);
    const tail = translated(arena, domain, state.addr + bytes - 1);
    expect(translated(arena, domain, state.addr + 0x200)).toBe(phys + 0x200);
    for (const slot of [head, tail]) expect(slot >= pool.start && slot < pool.start + pool.nslabs * 2048).toBe(true);
    expect([readByte(arena, head), readByte(arena, tail), readByte(arena, tail + 1)]).toEqual([0x5a, 0x5a, 0]);
    writeByte(arena, head + 1, 0x77);
    dmaIovaDestroy(ctx, device, state, bytes, DIR.bidirectional, 0);
    expect(readByte(arena, phys + 1)).toBe(0x77);
    expect(slotsUsed(arena, pool)).toBe(0);
    expect(iovasLeft(set)).toBe(0);
  });

  it("does not bounce what fills granules, and refuses attributes that forbid a bounce", () => {
    const { ctx, device, state, pool, arena } = setUp("strict", true);
    dmaIovaTryAlloc(ctx, device, state, 0, 4 * K4);
    expect(dmaIovaLink(ctx, device, state, 0x800000, 0, K4, DIR.toDevice, 0)).toBe(0);
    expect([state.bounced, slotsUsed(arena, pool)]).toEqual([false, 0]);
    for (const attrs of [ATTR.mmio, ATTR.requireCoherent]) {
      expect(errno(dmaIovaLink(ctx, device, state, 0x900000, K4, 100, DIR.toDevice, attrs))).toBe(-1);
    }
    expect(dmaIovaLink(ctx, device, state, 0x900000, K4, 100, DIR.toDevice, 0)).toBe(0);
    expect(errno(dmaIovaLink(ctx, device, state, 0xa00000, 2 * K4, K4, DIR.toDevice, ATTR.requireCoherent))).toBe(-95);
  });

  it("gives slots back when a later part fails", () => {
    const { ctx, device, state, pool, arena, domain } = setUp("strict", true);
    dmaIovaTryAlloc(ctx, device, state, 0x800e00, 1024 * K4);
    arena.i32[REGIONS.header.word + HEADER.frameNext] = REGIONS.frames.count - 4;
    const bytes = 1024 * K4 - 0x100;
    expect(errno(dmaIovaLink(ctx, device, state, 0x800e00, 0, bytes, DIR.fromDevice, 0))).toBe(-12);
    expect(slotsUsed(arena, pool)).toBe(0);
    expect(translated(arena, domain, state.addr)).toBe(-1);
  });
});
