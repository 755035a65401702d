import { describe, expect, it } from "vitest";
import type { Era } from "#dmasim/base/era.js";
import {
  drainFlushQueues,
  entriesWaiting,
  FQ_TIMEOUT_NS,
  flushDue,
  queueIova,
  queueWord,
} from "#dmasim/host/iommu/flush_queue.js";
import { countIovas, initDomainIova } from "#dmasim/host/iommu/iova.js";
import { allocIovaFast, flushCpuRcaches } from "#dmasim/host/iommu/magazine.js";
import { domainWord } from "#dmasim/shm/domain_record.js";
import { DOMAIN } from "#dmasim/shm/layout.js";
import { makeContext, makeDomain } from "../../../support/host.ts";

const shared = makeContext();
const LIMIT_32 = 0xfffff;
let domainsUsed = 0;

function fresh(cpus = 1, era: Era = "6.12") {
  const domain = makeDomain({ index: domainsUsed, cpus, mode: "lazy", unit: 3 });
  domainsUsed += 1;
  initDomainIova(shared.arena, domain, 1);
  shared.cost.reset();
  shared.invalidations.length = 0;
  return { ctx: { ...shared, era }, domain };
}

type Setup = ReturnType<typeof fresh>;

function queueMany({ ctx, domain }: Setup, count: number): void {
  for (let i = 0; i < count; i += 1) queueIova(ctx, domain, allocIovaFast(ctx, domain, 1, LIMIT_32, true), 1);
}

function waiting({ ctx, domain }: Setup, cpu = 0): number {
  return entriesWaiting(ctx.arena.i32, queueWord(domain.index, cpu));
}

describe("the flush queue", () => {
  it("holds 255 entries and flushes the domain for the 256th", () => {
    const setup = fresh();
    queueMany(setup, 255);
    expect(waiting(setup)).toBe(255);
    expect(setup.ctx.invalidations).toEqual([]);
    queueMany(setup, 1);
    expect(setup.ctx.invalidations).toEqual([{ unit: 3, domain: setup.domain.index, iova: 0, bytes: 0 }]);
    expect(setup.ctx.cost.domainFlushes).toBe(1);
    expect(waiting(setup)).toBe(1);
  });

  it("does not give a range out again before a flush", () => {
    const setup = fresh();
    const { ctx, domain } = setup;
    const first = allocIovaFast(ctx, domain, 1, LIMIT_32, true);
    queueIova(ctx, domain, first, 1);
    expect(allocIovaFast(ctx, domain, 1, LIMIT_32, true)).toBe(first - 1);
    drainFlushQueues(ctx, domain);
    expect(allocIovaFast(ctx, domain, 1, LIMIT_32, true)).toBe(first);
  });

  it("flushes 10 ms after the first entry, for all CPUs, into the caches of the CPU that runs the timer", () => {
    const setup = fresh(2);
    const { ctx, domain } = setup;
    const other = { ...ctx, cpu: 1, nowNs: 5e6 };
    const first = allocIovaFast(ctx, domain, 1, LIMIT_32, true);
    const second = allocIovaFast(other, domain, 1, LIMIT_32, true);
    queueIova(ctx, domain, first, 1);
    queueIova(other, domain, second, 1);
    expect(flushDue({ ...ctx, nowNs: FQ_TIMEOUT_NS - 1 }, domain)).toBe(false);
    const timer = { ...ctx, nowNs: FQ_TIMEOUT_NS };
    expect(flushDue(timer, domain)).toBe(true);
    expect(flushDue(timer, domain)).toBe(false);
    expect([waiting(setup, 0), waiting(setup, 1)]).toEqual([0, 0]);
    expect(allocIovaFast(ctx, domain, 1, LIMIT_32, true)).toBe(second);
    expect(allocIovaFast(ctx, domain, 1, LIMIT_32, true)).toBe(first);
  });

  it("arms the timer again with the next entry", () => {
    const setup = fresh();
    const { ctx, domain } = setup;
    queueMany(setup, 1);
    expect(flushDue({ ...ctx, nowNs: FQ_TIMEOUT_NS }, domain)).toBe(true);
    queueMany({ ...setup, ctx: { ...ctx, nowNs: 50e6 } }, 1);
    expect(flushDue({ ...ctx, nowNs: 50e6 + FQ_TIMEOUT_NS - 1 }, domain)).toBe(false);
    expect(flushDue({ ...ctx, nowNs: 50e6 + FQ_TIMEOUT_NS }, domain)).toBe(true);
  });

  it("keeps entries that were queued after the flush began", () => {
    const setup = fresh(2);
    const { ctx, domain } = setup;
    queueMany(setup, 1);
    const late = allocIovaFast(ctx, domain, 1, LIMIT_32, true);
    const invalidation = {
      ...ctx.invalidation,
      invalidateDomain: () => queueIova({ ...ctx, cpu: 1 }, domain, late, 1),
    };
    drainFlushQueues({ ...ctx, invalidation }, domain);
    expect([waiting(setup, 0), waiting(setup, 1)]).toEqual([0, 1]);
    drainFlushQueues(ctx, domain);
    expect(waiting(setup, 1)).toBe(0);
  });

  it("frees what another CPU's flush covered when the next entry comes", () => {
    const setup = fresh(2);
    const { ctx, domain } = setup;
    queueMany(setup, 10);
    queueMany({ ctx: { ...ctx, cpu: 1 }, domain }, 256);
    expect([waiting(setup, 0), waiting(setup, 1)]).toEqual([10, 1]);
    queueMany(setup, 1);
    expect(waiting(setup, 0)).toBe(1);
  });

  it("compares counters by difference, so that they may wrap", () => {
    const setup = fresh();
    const base = domainWord(setup.domain.index);
    setup.ctx.arena.u32[base + DOMAIN.flushStart] = 0xffffffff;
    setup.ctx.arena.u32[base + DOMAIN.flushFinish] = 0xffffffff;
    queueMany(setup, 300);
    expect(waiting(setup)).toBe(45);
    drainFlushQueues(setup.ctx, setup.domain);
    expect(waiting(setup)).toBe(0);
  });

  it("leaves nothing behind after draining, and drains without a flush when empty", () => {
    const setup = fresh(2);
    const { ctx, domain } = setup;
    queueMany(setup, 700);
    drainFlushQueues(ctx, domain);
    flushCpuRcaches(ctx, domain);
    expect(countIovas(ctx.arena, domain)).toBe(0);
    ctx.cost.reset();
    drainFlushQueues(ctx, domain);
    expect(ctx.cost.domainFlushes).toBe(0);
    expect(flushDue({ ...ctx, nowNs: 1e9 }, domain)).toBe(false);
  });

  it("is one list of 250 entries in era 4.1", () => {
    const setup = fresh(2, "4.1");
    const { ctx, domain } = setup;
    queueMany(setup, 200);
    queueMany({ ctx: { ...ctx, cpu: 1 }, domain }, 50);
    expect([waiting(setup, 0), waiting(setup, 1), ctx.cost.domainFlushes]).toEqual([250, 0, 0]);
    queueMany({ ctx: { ...ctx, cpu: 1, nowNs: 8e6 }, domain }, 1);
    expect([waiting(setup, 0), ctx.cost.domainFlushes]).toEqual([1, 1]);
    expect(flushDue({ ...ctx, nowNs: FQ_TIMEOUT_NS }, domain)).toBe(false);
    expect(flushDue({ ...ctx, nowNs: 8e6 + FQ_TIMEOUT_NS }, domain)).toBe(true);
  });
});
