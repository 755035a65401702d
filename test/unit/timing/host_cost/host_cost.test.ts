import { describe, expect, it } from "vitest";
import { COST_LOCK, CostRecord } from "#dmasim/base/cost.js";
import { Constants } from "#dmasim/timing/calibration/constant.js";
import { HOST_COST_CONSTANTS } from "#dmasim/timing/calibration/host_cost.js";
import { Charger } from "#dmasim/timing/charge.js";
import { CommandQueue } from "#dmasim/timing/host_cost/command_queue.js";
import { crossNodeShare, type HostSystem, hostPrices } from "#dmasim/timing/host_cost/prices.js";
import { SharedLock } from "#dmasim/timing/host_cost/shared_lock.js";

const SMMU: HostSystem = {
  arch: "arm64",
  uarch: "kunpeng",
  iommuKind: "smmuv3",
  nested: false,
  live: false,
  coresPerNode: 0,
};

function pricesOf(change: Partial<HostSystem> = {}, replaced: Record<string, number> = {}) {
  return hostPrices({ ...SMMU, ...change }, new Constants(HOST_COST_CONSTANTS, replaced));
}

describe("host prices", () => {
  it("come from the constants, replaced ones first", () => {
    expect(pricesOf({}, { "host.walkNs": 77 }).walkPs).toBe(77_000);
  });

  it("give AMD's queue those of its nearest relative, and a hypervisor's none", () => {
    expect(pricesOf({ iommuKind: "amdvi" }).queue).toEqual(pricesOf({ iommuKind: "vtd" }).queue);
    expect(pricesOf({ iommuKind: "virtio" }).queue.syncPs).toBe(0);
  });

  it("trap a guest's synchronisation and its map", () => {
    const { queue, mapTrapPs } = pricesOf({ iommuKind: "vtd", nested: true });
    expect(queue.trapPs).toBe(mapTrapPs);
    expect(queue.trapPs).toBeGreaterThan(0);
  });

  it("share hand-overs between dies by how many CPUs each has", () => {
    expect(crossNodeShare(16, 24)).toBe(0);
    expect(crossNodeShare(48, 24)).toBeCloseTo(0.5);
    expect(crossNodeShare(96, 24)).toBeCloseTo(0.75);
    expect(crossNodeShare(0, 24)).toBe(0);
  });
});

describe("a shared lock", () => {
  it("costs its only user nothing but the hold", () => {
    const lock = new SharedLock("l", "lock", 100, 1000);
    expect(lock.serve(0, 50, 10, 3)).toBe(50);
    expect(lock.serve(200, 50, 10, 3)).toBe(250);
  });

  it("moves lines between its users, and more while they wait", () => {
    const lock = new SharedLock("l", "lock", 100, 1000);
    lock.serve(0, 50, 1, 0);
    expect(lock.serve(1000, 50, 1, 1)).toBe(1100);
    expect(lock.serve(1000, 50, 1, 0)).toBe(1100 + 50 + 50 + 500);
    expect(lock.waitPs).toBe(100);
  });

  it("keeps its queue when the epoch moves", () => {
    const lock = new SharedLock("l", "lock", 0, 0);
    lock.serve(1000, 500, 0, 0);
    lock.rebase(1000);
    expect(lock.serve(0, 10, 0, 0)).toBe(510);
  });
});

describe("a command queue", () => {
  it("costs one CPU its commands, the publishing and one round trip", () => {
    const prices = pricesOf();
    const { commandPs, issuePs, syncPs } = prices.queue;
    const queue = new CommandQueue("q", prices);
    expect(queue.submit(0, 4)).toBe(4 * commandPs + issuePs + syncPs);
    expect(queue.syncPs).toBe(syncPs);
  });

  it("serves CPUs one after the other, dearer the more dies they lie on", () => {
    const prices = pricesOf();
    const perCpu = (cpus: number): number => {
      const queue = new CommandQueue("q", prices);
      let last = 0;
      for (let i = 0; i < 4 * cpus; i += 1) last = queue.submit(0, 1);
      return last / (4 * cpus);
    };
    expect(perCpu(24)).toBeGreaterThan(perCpu(4));
    expect(perCpu(6)).toBeLessThanOrEqual(perCpu(8));
  });

  it("waits for what the traffic in flight adds", () => {
    const queue = new CommandQueue("q", pricesOf({ live: true }));
    queue.submit(0, 1);
    expect(queue.syncPs).toBeGreaterThan(pricesOf().queue.syncPs);
  });
});

describe("the charger", () => {
  it("takes a synchronisation for each page where software does that", () => {
    const cost = new CostRecord();
    cost.ptesCleared = 8;
    cost.invalidations = 1;
    cost.addLock(COST_LOCK.invalidationQueue, 0, 1);
    const range = pricesOf();
    const rangePs = new Charger(range).charge(0, cost, 0);
    const perPagePs = new Charger({ ...range, walkPerPage: true, syncPerPage: true }).charge(0, cost, 0);
    const { issuePs, syncPs } = range.queue;
    expect(perPagePs - rangePs).toBe(7 * (issuePs + syncPs) + 7 * range.walkPs);
  });

  it("gives each of several command queues its CPUs", () => {
    const prices = pricesOf();
    const charger = new Charger({ ...prices, queue: { ...prices.queue, queues: 2 } });
    expect(charger.queue(0, 0)).toBe(charger.queue(0, 2));
    expect(charger.queue(0, 0)).not.toBe(charger.queue(0, 1));
  });
});
