import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { PATH } from "#dmasim/base/cost.js";
import { framesUsed } from "#dmasim/pagetable/frames.js";
import { Arena } from "#dmasim/shm/arena.js";
import { makeHostContext } from "#dmasim/sim/host_ports.js";
import { findLeaks } from "#dmasim/sim/leaks.js";
import type { Machine } from "#dmasim/sim/machine/description.js";
import { initSystem, System } from "#dmasim/sim/system.js";
import { immediateCopyPort } from "../support/host.ts";
import { machineOf } from "../support/run.ts";

const THREADS = 2;
const LOW_PAGES = 2 ** 20;
const MAIN_OWNER = 63;

interface Counts {
  readonly maps: number;
  readonly unmaps: number;
  readonly syncs: number;
  /** Refusals that no retry helps. */
  readonly refused: number;
  /** Refusals that a later try may not meet. */
  readonly retried: number;
  /** Lists that the device walked. */
  readonly walked: number;
  readonly paths: readonly number[];
}

/** A device and the memory that it is mapped to. */
interface Target {
  readonly device: number;
  readonly start: number;
  readonly hasPages: boolean;
}

interface StressOptions {
  /** Operations of each thread. */
  readonly ops: number;
  /** Mappings that each thread holds at most. */
  readonly liveMax: number;
  /** Maps in twenty operations; two are syncs, the rest unmaps. */
  readonly mapShare: number;
  readonly seed: number;
  readonly targets: readonly Target[];
}

interface Stress {
  readonly system: System;
  readonly arena: Arena;
  readonly books: { readonly domains: readonly Int32Array[]; readonly slots: Int32Array };
}

function bitmap(bits: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(Math.ceil(bits / 32) * 4));
}

function prepare(machine: Machine): Stress {
  const system = new System(machine);
  const arena = Arena.create();
  initSystem(arena, system);
  const domains = system.devices.map(() => bitmap(LOW_PAGES));
  return { system, arena, books: { domains, slots: bitmap(system.pool?.nslabs ?? 1) } };
}

function target(system: System, device: string, region: string): Target {
  const index = system.machine.devices.findIndex((each) => each.name === device);
  const memory = system.map.regions.find((each) => each.name === region);
  if (index < 0 || memory === undefined) throw new Error(`no ${device} or ${region}`);
  const start = memory.bytes > 2 ** 31 ? memory.start + 2 ** 30 : memory.start;
  return { device: index, start, hasPages: memory.memmap !== "none" };
}

/** Runs `ops` operations on every thread at the same time and adds their counts up; fails with the first failure. */
async function stress({ system, arena, books }: Stress, options: StressOptions): Promise<Counts> {
  const entry = new URL("./fixtures/map_stress.mjs", import.meta.url);
  const reports = await Promise.all(
    Array.from({ length: THREADS }, (_, thread) => {
      const workerData = { handle: arena.handle, machine: system.machine, thread, books, ...options };
      return new Promise<{ counts: Counts; failure: string | null }>((resolve, reject) => {
        const worker = new Worker(entry, { workerData });
        worker.once("message", resolve);
        worker.once("error", reject);
        worker.once("exit", (code) => reject(new Error(`thread ${thread} left with code ${code}`)));
      });
    }),
  );
  for (const { failure } of reports) if (failure !== null) expect.fail(failure);
  const sum = (pick: (counts: Counts) => number): number =>
    reports.reduce((total, { counts }) => total + pick(counts), 0);
  return {
    maps: sum((counts) => counts.maps),
    unmaps: sum((counts) => counts.unmaps),
    syncs: sum((counts) => counts.syncs),
    refused: sum((counts) => counts.refused),
    retried: sum((counts) => counts.retried),
    walked: sum((counts) => counts.walked),
    paths: (reports[0]?.counts.paths ?? []).map((_, path) => sum((counts) => counts.paths[path] as number)),
  };
}

/** Nothing is mapped, allocated or pinned, and the books are empty. */
function expectAllBack({ system, arena, books }: Stress): void {
  const ctx = makeHostContext(arena, system, MAIN_OWNER, immediateCopyPort(arena));
  expect(findLeaks(ctx, system)).toEqual([]);
  for (const book of [...books.domains, books.slots]) expect(book.every((word) => word === 0)).toBe(true);
}

describe("two threads map and unmap on one arena", () => {
  it("10^6 operations over all paths: nothing overlaps, the device sees what was mapped, everything comes back", async () => {
    const machine = machineOf("intel-vtd-2s", {
      "devices.nic0.untrusted": true,
      "cpus.sockets": 1,
      "cpus.cores_per_socket": 4,
    });
    const bench = prepare(machine);
    const { system, arena } = bench;
    const targets = [
      target(system, "nvme0", "ram2"),
      target(system, "nvme0", "pmem0"),
      target(system, "nvme1", "ram2"),
      target(system, "nvme2", "ram1"),
      target(system, "nvme2", "bar:nvme3"),
      target(system, "ioat0", "pmem1"),
      target(system, "nic0", "ram1"),
      target(system, "capture0", "ram1"),
    ];
    const options = { liveMax: 48, mapShare: 10, targets };
    const first = await stress(bench, { ...options, ops: 250_000, seed: 1 });
    expectAllBack(bench);
    const frames = framesUsed(arena);
    const second = await stress(bench, { ...options, ops: 250_000, seed: 2 });
    expectAllBack(bench);
    // Page-table pages stay for the next mapping of their range; the same load must not need more and more of them.
    expect(framesUsed(arena)).toBeLessThan(frames * 1.1 + 16);
    for (const counts of [first, second]) {
      expect(counts.maps).toBe(counts.unmaps);
      expect(counts.maps + counts.unmaps + counts.syncs).toBeGreaterThan(450_000);
      expect(counts.walked).toBeGreaterThan(5000);
      for (const path of [PATH.direct, PATH.iommu, PATH.bounce, PATH.p2p])
        expect(counts.paths[path]).toBeGreaterThan(5000);
    }
  }, 180_000);

  it("a flush queue that both threads share", async () => {
    const machine = machineOf("intel-vtd-2s", {
      "iommu.mode": "lazy",
      "iommu.shadow_on_flush": true,
      "iommu.fq_size": 1024,
      "cpus.sockets": 1,
      "cpus.cores_per_socket": 2,
    });
    const bench = prepare(machine);
    const targets = [target(bench.system, "nvme1", "ram2"), target(bench.system, "nvme1", "pmem0")];
    const counts = await stress(bench, { ops: 60_000, liveMax: 48, mapShare: 10, seed: 4, targets });
    expectAllBack(bench);
    expect(counts.maps).toBe(counts.unmaps);
    expect(counts.walked).toBeGreaterThan(1000);
  }, 180_000);

  it("a bounce pool that is full half of the time: refusals say that a retry may help, and none loses a slot", async () => {
    const machine = machineOf("intel-vtd-2s", {
      "swiotlb.size": "1MiB",
      "swiotlb.areas": 2,
      "cpus.sockets": 1,
      "cpus.cores_per_socket": 2,
    });
    const bench = prepare(machine);
    const targets = [target(bench.system, "capture0", "ram1")];
    const counts = await stress(bench, { ops: 200_000, liveMax: 64, mapShare: 12, seed: 3, targets });
    expectAllBack(bench);
    expect(counts.maps).toBe(counts.unmaps);
    const full = counts.retried / (counts.retried + counts.maps);
    expect(full).toBeGreaterThan(0.2);
    expect(full).toBeLessThan(0.8);
    expect(counts.paths[PATH.bounce]).toBe(counts.maps);
  }, 120_000);
});
