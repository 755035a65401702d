import { describe, expect, it } from "vitest";
import type { Era } from "#dmasim/base/era.js";
import type { FlushQueueOptions } from "#dmasim/host/dma/device.js";
import {
  drainFlushQueues,
  entriesWaiting,
  FQ_SHARED,
  FQ_SHARED_TIMEOUT_NS,
  FQ_TIMEOUT_NS,
  flushDue,
  queueIova,
  queueWord,
} from "#dmasim/host/iommu/flush_queue.js";
import { countIovas, initDomainIova } from "#dmasim/host/iommu/iova.js";
import { allocIovaFast, flushCpuRcaches } from "#dmasim/host/iommu/magazine.js";
import { CPUS_MAX } from "#dmasim/shm/capacities.js";
import { domainWord } from "#dmasim/shm/domain_record.js";
import { DOMAIN, REGIONS } from "#dmasim/shm/layout.js";
import { makeContext, makeDomain } from "../../../support/host.ts";

const shared = makeContext();
const LIMIT_32 = 0xfffff;
let domainsUsed = 0;

function fresh(cpus = 1, era: Era = "6.12", flushQueue?: FlushQueueOptions) {
  const options = flushQueue === undefined ? {} : { flushQueue };
  const domain = makeDomain({ index: domainsUsed, cpus, mode: "lazy", unit: 3, ...options });
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

/** Unmaps on `cpus` CPUs in turn, one range each. */
function queueInTurn({ ctx, domain }: Setup, count: number, cpus: number): void {
  for (let i = 0; i < count; i += 1) queueMany({ ctx: { ...ctx, cpu: i % cpus }, domain }, 1);
}

function waitingShared({ ctx, domain }: Setup): number {
  return entriesWaiting(ctx.arena.i32, queueWord(domain.index, 0), domain.flushQueue?.entries);
}

/** Flush-queue words of domain `index` that are not zero. */
function wordsUsed(words: Int32Array, index: number): number {
  const from = queueWord(index, 0);
  return words
    .subarray(from, from + CPUS_MAX * REGIONS.flushQueues.stride)
    .reduce((sum, word) => sum + (word ? 1 : 0), 0);
}

describe("the shared flush queue (shadow_on_flush)", () => {
  it("takes 32767 entries of all CPUs and flushes the domain once for the next", () => {
    const setup = fresh(4, "6.12", FQ_SHARED);
    queueInTurn(setup, 32767, 4);
    expect([waitingShared(setup), setup.ctx.invalidations.length]).toEqual([32767, 0]);
    queueInTurn(setup, 1, 4);
    expect(setup.ctx.invalidations).toEqual([{ unit: 3, domain: setup.domain.index, iova: 0, bytes: 0 }]);
    expect(waitingShared(setup)).toBe(1);
  });

  it("touches no word beyond its domain's rings, and none of a domain that has rings a CPU", () => {
    const before = fresh();
    const setup = fresh(2, "6.12", FQ_SHARED);
    const after = fresh();
    queueInTurn(setup, 40000, 2);
    const { i32 } = setup.ctx.arena;
    expect([wordsUsed(i32, before.domain.index), wordsUsed(i32, after.domain.index)]).toEqual([0, 0]);
    expect(wordsUsed(i32, setup.domain.index)).toBeGreaterThan(32768);
    drainFlushQueues(setup.ctx, setup.domain);
    for (const cpu of [0, 1]) flushCpuRcaches({ ...setup.ctx, cpu }, setup.domain);
    expect([waitingShared(setup), countIovas(setup.ctx.arena, setup.domain)]).toEqual([0, 0]);
  });

  it("flushes one second after the first entry, into the caches of the CPU that runs the timer", () => {
    const setup = fresh(2, "6.12", FQ_SHARED);
    const { ctx, domain } = setup;
    const other = { ...ctx, cpu: 1, nowNs: 5e6 };
    const first = allocIovaFast(ctx, domain, 1, LIMIT_32, true);
    const second = allocIovaFast(other, domain, 1, LIMIT_32, true);
    queueIova(ctx, domain, first, 1);
    queueIova(other, domain, second, 1);
    expect(waitingShared(setup)).toBe(2);
    expect(flushDue({ ...ctx, nowNs: FQ_SHARED_TIMEOUT_NS - 1 }, domain)).toBe(false);
    expect(flushDue({ ...ctx, cpu: 1, nowNs: FQ_SHARED_TIMEOUT_NS }, domain)).toBe(true);
    expect(waitingShared(setup)).toBe(0);
    expect(allocIovaFast(other, domain, 1, LIMIT_32, true)).toBe(second);
    expect(allocIovaFast(other, domain, 1, LIMIT_32, true)).toBe(first);
  });

  it("keeps what was queued after the flush began", () => {
    const setup = fresh(2, "6.12", FQ_SHARED);
    const { ctx, domain } = setup;
    queueMany(setup, 1);
    const late = allocIovaFast(ctx, domain, 1, LIMIT_32, true);
    const invalidateDomain = () => queueIova({ ...ctx, cpu: 1 }, domain, late, 1);
    drainFlushQueues({ ...ctx, invalidation: { ...ctx.invalidation, invalidateDomain } }, domain);
    expect(waitingShared(setup)).toBe(1);
    drainFlushQueues(ctx, domain);
    expect(waitingShared(setup)).toBe(0);
  });

  it("is one lock: every CPU's cost names the same queue", () => {
    const setup = fresh(2, "6.12", FQ_SHARED);
    const queues = [0, 1].map((cpu) => {
      const iova = allocIovaFast(setup.ctx, setup.domain, 1, LIMIT_32, true);
      setup.ctx.cost.reset();
      queueIova({ ...setup.ctx, cpu }, setup.domain, iova, 1);
      return setup.ctx.cost.lockIndex[0];
    });
    expect(queues[0]).toBe(queues[1]);
  });

  it("has the size and the timeout of its options, shared or a CPU's", () => {
    const shared = fresh(2, "6.12", { shared: true, entries: 1024, timeoutNs: 2e6 });
    queueInTurn(shared, 1023, 2);
    expect([waitingShared(shared), shared.ctx.invalidations.length]).toEqual([1023, 0]);
    expect(flushDue({ ...shared.ctx, nowNs: 2e6 - 1 }, shared.domain)).toBe(false);
    queueInTurn(shared, 1, 2);
    expect([waitingShared(shared), shared.ctx.invalidations.length]).toEqual([1, 1]);
    expect(flushDue({ ...shared.ctx, nowNs: 2e6 }, shared.domain)).toBe(true);
    const own = fresh(2, "6.12", { shared: false, entries: 16, timeoutNs: 10e6 });
    queueInTurn(own, 30, 2);
    expect([waitingShared(own), own.ctx.invalidations.length]).toEqual([15, 0]);
    queueInTurn(own, 1, 2);
    expect(own.ctx.invalidations.length).toBe(1);
  });
});
