import { describe, expect, it } from "vitest";
import { bytesOf, CLOCKS, expectClean, hashOf, jobOf, type RunChanges, runJobs } from "../support/run.ts";

const MIB = 2 ** 20;
const MEMORY = "devices.gpu0.memory";

function load(more = ""): string {
  return `{ name: fill, rw: randread, bs: 16k, iodepth: 16, size: 1GiB, io_size: 8MiB, target: "vram:gpu0", working_set: 4MiB${more} }`;
}

function run(set: RunChanges["set"] = {}, more: RunChanges = {}, job = load()) {
  return runJobs([job], { machine: "desktop-gpu-256m", set, ...more });
}

/** A field of `counters.p2p`. */
function p2p(result: Awaited<ReturnType<typeof run>>, name: string): number {
  return result.counters.p2p?.[name] ?? 0;
}

describe.each(CLOCKS)("private device memory through moving windows, %s clock", (clock) => {
  it.each([
    ["a random read", load()],
    ["a random write", load().replace("randread", "randwrite")],
    ["a sequential mix", load().replace("randread", "rw")],
    ["I/Os over several pages", load().replace("16k", "256k")],
    ["I/Os that share pages", load().replace("16k", "4k")],
    ["mapped once", load(", map: persistent")],
    ["two clones", load(", numjobs: 2")],
  ])("%s arrives whole", async (_, job) => {
    const result = await run({ [`${MEMORY}.window`]: "4MiB" }, { clock }, job);
    expectClean(result);
    expect(jobOf(result).path.p2p).toBe(1);
    expect(p2p(result, "remaps")).toBeGreaterThan(0);
  });

  it("evicts what it does not use when the window is smaller than the working set", async () => {
    const result = await run({ [`${MEMORY}.window`]: "2MiB" }, { clock, workers: 2 });
    expectClean(result);
    expect(bytesOf(jobOf(result))).toBe(8 * MIB);
    expect(p2p(result, "evictions")).toBeGreaterThan(0);
    expect(p2p(result, "slots")).toBe(32);
  });

  it("survives pages that are taken back under load", async () => {
    const set = { [`${MEMORY}.window`]: "2MiB", [`${MEMORY}.revoke_every`]: 3 };
    const result = await run(set, { clock, workers: 2 });
    expectClean(result);
    expect(bytesOf(jobOf(result))).toBe(8 * MIB);
    expect(p2p(result, "revokes")).toBeGreaterThan(10);
    expect(p2p(result, "importers_told")).toBeGreaterThan(0);
    expect(jobOf(result).retries).toBeGreaterThan(0);
  });

  it("migrates to RAM what no window can show", async () => {
    const set = { [`${MEMORY}.migrate`]: true, [`${MEMORY}.exposable`]: "18MiB" };
    for (const rw of ["randread", "randwrite"]) {
      const result = await run(set, { clock }, load().replace("randread", rw));
      expectClean(result);
      expect(p2p(result, "migrated")).toBeGreaterThan(0);
      expect(p2p(result, "hits")).toBeGreaterThan(0);
      expect(jobOf(result).path.iommu).toBeGreaterThan(0);
    }
  });

  it.each([
    ["importer", "refuse", "device private page"],
    ["exposable", "0", "range"],
    ["bar", "null", "MMIO aperture"],
  ])("memory.%s=%s refuses in words", async (key, value, words) => {
    const result = await run({ [`${MEMORY}.${key}`]: value }, { clock });
    expect(jobOf(result).error_text).toContain(words);
    expect(result.integrity.leaks).toEqual([]);
  });

  it("a fictitious address that nothing refuses reaches no memory", async () => {
    const result = await run({ [`${MEMORY}.importer`]: "unchecked" }, { clock });
    expect(jobOf(result).error_text).toContain("bus error");
    expect(jobOf(result).faults).toBeGreaterThan(0);
    expect(bytesOf(jobOf(result))).toBe(0);
  });
});

describe("the window sweep", () => {
  it("has its knee where the working set fits", async () => {
    const rates: number[] = [];
    const hits: number[] = [];
    for (const window of ["1MiB", "2MiB", "4MiB", "8MiB"]) {
      const job = load().replace("io_size: 8MiB", "io_size: 32MiB").replace("iodepth: 16", "iodepth: 32");
      const result = await run({ [`${MEMORY}.window`]: window }, { payload: false }, job);
      rates.push(p2p(result, "bw_bytes"));
      hits.push(p2p(result, "hit_rate"));
    }
    const [tiny = 0, half = 0, fits = 0, roomy = 0] = rates;
    expect(half).toBeGreaterThan(tiny);
    expect(fits).toBeGreaterThan(1.5 * half);
    expect(roomy).toBe(fits);
    expect(hits[0]).toBeLessThan(0.5);
    expect(hits[2]).toBeGreaterThan(0.95);
  });

  it("gives the same result for any number of workers, payload on or off, with revokes", async () => {
    const set = { [`${MEMORY}.window`]: "2MiB", [`${MEMORY}.revoke_every`]: 5, [`${MEMORY}.migrate`]: true };
    const one = hashOf(await run(set));
    expect(hashOf(await run(set, { workers: 2 }))).toBe(one);
    expect(hashOf(await run(set, { payload: false }))).toBe(one);
  });

  it("takes slots of 2 MiB", async () => {
    const result = await run({ [`${MEMORY}.window`]: "4MiB", [`${MEMORY}.window_page`]: "2MiB" });
    expectClean(result);
    expect(p2p(result, "slots")).toBe(2);
  });
});
