/** Incidents of the bounce pool (data/incidents.json). */
import { describe, expect, it } from "vitest";
import { DIR, type DmaDevice } from "#dmasim/host/dma/device.js";
import { dmaCapable } from "#dmasim/host/dma/limits.js";
import { swiotlbMap, swiotlbUnmap } from "#dmasim/host/swiotlb/bounce.js";
import { classifyFull } from "#dmasim/host/swiotlb/classify.js";
import { initPool } from "#dmasim/host/swiotlb/pool.js";
import { Arena } from "#dmasim/shm/arena.js";
import { dmasim } from "../../support/cli.ts";
import { makeContext, makeDevice } from "../../support/host.ts";
import { mappedOf, preview, refusalOf } from "../../support/mapping.ts";
import { expectClean, jobOf, runJobs } from "../../support/run.ts";

const GUEST = "confidential-vm";
const BUFFER = 0x1_b258_e000;

function bench(nslabs: number, overrides: Partial<DmaDevice> = {}) {
  const arena = Arena.create();
  const ctx = makeContext({ arena });
  const device = makeDevice({ pool: initPool(arena, 0, 0, 0, nslabs, 1, 0x4000000), ...overrides });
  const map = (bytes: number): number => swiotlbMap(ctx, device, BUFFER, bytes, 0, DIR.none, 0);
  const unmap = (tlb: number): number => swiotlbUnmap(ctx, device, tlb, 0, DIR.none, 0);
  const why = (bytes: number, live: number) =>
    classifyFull(ctx, device, { orig: BUFFER, mappingBytes: bytes, allocAlignMask: 0 }, () => live);
  return { device, map, unmap, why };
}

describe("swiotlb-request-over-256k", () => {
  it.each(["256MiB", "512MiB"])("2 MiB are refused by a pool of %s, as too large and not as too many", (size) => {
    const set = { "swiotlb.size": size };
    const refusal = refusalOf(preview(["ram1+0+2MiB"], { machine: GUEST, set }));
    expect(refusal.name).toBe("larger than the largest swiotlb mapping");
    expect(refusal.comparison).toBe("2097152 bytes > 262144 bytes, dma_max_mapping_size");
    expect(refusal.remedy).toContain("a larger pool does not help");
    expect(refusal.kernelLines.join()).toContain("swiotlb buffer is full (sz: 2097152 bytes)");
  });
});

describe("swiotlb-full-while-empty", () => {
  const set = { "swiotlb.size": "64MiB" };

  it("524,276 bytes are refused by 32,768 slots of which none is used", () => {
    const refusal = refusalOf(preview(["ram1+0+524276"], { machine: GUEST, set }));
    expect(refusal.kernelLines).toEqual([
      "swiotlb buffer is full (sz: 524276 bytes), total 32768 (slots), used 0 (slots)",
    ]);
  });

  it("capped segments pass", () => {
    const pieces = ["ram1+0+262144", "ram1+262144+262132"];
    expect(mappedOf(preview(pieces, { machine: GUEST, set })).segments).toHaveLength(2);
  });
});

describe("swiotlb-driver-leak", () => {
  it("a missed unmap fills the pool for good; a larger one only takes as much longer", () => {
    const lives = [32_768, 65_536].map((nslabs) => {
      const b = bench(nslabs, { index: 3 });
      let mapped = 0;
      while (b.map(4000) >= 0) mapped += 1;
      expect(b.why(4000, 1)).toMatchObject({ reason: "leaked", leak: { device: 3, slots: nslabs } });
      return mapped;
    });
    expect(lives).toEqual([16_384, 32_768]);
  });
});

describe("swiotlb-30bit-master", () => {
  const far = "ram@0x80000000+1536";

  it("memory above 1 GiB bounces; without room map_sg returns 0", () => {
    expect(preview([far], { machine: "soc-30bit" }).entries[0]?.space).toBe("bounce");
    const refusal = refusalOf(preview([far], { machine: "soc-30bit", set: { "swiotlb.size": 0 } }));
    expect(refusal.comparison).toBe("0x80000000 + 1536 - 1 > bus limit 0x3fffffff");
  });

  it("with 1 GiB of RAM nothing bounces", () => {
    expect(preview(["ram@0x10000000+1536"], { machine: "soc-30bit" }).entries[0]?.space).toBe("phys");
  });
});

describe("swiotlb-mask-overflow-plus-full", () => {
  it("above a 32-bit mask, 8,192 bytes find no run in a pool that is 17 % free", () => {
    const b = bench(32_768, { dmaMask: 0xffffffff });
    expect(dmaCapable(b.device, BUFFER, 8192)).toBe(false);
    const held = Array.from({ length: 32_768 }, () => b.map(2048));
    const free = 32_768 - 27_103;
    for (let i = 0; i < free; i += 1) b.unmap(held[i * 5] as number);
    expect(b.map(8192)).toBeLessThan(0);
    expect(b.why(8192, 27_103)).toMatchObject({ reason: "fragmented", usedSlots: 27_103, longestFreeRun: 1 });
    for (let i = 1; i < 5; i += 1) b.unmap(held[i] as number);
    expect(b.map(8192)).toBeGreaterThan(0);
  });
});

describe("swiotlb-256k-pool-dvd", () => {
  it("256 KiB fail and are retried again and again; 8 MiB do not; the knee lies between", async () => {
    const load = "{ name: a, rw: read, bs: 64k, iodepth: 32, size: 64MiB, io_size: 8MiB }";
    const runs = [];
    for (const size of ["256KiB", "1MiB", "8MiB"]) {
      const set = { "swiotlb.size": size, "swiotlb.areas": 1 };
      const result = await runJobs([load], { machine: GUEST, set });
      expectClean(result);
      runs.push(jobOf(result));
    }
    const [tiny, small, enough] = runs.map(({ retries }) => retries);
    expect(tiny).toBeGreaterThan(small ?? 0);
    expect([small === 0, enough]).toEqual([false, 0]);
    expect(runs[0]?.read.bw_bytes ?? 0).toBeLessThan(0.8 * (runs[2]?.read.bw_bytes ?? 0));
  });
});

describe("swiotlb-s390-firstboot", () => {
  it("64 MiB fill up with maps of 256 KiB, 512 MiB do not", async () => {
    const load =
      "{ name: a, rw: read, bs: 256k, iodepth: 64, numjobs: 6, size: 256MiB, io_size: 64MiB, sg: { entry: 256k, scatter: false } }";
    const runs = [];
    for (const size of ["64MiB", "512MiB"]) {
      const set = {
        "swiotlb.size": size,
        "swiotlb.areas": 1,
        "devices.vda.max_transfer": "256KiB",
        "devices.vda.queues": 6,
      };
      runs.push(await runJobs([load], { machine: GUEST, set, payload: false, verify: false }));
    }
    const [small, large] = runs.map((run) => jobOf(run));
    expect(small?.retries).toBeGreaterThan(0);
    expect(large?.retries).toBe(0);
    expect(runs[0]?.counters.swiotlb).toMatchObject({ slots: 32_768 });
  });
});

describe("swiotlb-single-lock", () => {
  it("one lock is the limit; areas for each CPU take it away", async () => {
    const load = "{ name: a, rw: read, device: eth0, bs: 1500, iodepth: 64, numjobs: 8, io_size: 3MiB }";
    const runs = [];
    for (const areas of [1, 16]) {
      const set = { "swiotlb.areas": areas, "devices.eth0.queues": 8 };
      runs.push(await runJobs([load], { machine: GUEST, set, payload: false, verify: false }));
    }
    const [one, many] = runs;
    expect(one?.bottleneck.resource).toBe("swiotlb area 0");
    expect(many?.bottleneck.resource).not.toContain("swiotlb");
    expect(jobOf(many as (typeof runs)[0]).read.bw_bytes).toBeGreaterThan(
      1.7 * jobOf(one as (typeof runs)[0]).read.bw_bytes,
    );
  });
});

describe("swiotlb-memory-bill", () => {
  it("the pool of a guest is listed with its size", () => {
    const { stdout } = dmasim(["inspect", "machine", GUEST, "--set", "memory[2].size=6GiB"]);
    expect(stdout).toMatch(/swiotlb +512 MiB at 0x[0-9a-f]+, 16 areas, every DMA bounces/);
  });
});
