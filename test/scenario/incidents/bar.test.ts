/** Incidents of BARs and MMIO windows (data/incidents.json): each symptom with its figures, and the remedy that ends it. */
import { describe, expect, it } from "vitest";
import { resolveMachine } from "#dmasim/sim/machine/load.js";
import { System } from "#dmasim/sim/system.js";
import { pairView } from "#dmasim/sim/topology/pairs.js";
import { preview, refusalOf } from "../../support/mapping.ts";
import { expectClean, jobOf, machineOf, type RunChanges, runJobs } from "../../support/run.ts";

const MB = 1e6;
const MIB = 2 ** 20;
const GIB = 2 ** 30;
const TIB = 2 ** 40;

describe("bar1-256m-pinning", () => {
  /** The driver keeps 16 of 256 MiB. */
  const RESERVED = { "devices.gpu0.memory.window": "240MiB" };
  const FULL = {
    "devices.gpu0.bars[0].start": "0x8000000000",
    "devices.gpu0.bars[0].size": "16GiB",
    "devices.gpu0.memory.window_page": "2MiB",
  };

  async function register(bytes: number, set: RunChanges["set"]): Promise<string> {
    const job = `{ name: a, rw: randread, bs: 64k, iodepth: 4, size: 64MiB, io_size: 1MiB, target: "vram:gpu0", working_set: ${bytes}, pin: longterm }`;
    const result = await runJobs([job], { machine: "desktop-gpu-256m", payload: false, verify: false, set });
    expect(result.integrity.leaks).toEqual([]);
    return jobOf(result).error_text ?? "";
  }

  it("registration fails between 200 MB and 256 MiB, at what the BAR has left", async () => {
    expect(await register(200 * MB, RESERVED)).toBe("");
    expect(await register(256 * MIB, RESERVED)).toContain("every window slot in reach is pinned");
    expect(await register(500 * MB, RESERVED)).toContain("every window slot in reach is pinned");
    let [fits, fails] = [200 * MB, 256 * MIB];
    while (fails - fits > MIB) {
      const middle = Math.floor((fits + fails) / 2);
      if ((await register(middle, RESERVED)) === "") fits = middle;
      else fails = middle;
    }
    expect(fits / MIB).toBeGreaterThan(238);
    expect(fails / MIB).toBeLessThan(242);
  });

  it("a BAR of full size has no such limit", async () => {
    expect(await register(500 * MB, FULL)).toBe("");
  });
});

describe("bar-smaller-than-vram", () => {
  const [SMALL, FAR] = ["private:gpu1+20GiB+4k", "private:gpu1+40GiB+4k"];
  const WHERE = { machine: "gpu-pair-48g", dev: "gpu0" } as const;

  it("48 GiB behind 32 GiB: what lies behind the BAR cannot be mapped", () => {
    const refusal = refusalOf(preview([SMALL, FAR], WHERE));
    expect(refusal).toMatchObject({ entry: 1, errnoName: "EINVAL" });
    expect(refusal.name).toContain("range");
    expect(refusal.comparison).toBe("0xa00000000 + 4096 > exposable 0x800000000");
    // One to one: page n by slot n.
    expect(preview([SMALL], WHERE).entries[0]?.phys).toBe(0x8800000000 + 20 * GIB);
  });

  it("24 GiB fit as they are", () => {
    const set = { "devices.gpu1.memory.size": "24GiB" };
    const ends = ["private:gpu1+0+4k", "private:gpu1+24575MiB+1MiB"];
    expect(preview(ends, { ...WHERE, set }).refusal).toBeNull();
  });

  it("what-if: slots that move show all of it, and remapping costs", async () => {
    const job = (set: string) =>
      `{ name: a, device: gpu0, rw: randread, bs: 64k, iodepth: 4, size: 64MiB, io_size: 4MiB, target: "vram:gpu1", working_set: ${set} }`;
    const moving = { "devices.gpu1.memory.moves": true };
    expect(preview([SMALL, FAR], { ...WHERE, set: moving }).refusal).toBeNull();
    const result = await runJobs([job("2GiB")], { machine: "gpu-pair-48g", set: moving });
    expectClean(result);
    expect(result.counters.p2p?.["remaps"]).toBeGreaterThan(0);
    const fixed = await runJobs([job("2GiB")], { machine: "gpu-pair-48g" });
    expectClean(fixed);
    expect(fixed.counters.p2p?.["remaps"]).toBe(0);
    expect(jobOf(result).map_ns).toBeGreaterThan(jobOf(fixed).map_ns);
  });
});

describe("bar1-static-vs-display", () => {
  /** The GPU with the display has no BAR for its whole memory any more. */
  const DISPLAY = { "devices.gpu1.memory.bar": "null" };

  it("the connectivity matrix says yes, and mapping fails", () => {
    const pair = pairView(new System(machineOf("gpu-pair-48g", DISPLAY)), 0, 1);
    expect(pair).toMatchObject({ mapType: "through the host bridge" });
    expect(pair.distance).toBeGreaterThan(0);
    const refusal = refusalOf(preview(["private:gpu1+0+4k"], { machine: "gpu-pair-48g", dev: "gpu0", set: DISPLAY }));
    expect(refusal.name).toContain("MMIO aperture");
  });

  it("the other pair works, and the pair does once the BAR is back", () => {
    const other = preview(["private:gpu0+0+4k"], { machine: "gpu-pair-48g", dev: "gpu1", set: DISPLAY });
    expect(other.refusal).toBeNull();
    expect(preview(["private:gpu1+0+4k"], { machine: "gpu-pair-48g", dev: "gpu0" }).refusal).toBeNull();
  });
});

describe("mmio-window-exhausted", () => {
  const BARS = (window: { start: string; size: string } | null) => {
    const set = window === null ? [] : Object.entries(window);
    const overrides = set.map(([key, value]) => ({ path: `pcie.rc0.windows[1].${key}`, value }));
    return resolveMachine("guest-8gpu", overrides).devices.filter(({ class: of }) => of === "gpu");
  };

  it("an eighth of 46 bits, 8 TiB: one of eight GPUs of 512 GiB gets no BAR", () => {
    const gpus = BARS(null);
    expect(gpus.map(({ bars }) => bars.length)).toEqual([2, 2, 2, 2, 2, 2, 2, 0]);
    expect(gpus[7]?.unassigned.map(({ kernelLine }) => kernelLine)).toEqual([
      "BAR 1 [mem size 0x8000000000 64bit pref]: can't assign; no space",
      "BAR 3 [mem size 0x2000000 64bit pref]: can't assign; no space",
    ]);
    // Alignment doubles what each takes.
    const starts = gpus.slice(0, 7).map(({ bars }) => bars[0]?.start ?? 0);
    expect(starts.slice(1).map((start, index) => start - (starts[index] ?? 0))).toEqual(Array(6).fill(TIB));
  });

  it("that GPU is unusable", async () => {
    const words = { machine: "guest-8gpu", dev: "gpu0" };
    expect(() => preview(["bar:gpu7+0+4k"], words)).toThrow("can't assign; no space");
    const job = '{ name: a, device: vda, rw: read, size: 1MiB, target: "bar:gpu7" }';
    await expect(runJobs([job], { machine: "guest-8gpu" })).rejects.toThrow("BAR that has no address");
  });

  it("a quarter, 16 TiB, fits all eight", () => {
    const gpus = BARS({ start: "0x300000000000", size: "16TiB" });
    expect(gpus.every(({ bars, unassigned }) => bars.length === 2 && unassigned.length === 0)).toBe(true);
  });
});
